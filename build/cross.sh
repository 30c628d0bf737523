#!/usr/bin/env bash
# Builds, vets and links everything for macOS against Apple's headers.
. "$(dirname "$0")/common.sh"
need_go
need_zig
export CGO_ENABLED=1 GOOS=darwin
export CC="$PWD/build/darwin/cc"
for GOARCH in amd64 arm64; do
	export GOARCH
	out=.build/cross/$GOARCH
	rm -rf "$out"
	mkdir -p "$out"
	# The shipped flags leave warnings to us: a newer compiler's must not break
	# the build of a program that uses the module.
	for source in *.m; do
		"$CC" -Wall -Wextra -Werror -fblocks -fno-objc-arc -mmacosx-version-min=12.0 -c -o "$out/${source%.m}.o" "$source"
		rm "$out/${source%.m}.o"
	done
	go vet ./...
	go build -ldflags=-w -o "$out/" ./...
	go test -c -ldflags=-w -o /dev/null ./... | grep -v 'no test files' || true
	say "darwin/$GOARCH: vetted, built, $(go list ./... | wc -l | tr -d ' ') packages, tests linked; programs: $(cd "$out" && echo *)"
done

# Only macqueue's users load Cocoa's frameworks.
cocoa=$(grep -l -E '(WebKit|AppKit|Cocoa)\.framework/' .build/cross/*/* | grep -v '/menubar$' || true)
[ -z "$cocoa" ] || die "these programs load macdriver's frameworks without need: $cocoa"

# The compiler likes to leave these behind.
litter=$(find . -path ./.build -prune -o -path ./.deps -prune -o -path ./.git -prune -o -name '*.o' -print)
[ -z "$litter" ] || die "the compiler left behind: $litter"
