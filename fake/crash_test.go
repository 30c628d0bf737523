package fake_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A main that waits in a call when its process crashes gets ErrClosed, and no
// error that libxpc gives to the living, so it does nothing but end.
func TestCallsOfACrashedProcessAreClosed(t *testing.T) {
	hold := func(ctx context.Context, _ *xpc.Message) (any, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	calls := map[string]func(*xpc.Connection, *xpc.Client) error{
		"a synchronous request": func(c *xpc.Connection, _ *xpc.Client) error {
			_, err := c.SendMessageWithReplySync(xpc.Dictionary{"n": 1})
			return err
		},
		"a call": func(c *xpc.Connection, _ *xpc.Client) error {
			_, err := c.Call(context.Background(), xpc.Dictionary{"n": 1})
			return err
		},
		"a client's call": func(_ *xpc.Connection, c *xpc.Client) error {
			return c.Call(context.Background(), xpc.Dictionary{"n": 1}, nil)
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := fake.NewLaunchd()
				_, err := w.Load(fake.JobConfig{Label: "held", MachServices: []string{"com.example.held"}, Main: fake.Handle(xpc.HandlerFunc(hold))})
				require.NoError(t, err)
				var first, second error
				job, err := w.Load(fake.JobConfig{Label: "caller", Main: func(_ context.Context, p *fake.Process) error {
					c, err := p.Runtime().NewMachService("com.example.held", nil, 0)
					client, err2 := xpc.NewClient("com.example.held", xpc.WithRuntime(p.Runtime()))
					if err := errors.Join(err, err2, c.SetEventHandler(func(xpc.Event) {}), c.Activate()); err != nil {
						return err
					}
					first = call(c, client)
					second = call(c, client)
					return nil
				}})
				require.NoError(t, err)
				p, err := job.Launch()
				require.NoError(t, err)
				synctest.Wait()
				require.NoError(t, first, "it waits")
				p.Crash()
				synctest.Wait()
				for _, err := range []error{first, second} {
					assert.ErrorIs(t, err, xpc.ErrClosed)
					assert.NotErrorIs(t, err, xpc.ErrInvalid)
					assert.NotErrorIs(t, err, xpc.ErrInterrupted)
				}
				require.NoError(t, w.Close(), "main has returned")
			})
		})
	}
}
