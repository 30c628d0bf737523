#!/usr/bin/env bash
# Every public function of Apple's headers, and its Go name or why it has none.
. "$(dirname "$0")/common.sh"
need_go
need_zig
exec go run ./internal/apicheck -cc build/darwin/cc
