#!/usr/bin/env bash
# mutate.sh [-list] [-run PATTERN] [-j N] [-budget TIME]
#
# Takes out one release, retain, handle deletion, lock, count or state check at a
# time, and runs the tests against the stand-in. What no test notices must be
# explained in testdata/mutants.txt. Results are kept in .build/mutate: delete that
# to start anew.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
OPT=${OPT--O0}
use_standin strict
# The fuzz target of the C half has sanitizers, and so must its stand-in have.
export MUTATE_ASAN=$PWD/.build/libxpc/asan
make -s -C testdata/libxpc BUILD="$PWD/.build/libxpc" asan
# A lost reference need not be waited for as long as in tests that should pass.
export XPC_TEST_PATIENCE=${XPC_TEST_PATIENCE-1500ms}
mkdir -p .build/mutate
go build -o .build/mutate/mutate ./internal/mutate
nice .build/mutate/mutate "$@"
