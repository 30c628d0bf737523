//go:build unix

package remote

import (
	"errors"
	"net"
	"sync"
	"syscall"

	"github.com/go-xpc/xpc"
)

type op uint8

const (
	opHello op = iota + 1
	opExit

	// From the backend to the process.
	opNewConn
	opNewQueue
	opNewMemory
	opBegin
	opEnd
	opMain
	opSetHandler
	opSetQueue
	opActivate
	opSuspend
	opResume
	opCancel
	opSend
	opBarrier
	opRequest
	opRequestSync
	opCredentials
	opEndpoint
	opRequire
	opReason
	opFinalizer
	opRelease
	opAsync
	opDupFD
	opData
	opMessageEndpoint
	opMessageMemory
	opReply
	opDropReply
	opEqual
	opMap
	opPoke
	opUnmap
	opHatch

	// From the process to the backend.
	opEvent
	opRun
)

// link makes and answers calls, any number at once.
type link struct {
	s       *stream
	serve   func(*frame) frame
	done    chan struct{} // closed when the other side is gone
	running sync.WaitGroup

	mu    sync.Mutex
	last  uint64
	calls map[uint64]chan *frame // nil when the link has ended
}

var errGone = errors.New("remote: the process has ended")

func newLink(c *net.UnixConn) *link {
	return &link{s: newStream(c), done: make(chan struct{}), calls: map[uint64]chan *frame{}}
}

// run reads until the other side is gone; serve answers its calls, each on a
// goroutine.
func (l *link) run() {
	for {
		f, err := l.s.read()
		if err != nil {
			break
		}
		if f.Answer {
			l.mu.Lock()
			ch := l.calls[f.ID]
			delete(l.calls, f.ID)
			l.mu.Unlock()
			if ch != nil {
				ch <- f
			}
			continue
		}
		l.running.Add(1)
		go func() {
			defer l.running.Done()
			Ordered()
			a := l.serve(f)
			Ordered()
			a.ID, a.Answer = f.ID, true
			if err := l.s.write(&a); err != nil {
				l.s.close()
			}
			if a.Op == opDupFD { // its answer alone carries one, made for it
				closeFDs(a.fds)
			}
		}()
	}
	l.s.close()
	closeFDs(l.s.fds)
	l.mu.Lock()
	l.calls = nil
	l.mu.Unlock()
	close(l.done)
}

var causality sync.Mutex

// Ordered stands for the order that a message makes between what its sender did
// and what its receiver does, when it goes through another process: the race
// detector sees that only inside one. It is called before every call, and before
// and after every handler.
func Ordered() {
	causality.Lock()
	defer causality.Unlock()
}

// call waits for the answer. Its error is errGone, or that of the other side.
func (l *link) call(f frame) (*frame, error) {
	Ordered()
	ch := make(chan *frame, 1)
	l.mu.Lock()
	if l.calls == nil {
		l.mu.Unlock()
		return &frame{}, errGone
	}
	l.last++
	f.ID = l.last
	l.calls[f.ID] = ch
	l.mu.Unlock()
	if err := l.s.write(&f); err != nil {
		l.s.close()
	}
	select {
	case a := <-ch:
		return a, a.Err.error()
	case <-l.done:
		select {
		case a := <-ch:
			return a, a.Err.error()
		default:
			return &frame{}, errGone
		}
	}
}

// failure is an error on its way.
type failure struct {
	Kind           uint8
	Op, Text, Path string
	Errno          uintptr
}

const (
	plain uint8 = iota
	misused
	unsupported
	badValue
	system
)

func failed(err error) *failure {
	if err == nil {
		return nil
	}
	var m *xpc.MisuseError
	var v *xpc.ValueError
	var n syscall.Errno
	switch {
	case errors.As(err, &m):
		return &failure{Kind: misused, Op: m.Op, Text: m.Rule}
	case errors.As(err, &v):
		return &failure{Kind: badValue, Path: v.Path, Text: v.Rule}
	case errors.Is(err, errors.ErrUnsupported):
		return &failure{Kind: unsupported, Text: err.Error()}
	case errors.As(err, &n):
		return &failure{Kind: system, Text: err.Error(), Errno: uintptr(n)}
	}
	return &failure{Text: err.Error()}
}

func (f *failure) error() error {
	if f == nil {
		return nil
	}
	switch f.Kind {
	case misused:
		return &xpc.MisuseError{Op: f.Op, Rule: f.Text}
	case badValue:
		return &xpc.ValueError{Path: f.Path, Rule: f.Text}
	case unsupported:
		return wrapped{f.Text, xpc.ErrUnsupported}
	case system:
		return wrapped{f.Text, syscall.Errno(f.Errno)}
	}
	return errors.New(f.Text)
}

type wrapped struct {
	text string
	is   error
}

func (w wrapped) Error() string { return w.text }
func (w wrapped) Unwrap() error { return w.is }
