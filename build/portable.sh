#!/usr/bin/env bash
# The package compiles everywhere without a C compiler. With one: make test and
# make cross.
. "$(dirname "$0")/common.sh"
need_go
export CGO_ENABLED=0
for system in linux/amd64 linux/386 darwin/arm64 windows/amd64 freebsd/amd64; do
	export GOOS=${system%/*} GOARCH=${system#*/}
	go build ./...
	go vet ./...
	say "$system: built and vetted, CGO_ENABLED=0"
done
