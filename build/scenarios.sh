#!/usr/bin/env bash
# scenarios.sh [COUNT]: random scripts, 100000 of them, on the fake and on the C
# stand-in. XPC_SCRIPTS_SEED repeats a run. Disagreements are left, shrunk, in
# .build/scenarios.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
use_standin strict
export XPC_SCRIPTS=${1:-100000} XPC_SCRIPTS_SEED=${XPC_SCRIPTS_SEED:-$((RANDOM * 32768 + RANDOM))}
export XPC_SCRIPTS_DIR=$PWD/.build/scenarios
rm -rf "$XPC_SCRIPTS_DIR"
mkdir -p "$XPC_SCRIPTS_DIR"
say "$XPC_SCRIPTS scripts, XPC_SCRIPTS_SEED=$XPC_SCRIPTS_SEED"
go test "${flags[@]}" -count=1 -timeout 6h -run '^TestRandomScriptsStandin$' ./xpctest ||
	die "failed: what the two disagree on is in $XPC_SCRIPTS_DIR"
say "$XPC_SCRIPTS scripts, no disagreement"
