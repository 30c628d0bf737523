#!/usr/bin/env bash
# scenarios.sh [COUNT]: random scripts, 100000 of them, on the fake and on the C
# stand-in. XPC_SCRIPTS_SEED repeats a run. Disagreements are left, shrunk, in
# .build/scenarios.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
use_standin strict
export XPC_SCRIPTS=${1:-100000} XPC_SCRIPTS_DIR=$PWD/.build/scenarios
rm -rf "$XPC_SCRIPTS_DIR"
mkdir -p "$XPC_SCRIPTS_DIR"
go test "${flags[@]}" -count=1 -timeout 6h -run '^TestRandomScriptsStandin$' ./xpctest ||
	die "the two disagree: see $XPC_SCRIPTS_DIR, and the seed above"
say "$XPC_SCRIPTS scripts, no disagreement"
