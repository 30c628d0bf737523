#!/usr/bin/env bash
# Finds every fuzz target of every package and runs each for FUZZTIME.
. "$(dirname "$0")/common.sh"
need_go
time=${FUZZTIME:-30s}
count=0
for dir in $(modules); do
	for pkg in $(cd "$dir" && go list ./...); do
		list=$(cd "$dir" && go test -list '^Fuzz' "$pkg")
		for target in $(echo "$list" | grep '^Fuzz' || true); do
			say "$pkg $target for $time"
			(cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" "$pkg")
			count=$((count + 1))
		done
	done
done
[ "$count" -gt 0 ] || die "no fuzz target found"
say "$count targets, nothing found"
