package faulttest

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const name = "com.example.service"

// scenario is a service with the given program, and a client that asks it.
func scenario(main fake.Main) Scenario {
	return Scenario{
		Start: func(w *fake.Launchd) (*fake.Job, error) {
			return w.Load(fake.JobConfig{Label: name, MachServices: []string{name}, Main: main})
		},
		Connect: func(p *fake.Process) (Client, error) {
			c, err := xpc.NewClient(name, xpc.WithRuntime(p.Runtime()))
			if err != nil {
				return Client{}, err
			}
			return Client{Close: c.Close, Done: c.Done(), Calls: map[string]func(context.Context) error{
				"ask": func(ctx context.Context) error { return c.Call(ctx, xpc.Dictionary{}, nil) },
			}}, nil
		},
	}
}

// answers is a service as it should be.
func answers(context.Context, *xpc.Message) (any, error) { return nil, nil }

// onlooker is a test that only takes notes.
type onlooker struct {
	fake.TB
	said    []string
	cleanup []func()
}

func (o *onlooker) Helper()             {}
func (o *onlooker) Cleanup(f func())    { o.cleanup = append(o.cleanup, f) }
func (o *onlooker) Failed() bool        { return false }
func (o *onlooker) Logf(string, ...any) {}
func (o *onlooker) Errorf(s string, a ...any) {
	o.said = append(o.said, fmt.Sprintf(s, a...))
}

// try gives what the search has to say about a scenario under one fault.
func try(t *testing.T, s Scenario, f fake.Fault) (said string) {
	synctest.Test(t, func(t *testing.T) {
		o := &onlooker{TB: t}
		s.run(o, f, 1)
		for _, f := range o.cleanup {
			f()
		}
		said = strings.Join(o.said, "\n")
	})
	return said
}

func TestTheSearchFinds(t *testing.T) {
	crash := fake.Fault{Point: fake.AfterDelivery, Do: fake.Crash}
	require.Empty(t, try(t, scenario(fake.Handle(xpc.HandlerFunc(answers))), crash))

	t.Run("a request that is never answered", func(t *testing.T) {
		said := try(t, scenario(fake.Handle(xpc.HandlerFunc(func(ctx context.Context, m *xpc.Message) (any, error) {
			<-ctx.Done()
			return nil, nil
		}))), crash)
		assert.Contains(t, said, "ask has not ended")
	})
	t.Run("an error that does not belong to the fault", func(t *testing.T) {
		s := scenario(fake.Handle(xpc.HandlerFunc(answers)))
		said := try(t, s, fake.Fault{Point: fake.BeforeLaunch, Do: fake.Unload})
		assert.Empty(t, said)
		connect := s.Connect
		s.Connect = func(p *fake.Process) (Client, error) {
			c, err := connect(p)
			c.Calls["other"] = func(context.Context) error { return xpc.ErrBusy }
			return c, err
		}
		assert.Contains(t, try(t, s, crash), "other ends with")
	})
	t.Run("a service that does not recover", func(t *testing.T) {
		first := true
		serve := fake.Handle(xpc.HandlerFunc(answers))
		said := try(t, scenario(func(ctx context.Context, p *fake.Process) error {
			if first {
				first = false
				return serve(ctx, p)
			}
			return nil
		}), crash)
		assert.Contains(t, said, "after the fault ask fails")
	})
	t.Run("a leak", func(t *testing.T) {
		said := try(t, scenario(fake.Handle(xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
			return nil, m.Retain()
		}))), crash)
		assert.Contains(t, said, "messages were never released")
	})
}

func TestSeeds(t *testing.T) {
	for value, want := range map[string]int{"": 10, "1": 200, "yes": 200, "33": 33} {
		t.Setenv(SoakVariable, value)
		assert.Equal(t, want, Seeds(), value)
	}
}

func TestSearchReportsEveryFault(t *testing.T) {
	s := scenario(fake.Handle(xpc.HandlerFunc(answers)))
	s.Seeds = 2
	report := Search(t, s)
	assert.Len(t, report, len(fake.Faults()))
	assert.Equal(t, []string{
		"cut the descriptors before the delivery", "cut the descriptors before the reply",
		"fail the requirement before the delivery", "fail the requirement before the reply",
	}, report.Missed())
}
