package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
	"github.com/go-xpc/xpc/fake/faulttest"
)

// The service as a launchd job, under every fault.
func TestEveryFault(t *testing.T) {
	const name, id = "com.example.echo", "com.example.echo.signed"
	signed := fake.Identity{Identifier: id}
	when := time.Unix(0, 0)
	report := faulttest.Search(t, faulttest.Scenario{
		Identity: signed,
		Start: func(w *fake.Launchd) (*fake.Job, error) {
			return w.Load(fake.JobConfig{
				Label: name, MachServices: []string{name}, Domain: fake.User, EnableTransactions: true, Identity: signed,
				Main: fake.Handle(xpc.HandlerFunc(handle), xpc.WithPeerRequirement(xpc.CodeSigningRequirement(`identifier "`+id+`"`))),
			})
		},
		Connect: func(p *fake.Process) (faulttest.Client, error) {
			c, err := xpc.NewClient(name, xpc.WithRuntime(p.Runtime()), xpc.WithPeerRequirement(xpc.CodeSigningRequirement(`identifier "`+id+`"`)))
			if err != nil {
				return faulttest.Client{}, err
			}
			return faulttest.Client{Close: c.Close, Done: c.Done(), Calls: map[string]func(context.Context) error{
				"echo": func(ctx context.Context) error {
					var out Note
					err := c.Call(ctx, Note{Text: "x", Count: 1, When: when}, &out)
					if err == nil && (out.Text != "x" || out.Count != 2) {
						return errors.New("another note came back")
					}
					return err
				},
				"refused": func(ctx context.Context) error {
					var refused *xpc.RemoteError
					err := c.Call(ctx, Note{When: when}, nil)
					if errors.As(err, &refused) {
						return nil
					}
					return err
				},
			}}, nil
		},
	})
	require.Len(t, report, len(fake.Faults()))
	assert.Equal(t, []string{"cut the descriptors before the delivery", "cut the descriptors before the reply"}, report.Missed())
}
