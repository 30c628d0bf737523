#!/usr/bin/env bash
# What the binding adds to a client and a service in plain C, on the build of the
# stand-in without its bookkeeping: lines "ratio NAME MEDIAN MIN..MAX target <=T
# ok|short", each with the absolute times below.
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
OPT=-O2
use_standin bench
go run "${flags[@]}" ./internal/standin/bench
