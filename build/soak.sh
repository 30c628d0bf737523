#!/usr/bin/env bash
# The long runs: the bridge on the stand-in (SOAKARGS="-scale 0.01" makes that
# short), and every fault of the fake under 200 seeds.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
OPT=-O2
use_standin strict
# shellcheck disable=SC2086 # words on purpose
go run "${flags[@]}" ./internal/standin/soak ${SOAKARGS-}
env -i PATH="$PATH" HOME="$HOME" XPC_SOAK=1 go test -count=1 -timeout 30m -run TestEveryFault ./examples/echo ./examples/container
say passed
