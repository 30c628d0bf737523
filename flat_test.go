package xpc_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
)

// flatMessage is a received message without a backend: a copy of a payload.
type flatMessage struct {
	body      []byte
	resources []driver.Resource
	dups      atomic.Int32 // descriptors given out
	copies    atomic.Int32 // views of large data given out
	failAt    int          // the resource whose DupFD fails, counted from 1
	released  atomic.Bool
}

var errDup = errors.New("no descriptors left")

func (m *flatMessage) Body() []byte   { return m.body }
func (m *flatMessage) Resources() int { return len(m.resources) }

func (m *flatMessage) DupFD(i int) (uintptr, error) {
	if m.resources[i].Kind != driver.ResourceFD {
		return 0, errors.New("not a descriptor")
	}
	if i == m.failAt-1 {
		return 0, errDup
	}
	m.dups.Add(1)
	return xpc.DupFD(m.resources[i].FD)
}

func (m *flatMessage) Data(i int) ([]byte, error) {
	if m.resources[i].Kind != driver.ResourceData {
		return nil, errors.New("not data")
	}
	m.copies.Add(1)
	return m.resources[i].Data, nil
}

func (m *flatMessage) Endpoint(i int) (driver.Endpoint, error) {
	if m.resources[i].Kind != driver.ResourceEndpoint {
		return nil, errors.New("not an endpoint")
	}
	return m.resources[i].Endpoint, nil
}

func (m *flatMessage) SharedMemory(i int) (driver.SharedMemory, error) {
	if m.resources[i].Kind != driver.ResourceSharedMemory {
		return nil, errors.New("not shared memory")
	}
	return m.resources[i].Memory, nil
}

func (m *flatMessage) WantsReply() bool            { return false }
func (m *flatMessage) Reply(*driver.Payload) error { return errors.New("no reply") }
func (m *flatMessage) DropReply()                  {}
func (m *flatMessage) Release()                    { m.released.Store(true) }

// flatten copies v as a send does.
func flatten(t testing.TB, v any) *flatMessage {
	t.Helper()
	p, free, err := xpc.Flatten(v)
	require.NoError(t, err)
	defer free()
	m := &flatMessage{body: bytes.Clone(p.Body)}
	for _, r := range p.Resources {
		switch r.Kind {
		case driver.ResourceFD:
			fd, err := xpc.DupFD(r.FD)
			require.NoError(t, err)
			t.Cleanup(func() { xpc.CloseFD(fd) })
			r.FD = fd
		case driver.ResourceData:
			r.Data = bytes.Clone(r.Data)
		}
		m.resources = append(m.resources, r)
	}
	return m
}

// received is what arrives when v is sent.
func received(t testing.TB, v any) *xpc.Message {
	t.Helper()
	m := xpc.Received(flatten(t, v))
	t.Cleanup(func() { m.Release() })
	return m
}

func tempFile(t testing.TB, content string) *os.File {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(name, []byte(content), 0o600))
	f, err := os.Open(name)
	require.NoError(t, err)
	t.Cleanup(func() { f.Close() })
	return f
}
