package fake_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
)

func TestClientAndServiceThroughPackageXPC(t *testing.T) {
	w := fake.NewLaunchd()
	defer func() { require.NoError(t, w.Close()) }()
	_, err := w.Load(fake.JobConfig{Label: "echo", MachServices: []string{"echo"}, Main: func(ctx context.Context, p *fake.Process) error {
		l, err := p.Runtime().NewMachService("echo", nil, xpc.MachServiceListener)
		if err != nil {
			return err
		}
		_ = l.SetEventHandler(func(ev xpc.Event) {
			peer, ok := ev.(*xpc.Connection)
			if !ok {
				return
			}
			_ = peer.SetEventHandler(func(ev xpc.Event) {
				if m, ok := ev.(*xpc.Message); ok {
					d, _ := m.Dictionary()
					_ = m.Reply(d)
				}
			})
			_ = peer.Activate()
		})
		_ = l.Activate()
		<-ctx.Done()
		return nil
	}})
	require.NoError(t, err)
	p, err := w.NewProcess(fake.ProcessConfig{})
	require.NoError(t, err)
	c, err := p.Runtime().NewMachService("echo", nil, 0)
	require.NoError(t, err)
	require.NoError(t, c.SetEventHandler(func(xpc.Event) {}))
	require.NoError(t, c.Activate())
	m, err := c.SendMessageWithReplySync(xpc.Dictionary{"a": int64(1)})
	require.NoError(t, err)
	d, err := m.Dictionary()
	require.NoError(t, err)
	require.Equal(t, xpc.Dictionary{"a": int64(1)}, d)
	require.NoError(t, c.Close())
	<-c.Done()
}
