#!/usr/bin/env bash
# Asks the libxpc of this Mac what no source tells, and prints what it answers:
# the open questions, each in a process of its own. What SIGTERM does is asked of
# launchd jobs that are installed for the moment; XPC_TEST_LAUNCHAGENT=0 leaves
# them out.
. "$(dirname "$0")/common.sh"
need_go
[ "$(uname -s)" = Darwin ] ||
	die "needs macOS, where libxpc is, and this is $(uname -s); what the fake answers: go test -v -run TestProbe ./xpctest"
cc=$(go env CC)
command -v "${cc%% *}" >/dev/null 2>&1 || die "no C compiler found (tried $cc): run xcode-select --install"
mkdir -p .build
export CGO_ENABLED=1 XPC_TEST_LAUNCHAGENT=${XPC_TEST_LAUNCHAGENT:-1}
sw_vers
probes='^(TestProbe|TestProbeSIGTERM|TestLibxpcScenarios|TestLaunchAgentScenarios)$/^(Q|SIGTERM|signal|probe_)'
# shellcheck disable=SC2086 # words on purpose
go test -count=1 -v -timeout 10m -run "$probes" ${TESTARGS-} ./xpctest 2>&1 | tee .build/probe.txt
say "all of it is in .build/probe.txt, too"
