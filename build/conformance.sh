#!/usr/bin/env bash
# The matrix of rows and scenarios by harness, printed and as Markdown in
# docs/conformance.md. Without clang or the C stand-in, and on a Mac, where the
# harnesses are others, docs/conformance.md stays as it is.
. "$(dirname "$0")/common.sh"
need_go
dir=$PWD/.build/conformance
rm -rf "$dir"
mkdir -p "$dir"
export XPC_CONFORMANCE_DIR=$dir
failed=
log() { tee "$dir/$1.log" | grep -E '^(ok|FAIL|panic:|--- FAIL|bridge)' || true; }
go test -count=1 -timeout 10m -run '^Test(Fake|Libxpc|LaunchAgent)?(Scenarios)?(InProcess)?$' ./xpctest 2>&1 | log go || failed=yes
complete=
if [ "$(uname -s)" != Linux ]; then
	say "docs/conformance.md is left alone: it is written on Linux"
elif ! command -v clang >/dev/null || [ ! -f testdata/libxpc/Makefile ]; then
	say "no clang, so no stand-in: docs/conformance.md is left alone"
else
	complete=yes
	BRIDGE_PACKAGES=./xpctest TESTARGS="-run Test(Standin|ScenariosStandin)$ ${TESTARGS-}" build/bridge.sh race 2>&1 | log bridge || failed=yes
fi
unset XPC_CONFORMANCE_DIR
out=$dir/conformance.md
go run ./internal/conformance -dir "$dir" -o "$out" || failed=yes
for name in fake fake-one-process stand-in; do
	[ -f "$dir/$name.json" ] && [ -f "$dir/$name.scenarios.json" ] || complete=
done
[ ! "$complete" ] || cp "$out" docs/conformance.md
[ ! "$failed" ] || die "something failed: see $dir/*.log"
