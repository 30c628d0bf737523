#!/usr/bin/env bash
# bridge.sh race|asan|tsan|adversarial|macos12|macos10
#
# Runs bridge.m and xpc_darwin.go, the files that ship, on Linux against a
# libxpc: an overlay gives xpc_darwin.go a name that Linux builds. The libxpc is
# testdata/libxpc, built here, or that of LIBXPC_INCLUDE (headers) and
# LIBXPC_LIB (a directory with libxpc.so, or with one in each of strict/, asan/
# and so on). BRIDGE_PACKAGES are the packages to test; TESTARGS goes to the tests.
#
#	race         Go's race detector and cgo's pointer checks, C as it is
#	asan         address, leak and undefined-behaviour sanitizers over C
#	tsan         thread sanitizer over C. Calls from C to Go and back order memory
#	             for it, so what races in Go alone is left to the first one, with
#	             which it cannot share a program
#	adversarial  delays and shuffles by seed: 1..SEEDS (20), or XS_SEED alone
#	macos12, macos10  a libxpc without what came later
. "$(dirname "$0")/common.sh"
config=${1-}
name="bridge $config"
case $config in
race | adversarial) variant=strict ;;
asan | tsan | macos12 | macos10) variant=$config ;;
*) die "usage: build/bridge.sh race|asan|tsan|adversarial|macos12|macos10" ;;
esac
[ "$(uname -s)" = Linux ] || die "runs on Linux; on a Mac, make test runs the same code against libxpc itself"
need_go
need clang "run 'make deps' first"
[ -f xpc_darwin.go ] || die "no xpc_darwin.go yet"

include=${LIBXPC_INCLUDE:-$PWD/testdata/libxpc/include}
if [ -n "${LIBXPC_LIB-}" ]; then
	lib=$LIBXPC_LIB
else
	[ -f testdata/libxpc/Makefile ] || die "no testdata/libxpc/Makefile yet"
	lib=$PWD/.build/libxpc
	make -s -C testdata/libxpc BUILD="$lib" "$variant"
fi
[ ! -d "$lib/$variant" ] || lib=$lib/$variant
[ -f "$lib/libxpc.so" ] || die "no libxpc.so in $lib"
[ -f "$include/xpc/xpc.h" ] || die "no xpc/xpc.h in $include"

# Go links .m files against libobjc. An empty one keeps GNU's, and its leaks, away.
work=$PWD/.build/bridge
mkdir -p "$work/lib"
[ -f "$work/lib/libobjc.a" ] || ar rc "$work/lib/libobjc.a"
overlay=$PWD/.build/overlay.json
printf '{"Replace": {"%s/xpc_standin.go": "%s/xpc_darwin.go"}}\n' "$PWD" "$PWD" >"$overlay"

# The build cache does not look into headers outside the module's packages: their
# sum makes it do so.
sum=$(find "$include" -type f -exec cksum {} + | sort | cksum | cut -d' ' -f1)
cflags="-g -O1 -fno-omit-frame-pointer -I$include -DXPC_HEADERS_SUM=$sum"
ldflags="-L$lib -L$work/lib -lxpc -lBlocksRuntime"
flags=() run=()
case $config in
race)
	export GOEXPERIMENT=cgocheck2
	flags=(-race)
	;;
asan)
	cflags="$cflags -fsanitize=undefined -fno-sanitize-recover=undefined"
	ldflags="$ldflags -fsanitize=undefined"
	flags=(-asan)
	# Go's own exit asks for the leak report. (Not detect_stack_use_after_return:
	# its stale frames hide leaks.)
	export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
	;;
tsan)
	cflags="$cflags -fsanitize=thread"
	ldflags="$ldflags -fsanitize=thread"
	# Go leaves without the exit handler that would turn reports into a failure.
	export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}"
	# clang 14's knows no address space as random as newer kernels make it.
	! setarch -R true 2>/dev/null || run=(setarch -R)
	;;
esac
export CGO_ENABLED=1 CC=clang CGO_CFLAGS="$cflags" CGO_LDFLAGS="$ldflags"
export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"

# DWARF stays in, for the sanitizers' traces.
flags+=(-tags xpcstandin -overlay "$overlay" "-ldflags=-w=0 -s=0")
packages=${BRIDGE_PACKAGES-}
if [ -z "$packages" ]; then
	packages=.
	for dir in xpctest examples; do
		[ ! -d "$dir" ] || packages="$packages ./$dir/..."
	done
fi

# shellcheck disable=SC2086 # words on purpose
if [ "$config" != adversarial ]; then
	${run[@]+"${run[@]}"} go test "${flags[@]}" -count=1 -timeout 5m ${TESTARGS-} $packages
else
	seeds=${SEEDS:-20}
	rm -rf "$work/adversarial"
	mkdir -p "$work/adversarial"
	go list "${flags[@]}" -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' $packages >"$work/dirs"
	i=0
	while read -r dir; do
		i=$((i + 1))
		(cd "$dir" && go test "${flags[@]}" -c -o "$work/adversarial/$i.test" .)
	done <"$work/dirs"
	for seed in ${XS_SEED:-$(seq "$seeds")}; do
		i=0
		while read -r dir; do
			i=$((i + 1))
			(cd "$dir" && XS_SEED=$seed "$work/adversarial/$i.test" -test.timeout 5m ${TESTARGS-} >"$work/adversarial/log" 2>&1) || {
				cat "$work/adversarial/log"
				die "$dir failed; again with: make bridge-adversarial XS_SEED=$seed"
			}
		done <"$work/dirs"
	done
	say "seeds ${XS_SEED:-1..$seeds}"
fi
say "passed, against $lib"
