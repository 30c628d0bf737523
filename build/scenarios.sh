#!/usr/bin/env bash
# scenarios.sh [COUNT]: random scripts, 100000 of them, on the fake and on the C
# stand-in. XPC_SCRIPTS_SEED repeats a run. Disagreements are left, shrunk, in
# .build/scenarios. Two processes at once, and new ones now and then: each forced
# collection walks over all that tests of Go remember.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
use_standin strict
count=${1:-100000} seed=${XPC_SCRIPTS_SEED:-$((RANDOM * 32768 + RANDOM))} lot=2500
export XPC_SCRIPTS_DIR=$PWD/.build/scenarios
rm -rf "$XPC_SCRIPTS_DIR"
mkdir -p "$XPC_SCRIPTS_DIR"
say "$count scripts, XPC_SCRIPTS_SEED=$seed"
go test "${flags[@]}" -c -o "$XPC_SCRIPTS_DIR/xpctest.test" ./xpctest
cd xpctest

# lots FIRST plays every second lot from the one of that number on.
lots() {
	local at
	for ((at = $1 * lot; at < count; at += 2 * lot)); do
		XPC_SCRIPTS_SEED=$((seed + at)) XPC_SCRIPTS=$((count - at < lot ? count - at : lot)) \
			"$XPC_SCRIPTS_DIR/xpctest.test" -test.timeout 1h -test.run '^TestRandomScriptsStandin$' >"$XPC_SCRIPTS_DIR/log$at" 2>&1 || {
			cat "$XPC_SCRIPTS_DIR/log$at"
			die "failed: what the two disagree on is in $XPC_SCRIPTS_DIR"
		}
		rm "$XPC_SCRIPTS_DIR/log$at"
		say "$((at + lot < count ? at + lot : count))"
	done
}
lots 1 &
other=$!
trap 'kill "$other" 2>/dev/null || true' EXIT
lots 0
wait "$other"
say "$count scripts, no disagreement"
