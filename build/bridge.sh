#!/usr/bin/env bash
# bridge.sh c|race|asan|tsan|adversarial|macos12|macos10
#
# Runs the tests that reach the bridge on Linux: see standin.sh. BRIDGE_PACKAGES
# are the packages to test; TESTARGS goes to the tests.
#
#	c            the stand-in's own tests, in C: plain, with sanitizers, for benchmarks
#	race         Go's race detector and cgo's pointer checks, C as it is
#	asan         address, leak and undefined-behaviour sanitizers over C
#	tsan         thread sanitizer over C. Calls from C to Go and back order memory
#	             for it, so what races in Go alone is left to the first one, with
#	             which it cannot share a program
#	adversarial  delays and shuffles by seed: 1..SEEDS (20), or XS_SEED alone
#	macos12, macos10  a libxpc without what came later
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/standin.sh"
config=${1-}
name="bridge $config"
case $config in
c)
	need clang "run 'make deps' first"
	make -s -C testdata/libxpc BUILD="$PWD/.build/libxpc" test | { grep -v '^ok ' || true; }
	say "passed"
	exit
	;;
race | adversarial) variant=strict ;;
asan | tsan | macos12 | macos10) variant=$config ;;
*) die "usage: build/bridge.sh c|race|asan|tsan|adversarial|macos12|macos10" ;;
esac
use_standin "$variant"

# What make test has run on the fake alone runs here no second time.
skip='^Test(Fake|FakeInProcess|Scenarios|ScenariosInProcess|ScenariosOpenQuestions|RandomScripts)$'
# Random scripts: a lot for each seed, which brings new timing to the same ones.
export XPC_SCRIPTS=${XPC_SCRIPTS:-$([ "$config" = adversarial ] && echo 20 || echo 100)}
run=()
case $config in
race)
	export GOEXPERIMENT=cgocheck2
	flags+=(-race)
	;;
asan)
	CGO_CFLAGS="$CGO_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"
	CGO_LDFLAGS="$CGO_LDFLAGS -fsanitize=undefined"
	flags+=(-asan)
	# The instrumentation allocates, too.
	skip="$skip|Allocations$"
	# Go's own exit asks for the leak report. (Not detect_stack_use_after_return:
	# its stale frames hide leaks.)
	export UBSAN_OPTIONS="${UBSAN_OPTIONS:-print_stacktrace=1}"
	;;
tsan)
	CGO_CFLAGS="$CGO_CFLAGS -fsanitize=thread"
	CGO_LDFLAGS="$CGO_LDFLAGS -fsanitize=thread"
	# Go leaves without the exit handler that would turn reports into a failure.
	export TSAN_OPTIONS="${TSAN_OPTIONS:-halt_on_error=1 second_deadlock_stack=1}"
	# clang 14's knows no address space as random as newer kernels make it.
	! setarch -R true 2>/dev/null || run=(setarch -R)
	;;
esac
# The stand-in's tests in C, for the rows whose misuse must end the process.
if [ -z "${LIBXPC_LIB-}" ] && [ "$variant" = strict ]; then
	make -s -C testdata/libxpc BUILD="$PWD/.build/libxpc" "$lib/test"
	export XPC_STANDIN_TEST=$lib/test
fi
packages=${BRIDGE_PACKAGES-}
if [ -z "$packages" ]; then
	packages=". ./xpctest"
	[ "$config" = adversarial ] || packages="$packages ./examples/..."
fi

# shellcheck disable=SC2086 # words on purpose
if [ "$config" != adversarial ]; then
	${run[@]+"${run[@]}"} go test "${flags[@]}" -count=1 -timeout 5m -skip "$skip" ${TESTARGS-} $packages
else
	# Neither the codec nor the examples, which run on the fake, know of the seed.
	skip="$skip|^(Fuzz|Example|Test(Encode|Decode|Hostile|RoundTrip|Unmarshal|Marshal|Aborts|RandomScripts))"
	# (Random scripts compare outcomes where the order is not drawn by lot: K-16.)
	seeds=${SEEDS:-20}
	rm -rf "$work/adversarial"
	mkdir -p "$work/adversarial"
	go list "${flags[@]}" -f '{{if or .TestGoFiles .XTestGoFiles}}{{.Dir}}{{end}}' $packages >"$work/dirs"
	i=0
	while read -r dir; do
		i=$((i + 1))
		(cd "$dir" && go test "${flags[@]}" -c -o "$work/adversarial/$i.test" .)
	done <"$work/dirs"
	# Two at once: mostly they wait.
	half() {
		local seed i dir
		for seed in $(seq "$1" 2 "$2"); do
			i=0
			while read -r dir; do
				i=$((i + 1))
				(cd "$dir" && XS_SEED=$seed "$work/adversarial/$i.test" -test.timeout 5m -test.skip "$skip" ${TESTARGS-} >"$work/adversarial/log$seed" 2>&1) || {
					cat "$work/adversarial/log$seed"
					die "$dir failed; again with: make bridge-adversarial XS_SEED=$seed"
				}
			done <"$work/dirs"
		done
	}
	half "${XS_SEED:-1}" "${XS_SEED:-$seeds}" &
	odd=$!
	trap 'kill "$odd" 2>/dev/null || true' EXIT
	[ -n "${XS_SEED-}" ] || half 2 "$seeds"
	wait "$odd"
	say "seeds ${XS_SEED:-1..$seeds}"
fi
say "passed, against $lib"
