#!/usr/bin/env bash
# The long run on the stand-in; SOAKARGS="-scale 0.01" makes it short.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
OPT=-O2
use_standin strict
# shellcheck disable=SC2086 # words on purpose
go run "${flags[@]}" ./internal/standin/soak ${SOAKARGS-}
say passed
