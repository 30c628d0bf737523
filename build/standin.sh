# Sourced by the scripts that run bridge.m and xpc_darwin.go, the files that ship,
# on Linux against a libxpc: an overlay gives xpc_darwin.go a name that Linux
# builds. The libxpc is testdata/libxpc, built here, or that of LIBXPC_INCLUDE
# (headers) and LIBXPC_LIB (a directory with libxpc.so, or with one in each of
# strict/, asan/ and so on).

# use_standin VARIANT builds it and sets the environment, $lib, $work and $flags.
use_standin() {
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
		make -s -C testdata/libxpc BUILD="$lib" "$1"
	fi
	[ ! -d "$lib/$1" ] || lib=$lib/$1
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
	export CGO_ENABLED=1 CC=clang
	export CGO_CFLAGS="-g ${OPT--O1} -fno-omit-frame-pointer -I$include -DXPC_HEADERS_SUM=$sum"
	export CGO_LDFLAGS="-L$lib -L$work/lib -lxpc -lBlocksRuntime"
	export LD_LIBRARY_PATH="$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
	# DWARF stays in, for the sanitizers' traces.
	flags=(-tags xpcstandin -overlay "$overlay" "-ldflags=-w=0 -s=0")
}
