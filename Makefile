# make demo, test and portable need Go alone. make deps installs what the others need.
# Each stops at the first thing that is wrong and says what it is.

DEMO     = ./examples/container/demo
FUZZTIME = 30s

# More, on make's command line or in the environment:
#   TESTARGS                    for go test, of make test and make bridge
#   LIBXPC_INCLUDE, LIBXPC_LIB  another libxpc for make bridge, see build/standin.sh
#   XS_SEED                     one seed for make bridge-adversarial

# Pinned, and run without being installed.
STATICCHECK = honnef.co/go/tools/cmd/staticcheck@v0.8.2
ACTIONLINT  = github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

BRIDGE_CONFIGS = c race asan tsan macos12 adversarial

# The long runs stay out, and with them the bridge under 20 seeds.
CHECKS = lint test portable demo cross api $(patsubst %,bridge-%,$(filter-out adversarial,$(BRIDGE_CONFIGS)))

export STATICCHECK ACTIONLINT FUZZTIME

.PHONY: help demo test portable deps cross api bridge probe mutate sensitivity conformance fuzz bench soak \
	lint check clean $(BRIDGE_CONFIGS:%=bridge-%)

help:
	@echo "demo         the tour: a client of apple/container, on the fake (Go only)"
	@echo "test         all tests that need only Go, with -race where it works"
	@echo "portable     build and vet for four systems, one with 32 bits, without cgo (Go only)"
	@echo "deps         install what the rest needs (Linux x86_64)"
	@echo "cross        build, vet and link for macOS against Apple's headers"
	@echo "api          compare the package with Apple's headers, function by function"
	@echo "bridge       run the macOS code against the C stand-in, with sanitizers"
	@echo "probe        the open questions, asked of libxpc (a Mac only)"
	@echo "conformance  the rows of semantics, by harness"
	@echo "fuzz         every fuzz target for FUZZTIME ($(FUZZTIME))"
	@echo "bench        benchmarks and their targets"
	@echo "soak         the long run"
	@echo "mutate       what no test would notice if it were missing (long)"
	@echo "sensitivity  the fake, altered in one place at a time: its tests must notice (long)"
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
	@build/api.sh

bridge: $(BRIDGE_CONFIGS:%=bridge-%)

$(BRIDGE_CONFIGS:%=bridge-%):
	@build/bridge.sh $(@:bridge-%=%)

probe:
	@build/probe.sh

conformance:
	@build/conformance.sh

fuzz:
	@build/fuzz.sh

bench:
	@build/bench.sh

soak:
	@build/soak.sh
	@build/scenarios.sh

mutate:
	@build/mutate.sh

sensitivity:
	@build/sensitivity.sh

lint:
	@build/lint.sh

check:
	@set -e; for target in $(CHECKS); do \
		echo "== make $$target"; \
		$(MAKE) --no-print-directory $$target; \
	done; echo "check: $(CHECKS): all passed"

clean:
	rm -rf .build
