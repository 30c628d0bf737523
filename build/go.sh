#!/usr/bin/env bash
# go, or word that it is missing.
. "$(dirname "$0")/common.sh"
need_go
exec go "$@"
