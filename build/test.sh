#!/usr/bin/env bash
# Everything that needs only Go. TESTARGS goes to go test (-count=10, -run …).
. "$(dirname "$0")/common.sh"
need_go

# The race detector needs a C compiler that works and a system that it knows.
# Without a compiler cgo goes too, so that a broken one is no obstacle.
race=-race
export CGO_ENABLED=${CGO_ENABLED:-1}
cc=$(go env CC)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
if [ "$CGO_ENABLED" = 0 ]; then
	race= why="CGO_ENABLED=0"
elif ! (echo 'int main(void) { return 0; }' >"$tmp/a.c" && $cc -o "$tmp/a" "$tmp/a.c") >/dev/null 2>&1; then
	race= why="no C compiler that works (tried $cc)"
	CGO_ENABLED=0
elif ! go list -race std >/dev/null 2>&1; then
	race= why="Go has no race detector for $(go env GOOS)/$(go env GOARCH)"
fi
if [ "$race" ]; then
	say "with -race, $(go version)"
elif [ "${CI-}" = true ]; then
	die "CI=true wants -race, which cannot be had: $why"
else
	say "without -race: $why"
fi

for dir in $(modules); do
	# shellcheck disable=SC2086 # words on purpose
	(cd "$dir" && go test $race -timeout 10m ${TESTARGS-} ./...)
done
say "passed${race:+, with -race}"
