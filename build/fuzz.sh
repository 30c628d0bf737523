#!/usr/bin/env bash
# Finds every fuzz target of every package and runs each for FUZZTIME, of which no
# more than a little goes into making an interesting input smaller. Where clang
# is, the C half of the flat form as well: against its Go half, and alone under
# libFuzzer, both with the address and undefined-behaviour sanitizers.
. "$(dirname "$0")/common.sh"
need_go
time=${FUZZTIME:-30s}
count=0
for dir in $(modules); do
	for pkg in $(cd "$dir" && go list ./...); do
		list=$(cd "$dir" && go test -list '^Fuzz' "$pkg")
		for target in $(echo "$list" | grep '^Fuzz' || true); do
			say "$pkg $target for $time"
			(cd "$dir" && go test -run '^$' -fuzz "^$target\$" -fuzztime "$time" -fuzzminimizetime 50x "$pkg")
			count=$((count + 1))
		done
	done
done
[ "$count" -gt 0 ] || die "no fuzz target found"

if [ "$(uname -s)" != Linux ] || ! command -v clang >/dev/null || [ ! -f /usr/include/Block.h ]; then
	say "$count targets, nothing found; those in C need clang and blocks on Linux: make deps"
	exit
fi

for target in $(sed -n 's/^func \(Fuzz[A-Za-z]*\)(.*/\1/p' native_*_test.go); do
	say "$target for $time, with sanitizers"
	BRIDGE_PACKAGES=. TESTARGS="-run ^\$ -fuzz ^$target\$ -fuzztime $time -fuzzminimizetime 50x" build/bridge.sh asan
	count=$((count + 1))
done

lib=$PWD/.build/libxpc
dir=internal/standin/fuzz
work=$PWD/.build/fuzz
mkdir -p "$work/corpus" "$work/found"
make -s -C testdata/libxpc BUILD="$lib" asan
clang -g -O1 -fblocks -fno-omit-frame-pointer -Wall -Wextra -Werror -Itestdata/libxpc/include \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
	"$dir/objects.c" -x objective-c flatten.m objects.m -x none \
	-L"$lib/asan" -Wl,-rpath,"$lib/asan" -lxpc -lBlocksRuntime -o "$work/objects"
seconds=${time%s}
case $seconds in
*m) seconds=$((${seconds%m} * 60)) ;;
*[!0-9]*) die "FUZZTIME=$time is not a number of seconds or minutes" ;;
esac
say "objects.c for $time"
"$work/objects" -max_total_time="$seconds" -rss_limit_mb=2048 -max_len=4096 -verbosity=0 -print_final_stats=1 \
	-artifact_prefix="$work/found/" "$work/corpus" "$dir/corpus"
count=$((count + 1))
say "$count targets, nothing found"
