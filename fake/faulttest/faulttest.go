// Package faulttest searches a service and its client for what they do wrong when
// something else goes wrong: every fault of package fake at every point, under
// many seeds, each in a world and a synctest bubble of its own.
//
// Under each, every call must end, with a reply or with an error that it may end
// with; nothing may be left over; and after the fault the next call must succeed.
package faulttest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

// SoakVariable is the environment variable that makes the search long.
const SoakVariable = "XPC_SOAK"

// Seeds is how many seeds a search takes by default: 10, or 200 for a soak, or the
// number that [SoakVariable] holds if it is greater than 1.
func Seeds() int {
	s := os.Getenv(SoakVariable)
	n, _ := strconv.Atoi(s)
	switch {
	case s == "":
		return 10
	case n > 1:
		return n
	}
	return 200
}

// A Scenario is a service and what its clients do.
type Scenario struct {
	// Start loads the job into a new world.
	Start func(w *fake.Launchd) (*fake.Job, error)
	// Connect makes a client in process p.
	Connect func(p *fake.Process) (Client, error)
	// Identity is that of the process of the client.
	Identity fake.Identity
	// May tells whether a call may end with err under f, beyond what every call
	// may end with; see [May].
	May func(f fake.Fault, err error) bool
	// Options of every world, beside those of the search.
	Options []fake.Option
	// Seeds, if not 0, goes before [Seeds].
	Seeds int
}

// A Client does the calls of a scenario.
type Client struct {
	// Calls are done side by side. An error tells that a call failed, not that
	// the service answered with an error.
	Calls map[string]func(ctx context.Context) error
	Close func() error
	Done  <-chan struct{} // closed when the client has ended, also by itself
}

// Report tells how often each fault has struck, by its text.
type Report map[string]int

// Missed are the faults that never struck.
func (r Report) Missed() (out []string) {
	for _, s := range slices.Sorted(maps.Keys(r)) {
		if r[s] == 0 {
			out = append(out, s)
		}
	}
	return out
}

// May tells whether any call of package xpc may end with err when f strikes.
func May(f fake.Fault, err error) bool {
	var answer *xpc.RemoteError
	switch {
	case err == nil, errors.As(err, &answer):
		return true
	case errors.Is(err, xpc.ErrInterrupted):
		return true
	case errors.Is(err, xpc.ErrInvalid):
		// A named client only, if its job was unloaded (row 126).
		return f.Do == fake.Unload
	case errors.Is(err, xpc.ErrClosed):
		return f.Do == fake.CrashOther
	case errors.Is(err, xpc.ErrPeerRequirement):
		return f.Do == fake.FailRequirement
	}
	return false
}

// tb is a test, or what looks whether the search finds what it must.
type tb = fake.TB

// patience is longer than any hold or time-out of launchd, in virtual time.
const patience = 2 * time.Minute

// Search tries every fault of [fake.Faults] under every seed, each in a subtest by
// the name of fault and seed: go test -run TestName/fault/seed tries one again.
// The first seed is the fault alone, at the first opportunity; the others choose
// when and how often it strikes, and answers to [fake.OpenQuestions]. After the
// first failure of a fault the search goes on with the next one.
func Search(t *testing.T, s Scenario) Report {
	t.Helper()
	seeds := s.Seeds
	if seeds == 0 {
		seeds = Seeds()
	}
	report := Report{}
	for _, f := range fake.Faults() {
		t.Run(f.String(), func(t *testing.T) {
			report[f.String()] = 0
			for seed := range seeds {
				ok := t.Run(strconv.Itoa(seed+1), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { report[f.String()] += s.run(t, f, uint64(seed+1)) })
				})
				if !ok {
					return
				}
			}
		})
	}
	return report
}

// run is one fault under one seed.
func (s *Scenario) run(t tb, f fake.Fault, seed uint64) int {
	rng := rand.New(rand.NewPCG(seed, 1))
	opts := slices.Concat([]fake.Option{fake.Shuffle(seed), fake.LogMessages()}, s.Options)
	if seed > 1 { // the first is the fault alone, at the first opportunity
		f.Nth = 1 + rng.IntN(3)
		f.Times = 1 + rng.IntN(2)
		if rng.IntN(4) == 0 {
			f.Nth, f.Times, f.Probability = 0, fake.Always, 0.4
		}
		all := openQuestions()
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if rng.IntN(6) == 0 {
				t.Logf("with %s", name)
				opts = append(opts, all[name])
			}
		}
	}
	w := fake.New(t, opts...)
	fault, err := w.Inject(f)
	must(t, err)
	job, err := s.Start(w)
	must(t, err)
	p := s.process(t, w)
	c := s.connect(t, p)

	for range 3 {
		s.round(t, f, p, c)
	}
	fault.Remove()
	// Until the last time-out of launchd has passed and every event is out.
	time.Sleep(time.Minute)
	synctest.Wait()

	if !job.Loaded() {
		must(t, job.Load())
	}
	if ended(p.Done()) {
		p = s.process(t, w)
		closeClient(t, c)
		c = s.connect(t, p)
	} else if f.Do == fake.Unload || ended(c.Done) {
		closeClient(t, c)
		c = s.connect(t, p)
	}
	s.round(t, fake.Fault{}, p, c)
	closeClient(t, c)
	return fault.Hits()
}

// openQuestions are those that a program need not know of: without
// HangDropped, under which a call without a deadline may wait for ever.
func openQuestions() map[string]fake.Option {
	all := fake.OpenQuestions()
	delete(all, "HangDropped")
	return all
}

func (s *Scenario) process(t tb, w *fake.Launchd) *fake.Process {
	p, err := w.NewProcess(fake.ProcessConfig{Identity: s.Identity})
	must(t, err)
	return p
}

func (s *Scenario) connect(t tb, p *fake.Process) Client {
	c, err := s.Connect(p)
	must(t, err)
	return c
}

// round does all calls at once. What calls of a process come to that has crashed
// meanwhile does not matter, as long as they end.
func (s *Scenario) round(t tb, f fake.Fault, p *fake.Process, c Client) {
	var calls sync.WaitGroup
	for _, name := range slices.Sorted(maps.Keys(c.Calls)) {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(context.Background(), patience)
			defer cancel()
			err := c.Calls[name](ctx)
			switch {
			case errors.Is(err, context.DeadlineExceeded):
				t.Errorf("%s has not ended after %v", name, patience)
			case ended(p.Done()):
			case f.Point == "" && err != nil:
				t.Errorf("after the fault %s fails: %v", name, err)
			case f.Point != "" && !May(f, err) && (s.May == nil || !s.May(f, err)):
				t.Errorf("%s ends with: %v", name, err)
			}
		})
	}
	calls.Wait()
	time.Sleep(100 * time.Millisecond)
}

func ended(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

func closeClient(t tb, c Client) {
	if err := c.Close(); err != nil {
		t.Errorf("the client does not close: %v", err)
	}
	<-c.Done
}

func must(t tb, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("the scenario: %v", err)
	}
}
