//go:build linux

package main

import "path/filepath"

// fakeSet is the delivery code of package fake: what decides whether, when, in
// which order and as what something reaches a handler.
//
// Not in it: serve.go, new.go and runtime.go only call the public API; settle.go,
// leaks.go, log.go, trace.go and findings.go watch; fault.go, inject.go, strike.go
// and shuffle.go are disturbances that a test asks for; plist.go, checkplist.go,
// bundle.go, options.go and user.go read configuration; resource.go, shmem.go and
// fd_*.go copy what messages carry; stack.go and stacksize.go are about the
// goroutine's stack. Locks are left to the race detector, with which make test runs.
func fakeSet() *set {
	s := &set{
		explained: "testdata/sensitivity.txt",
		out:       ".build/sensitivity/results.txt",
		least:     95,
		late:      func(*mutant) int { return 0 },
		place:     func(name string, text []byte, put func(string, []byte)) { put(name, text) },
	}
	for _, name := range []string{
		"backend", "close", "conn", "deliver", "domain", "endpoint", "event", "exit", "job", "keepalive",
		"launchd", "link", "message", "process", "queue", "reboot", "reply", "request", "requirement", "send",
		"transaction",
	} {
		s.files = append(s.files, filepath.Join("fake", name+".go"))
	}
	states := stateFields(s.files)
	s.find = func(name string, src []byte) ([]*mutant, error) { return deliveryMutants(name, src, states) }
	s.helpers.name, s.helpers.text = "fake/mutant.go", goHelpers("fake", deliveryHelpers)
	own, conformance := program{dir: "fake"}, program{dir: "xpctest"}
	s.programs = []program{own, conformance}
	s.runs = func(*mutant) []run {
		return []run{
			{own, []string{"-test.skip", "^(Fuzz|TestMemoryStaysFlat|TestChaos)"}},
			{conformance, []string{"-test.run", "^(TestFake|TestFakeInProcess|TestScenarios)$"}},
			{own, []string{"-test.short", "-test.run", "^(TestChaos|TestMemoryStaysFlat)"}},
			{conformance, []string{"-test.run", "^(TestRandomScripts|TestRandomScriptsFind)$"}},
			{conformance, []string{"-test.run", "^TestScenariosOpenQuestions$"}},
			// Not the probes, which wait in real time.
			{conformance, []string{"-test.run", "^TestScenariosInProcess$", "-test.skip", "^TestScenariosInProcess$/^probe"}},
		}
	}
	return s
}

// deliveryHelpers is what changes in the delivery code call. Each does as the
// original unless its mutant is in effect.
const deliveryHelpers = `
// pick chooses between the changed and the original.
func pick[T any](n int, changed, original T) T {
	if mutant(n) {
		return changed
	}
	return original
}

func zero[T any](n int, original T) T {
	if mutant(n) {
		var z T
		return z
	}
	return original
}

func lastFirst[T any](n int, l []T) []T {
	if mutant(n) && len(l) > 1 {
		return append([]T{l[len(l)-1]}, l[:len(l)-1]...)
	}
	return l
}

func (l *eventList) pushOr(e *event, front int) {
	if l.push(e); mutant(front) && l.head != e {
		before := l.head
		for before.next != e {
			before = before.next
		}
		before.next, l.tail = nil, before
		e.next, l.head = l.head, e
	}
}

func (l *eventList) popOr(back, stays int) *event {
	switch {
	case mutant(stays):
		return l.head
	case mutant(back) && l.head != l.tail:
		e := l.tail
		for before := l.head; ; before = before.next {
			if before.next == e {
				before.next, l.tail = nil, before
				return e
			}
		}
	}
	return l.pop()
}

func (l *jobs) pushOr(j job, front int) {
	if l.push(j); mutant(front) {
		copy(l.list[l.head+1:], l.list[l.head:len(l.list)-1])
		l.list[l.head] = j
	}
}

func (l *jobs) popOr(back, stays int) job {
	switch {
	case mutant(stays):
		return l.list[l.head]
	case mutant(back):
		last := len(l.list) - 1
		l.list[l.head], l.list[last] = l.list[last], l.list[l.head]
	}
	return l.pop()
}

func (q *queue) pushOr(j job, front int) {
	if mutant(front) && !q.concurrent {
		q.mu.Lock()
		if q.running {
			q.jobs.pushOr(j, front)
			q.mu.Unlock()
			return
		}
		q.mu.Unlock()
	}
	q.push(j)
}
`
