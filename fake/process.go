package fake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
)

// ProcessConfig describes a pretended process.
type ProcessConfig struct {
	Name   string // for texts; "client" if empty
	PID    int    // 0 means one that is free
	Domain Domain // User if empty
	// Credentials are what the other side sees beside the pid. Nil means those
	// of the domain: root in System, the user and group 20 elsewhere.
	Credentials *Credentials
	// Bundle is the identifier of the application that the process runs, whose
	// services it can reach; see [Launchd.LoadBundle].
	Bundle   string
	Identity Identity
}

// Credentials are a process's effective user and group, and its audit session.
type Credentials struct{ EUID, EGID, ASID int }

// A Process is a pretended process: its own view of launchd and libxpc. Its
// methods may be called from any goroutine.
type Process struct {
	w        *Launchd
	name     string
	pid      int
	cred     driver.Credentials
	domain   Domain
	bundle   string
	identity Identity
	job      *Job // nil unless launchd started it
	ctx      context.Context
	cancel   context.CancelFunc
	term     chan struct{}
	once     sync.Once
	runtime  *xpc.Runtime
	kill     *time.Timer // after SIGTERM

	// guarded by w.mu
	dead        bool
	terminating bool
	exit        error
	conns, last *conn // in the order of creation
	explicit    int   // transactions
	automatic   int
	messages    int // held
	// withResources are the messages held whose descriptors the end of the
	// process closes.
	withResources *message
	mainListener  *conn
}

// NewProcess starts a pretended process that no job stands behind: a client, or
// an application with anonymous listeners. It lives until it is ended or the
// world is closed. A PID in use, or a closed world, is an error.
func (w *Launchd) NewProcess(cfg ProcessConfig) (*Process, error) {
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return nil, errWorldClosed
	}
	if cfg.Name == "" {
		cfg.Name = "client"
	}
	return w.newProcess(cfg, nil)
}

func (w *Launchd) newProcess(cfg ProcessConfig, j *Job) (*Process, error) {
	if cfg.Domain == "" {
		cfg.Domain = User
	}
	if cfg.PID == 0 {
		w.lastPID++
		for w.pidTaken(w.lastPID) {
			w.lastPID++
		}
		cfg.PID = w.lastPID
	} else if w.pidTaken(cfg.PID) {
		return nil, fmt.Errorf("fake: pid %d is that of a running process", cfg.PID)
	}
	p := &Process{
		w: w, name: cfg.Name, pid: cfg.PID, domain: cfg.Domain, bundle: cfg.Bundle,
		identity: cfg.Identity, job: j, cred: cfg.credentials(), term: make(chan struct{}),
	}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	w.processes[p] = struct{}{}
	return p, nil
}

func (cfg ProcessConfig) credentials() driver.Credentials {
	if c := cfg.Credentials; c != nil {
		return driver.Credentials{PID: cfg.PID, EUID: c.EUID, EGID: c.EGID, ASID: c.ASID}
	}
	if cfg.Domain == System {
		return driver.Credentials{PID: cfg.PID, ASID: 100000}
	}
	uid := cfg.Domain.uid()
	return driver.Credentials{PID: cfg.PID, EUID: uid, EGID: 20, ASID: 100000 + uid}
}

func (w *Launchd) pidTaken(pid int) bool {
	for p := range w.processes {
		if p.pid == pid {
			return true
		}
	}
	return false
}

// PID is the pretended process id.
func (p *Process) PID() int { return p.pid }

// Job is the job that launchd started the process for, nil if there is none.
func (p *Process) Job() *Job { return p.job }

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.ctx.Done() }

// Terminating is closed when the process is told to end, by SIGTERM.
func (p *Process) Terminating() <-chan struct{} { return p.term }

// String gives name and pid.
func (p *Process) String() string { return fmt.Sprintf("%s[%d]", p.name, p.pid) }

func (p *Process) credentials() driver.Credentials { return p.cred }

func (p *Process) link(c *conn) {
	c.prev = p.last
	if c.prev != nil {
		c.prev.next = c
	} else {
		p.conns = c
	}
	p.last = c
}

func (p *Process) unlink(c *conn) {
	if c.prev != nil {
		c.prev.next = c.next
	} else {
		p.conns = c.next
	}
	if c.next != nil {
		c.next.prev = c.prev
	} else {
		p.last = c.prev
	}
	c.prev, c.next = nil, nil
}
