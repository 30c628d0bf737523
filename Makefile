# make demo and make test need Go alone. make deps installs what the others need.
# Each stops at the first thing that is wrong and says what it is.

DEMO     = ./examples/container/demo
FUZZTIME = 30s

# More, on make's command line or in the environment:
#   TESTARGS                    for go test, of make test and make bridge
#   LIBXPC_INCLUDE, LIBXPC_LIB  another libxpc for make bridge, see build/bridge.sh
#   XS_SEED                     one seed for make bridge-adversarial

# Pinned, and run without being installed.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

BRIDGE_CONFIGS = race asan tsan adversarial

# bridge joins as soon as the stand-in is there. The long runs stay out.
CHECKS = lint test portable demo cross api $(if $(wildcard testdata/libxpc/Makefile),bridge)

export STATICCHECK ACTIONLINT FUZZTIME

.PHONY: help demo test portable deps cross api bridge conformance fuzz bench soak \
	lint check clean $(BRIDGE_CONFIGS:%=bridge-%) bridge-macos12

help:
	@echo "demo         the tour: a client of apple/container, on the fake (Go only)"
	@echo "test         all tests that need only Go, with -race where it works"
	@echo "portable     build and vet for four systems, without cgo (Go only)"
	@echo "deps         install what the rest needs (Linux x86_64)"
	@echo "cross        build, vet and link for macOS against Apple's headers"
	@echo "api          compare the package with Apple's headers, function by function"
	@echo "bridge       run the macOS code against the C stand-in, with sanitizers"
	@echo "conformance  the rows of semantics, by harness"
	@echo "fuzz         every fuzz target for FUZZTIME ($(FUZZTIME))"
	@echo "bench        benchmarks and their targets"
	@echo "soak         the long run"
	@echo "lint         gofmt, go vet, staticcheck, actionlint"
	@echo "check        all of the above but the long runs: $(CHECKS)"

demo:
	@build/go.sh run $(DEMO)

test:
	@build/test.sh

portable:
	@build/portable.sh

deps:
	@build/deps.sh

cross:
	@build/cross.sh

api:
	@build/go.sh run ./internal/apicheck -cc build/darwin/cc

bridge: $(BRIDGE_CONFIGS:%=bridge-%)

$(BRIDGE_CONFIGS:%=bridge-%) bridge-macos12:
	@build/bridge.sh $(@:bridge-%=%)

conformance:
	@echo "conformance: not here yet: it comes with the harnesses of package xpctest" >&2; exit 1

fuzz:
	@build/fuzz.sh

bench:
	@echo "bench: not here yet: it comes with the benchmarks against the C stand-in" >&2; exit 1

soak:
	@echo "soak: not here yet: it comes with the C stand-in's leak counters" >&2; exit 1

lint:
	@build/lint.sh

check:
	@set -e; for target in $(CHECKS); do \
		echo "== make $$target"; \
		$(MAKE) --no-print-directory $$target; \
	done; echo "check: $(CHECKS): all passed"

clean:
	rm -rf .build
