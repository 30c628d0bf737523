#!/usr/bin/env bash
# sensitivity.sh [-list] [-again] [-run PATTERN] [-j N] [-budget TIME]
#
# Takes out or alters one state transition, error choice, queue operation or check
# of the fake's delivery code at a time, and runs the fake's own tests and the
# conformance suite on it. They must notice 95 in 100; what they do not must be
# explained in testdata/sensitivity.txt. Without arguments it starts anew; else
# results are kept in .build/sensitivity.
. "$(dirname "$0")/common.sh"
need_go
# What should come need not be waited for as long as in tests that should pass.
export XPC_TEST_PATIENCE=${XPC_TEST_PATIENCE-1500ms}
# Fewer random scripts than in the tests, for each change that nothing else notices.
export XPC_SCRIPTS=${XPC_SCRIPTS-100}
# Some changes let queues grow without end.
ulimit -v 8000000
mkdir -p .build/sensitivity
[ $# -gt 0 ] || rm -f .build/sensitivity/results.txt
go build -o .build/sensitivity/mutate ./internal/mutate
exec nice .build/sensitivity/mutate -set fake -j "${JOBS-1}" "$@"
