//go:build cgo && xpcstandin

// Package standin drives the C stand-in of libxpc: pretended processes with
// runtimes of their own, and what launchd does to them.
package standin

/*
#cgo CFLAGS: -fblocks -D_GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include "standin.h"

static bool has_call(const char *name) { return dlsym(RTLD_DEFAULT, name) != NULL; }

void goStandinMain(xs_process_t p, uintptr_t arg);
*/
import "C"

import (
	"context"
	"errors"
	"runtime"
	"runtime/cgo"
	"strings"
	"sync"
	"time"
	"unsafe"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/native"
)

// A Process is a pretended process.
type Process struct {
	p       C.xs_process_t
	rt      *xpc.Runtime
	ctx     context.Context
	cancel  context.CancelFunc
	bundled bool // a service inside an application
}

func newProcess(p C.xs_process_t) *Process {
	q := &Process{p: p}
	q.ctx, q.cancel = context.WithCancel(context.Background())
	q.rt = xpc.NewRuntime(backend{native.Backend, q})
	return q
}

// NewProcess starts a process without a program.
func NewProcess(name string) *Process {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return newProcess(C.xs_process_create(s))
}

// Default is the process of the test program itself.
func Default() *Process { return newProcess(C.xs_process_default()) }

func (p *Process) Runtime() *xpc.Runtime { return p.rt }
func (p *Process) PID() int              { return int(C.xs_process_pid(p.p)) }

// Crash, Exit and IdleExit end the process.
func (p *Process) Crash() { p.cancel(); C.xs_process_crash(p.p) }
func (p *Process) Exit()  { p.cancel(); C.xs_process_exit(p.p) }

func (p *Process) IdleExit() bool {
	if !C.xs_process_idle_exit(p.p) {
		return false
	}
	p.cancel()
	return true
}

// Terminate sends TERMINATION_IMMINENT to the peers.
func (p *Process) Terminate() { C.xs_process_terminate(p.p) }

// SetIDs sets the credentials.
func (p *Process) SetIDs(pid, euid, egid, asid int) {
	C.xs_process_set_ids(p.p, C.pid_t(pid), C.uid_t(euid), C.gid_t(egid), C.au_asid_t(asid))
}

// SetCode sets how the process is signed.
func (p *Process) SetCode(identifier, team string, platform bool) {
	i, t := C.CString(identifier), C.CString(team)
	defer C.free(unsafe.Pointer(i))
	defer C.free(unsafe.Pointer(t))
	C.xs_process_set_code(p.p, i, t, C.bool(platform))
}

// SetEntitlement sets an entitlement to a bool, a string or an int64.
func (p *Process) SetEntitlement(key string, value any) {
	k := C.CString(key)
	defer C.free(unsafe.Pointer(k))
	var o C.xpc_object_t
	switch v := value.(type) {
	case bool:
		o = C.xpc_bool_create(C.bool(v))
	case string:
		s := C.CString(v)
		defer C.free(unsafe.Pointer(s))
		o = C.xpc_string_create(s)
	case int64:
		o = C.xpc_int64_create(C.int64_t(v))
	case int:
		o = C.xpc_int64_create(C.int64_t(v))
	default:
		o = C.xpc_null_create()
	}
	C.xs_process_set_entitlement(p.p, k, o)
	C.xpc_release(o)
}

// SetSystem makes the process look up names in the system domain alone.
func (p *Process) SetSystem() { C.xs_process_set_system(p.p, true) }

// inside runs f on a thread that is in the process.
func (p *Process) inside(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	C.xs_enter(p.p)
	defer C.xs_leave()
	f()
}

// backend is the native one, in a process.
type backend struct {
	driver.Backend
	p *Process
}

func (b backend) NewConn(spec driver.Spec, q driver.Queue) (c driver.Conn, err error) {
	b.p.inside(func() { c, err = b.Backend.NewConn(spec, q) })
	return c, err
}

func (b backend) NewQueue(label string, concurrent bool) (q driver.Queue, err error) {
	b.p.inside(func() { q, err = b.Backend.NewQueue(label, concurrent) })
	return q, err
}

func (b backend) NewSharedMemory(size int) (m driver.SharedMemory, err error) {
	b.p.inside(func() { m, err = b.Backend.NewSharedMemory(size) })
	return m, err
}

func (b backend) TransactionBegin() (err error) {
	b.p.inside(func() { err = b.Backend.TransactionBegin() })
	return err
}

func (b backend) TransactionEnd() (err error) {
	b.p.inside(func() { err = b.Backend.TransactionEnd() })
	return err
}

// Main gives the bundled service that the process is its peers. The thread on
// which it does is never given back: xpc_main does not return, even when the
// pretended process has ended.
func (b backend) Main(accept func(driver.Conn)) error {
	if !b.p.bundled {
		return b.Backend.Main(accept)
	}
	go b.p.inside(func() { native.RunMain(accept) })
	<-b.p.ctx.Done()
	return errors.New("standin: the process has ended")
}

// Main is a job's program.
type Main func(ctx context.Context, p *Process)

// A Job is declared to the stand-in's launchd.
type Job struct {
	j C.xs_job_t

	mu      sync.Mutex
	main    Main
	prepare func(*Process)
	bundled bool
	running *Process
}

// declared are C's references to jobs, until the reset.
var declared struct {
	sync.Mutex
	jobs []cgo.Handle
}

// Declare declares a job with its names.
func Declare(label string, system bool, names []string, prepare func(*Process), main Main) *Job {
	j, handle := newJob(prepare, main)
	l := C.CString(label)
	defer C.free(unsafe.Pointer(l))
	list := make([]*C.char, len(names))
	raw := (**C.char)(C.malloc(C.size_t(len(names)+1) * C.size_t(unsafe.Sizeof(list[0]))))
	defer C.free(unsafe.Pointer(raw))
	for i, n := range names {
		list[i] = C.CString(n)
		defer C.free(unsafe.Pointer(list[i]))
	}
	copy(unsafe.Slice(raw, len(names)), list)
	domain := C.int(C.XS_USER)
	if system {
		domain = C.XS_SYSTEM
	}
	j.j = C.xs_job_declare(l, domain, raw, C.size_t(len(names)), C.xs_main_t(C.goStandinMain), C.uintptr_t(handle))
	return j
}

// DeclareBundled declares a service inside the bundle of an application.
func DeclareBundled(app *Process, identifier string, prepare func(*Process), main Main) *Job {
	j, handle := newJob(prepare, main)
	j.bundled = true
	id := C.CString(identifier)
	defer C.free(unsafe.Pointer(id))
	j.j = C.xs_bundle_declare(app.p, id, C.xs_main_t(C.goStandinMain), C.uintptr_t(handle))
	return j
}

func newJob(prepare func(*Process), main Main) (*Job, cgo.Handle) {
	j := &Job{main: main, prepare: prepare}
	handle := cgo.NewHandle(j)
	declared.Lock()
	declared.jobs = append(declared.jobs, handle)
	declared.Unlock()
	return j, handle
}

//export goStandinMain
func goStandinMain(raw C.xs_process_t, arg C.uintptr_t) {
	j := cgo.Handle(arg).Value().(*Job)
	p := newProcess(raw)
	p.bundled = j.bundled
	j.mu.Lock()
	main, prepare := j.main, j.prepare
	j.mu.Unlock()
	if main == nil {
		return
	}
	if prepare != nil {
		prepare(p)
	}
	j.mu.Lock()
	j.running = p
	j.mu.Unlock()
	// The thread is the stand-in's own; Go's program runs on a goroutine, and
	// its process ends when it returns.
	go func() {
		main(p.ctx, p)
		if p.ctx.Err() == nil {
			p.Exit()
		}
	}()
}

// Running is the instance, nil if there is none.
func (j *Job) Running() *Process {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.running == nil || !bool(C.xs_process_alive(j.running.p)) {
		return nil
	}
	return j.running
}

// Launches counts the instances so far.
func (j *Job) Launches() int { return int(C.xs_job_launches(j.j)) }

// Unload takes the job and its instance away, Load brings the names back.
func (j *Job) Unload() {
	if p := j.Running(); p != nil {
		p.cancel()
	}
	C.xs_job_unload(j.j)
}

func (j *Job) Load() { C.xs_job_load(j.j) }

// Forget unloads the job for good, and lets go of what its program refers to.
func (j *Job) Forget() {
	j.Unload()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.main, j.prepare = nil, nil
}

// HasCall tells whether this build of the stand-in has a function of libxpc:
// those of an older system lack the newer ones.
func HasCall(name string) bool {
	s := C.CString(name)
	defer C.free(unsafe.Pointer(s))
	return bool(C.has_call(s))
}

// Knobs for what the sources leave open.
type Knob int

const (
	DroppedHangs  Knob = C.XS_KNOB_DROPPED_HANGS
	SyncWaits     Knob = C.XS_KNOB_SYNC_WAITS
	CrashUnwinds  Knob = C.XS_KNOB_CRASH_UNWINDS
	KeepHandler   Knob = C.XS_KNOB_KEEP_HANDLER
	EndpointFirst Knob = C.XS_KNOB_ENDPOINT_INTERRUPTED
)

// Set turns a knob.
func Set(k Knob, on bool) {
	v := C.int(0)
	if on {
		v = 1
	}
	C.xs_set_knob(uint32(k), v)
}

// WaitIdle returns when nothing in C is runnable and no handler runs.
func WaitIdle() { C.xs_wait_idle() }

// WaitSettled returns when what has not happened by now needs a further cause:
// all that is left in C is inside handlers of Go's, and these, like every other
// goroutine but the caller's, wait for something.
func WaitSettled() {
	for pause := 20 * time.Microsecond; ; pause = min(2*pause, time.Millisecond) {
		var handlers, waits, h, w C.long
		before := C.xs_wait_settled(&handlers, &waits)
		inHandlers, inWaits, blocked := goroutines()
		if blocked && inHandlers == int(handlers) && inWaits == int(waits) && C.xs_wait_settled(&h, &w) == before {
			return
		}
		time.Sleep(pause)
	}
}

// inRuntime are waits that end by themselves: those of an allocation for the
// collector. What waits in package sync has other names.
var inRuntime = map[string]bool{
	"semacquire": true, "wait for GC cycle": true, "stopping the world": true, "flushing proc caches": true,
	"garbage collection": true, "garbage collection scan": true,
}

// goroutines counts those that are in handlers and in synchronous sends, and
// tells whether all but the caller's are blocked. It goes by the runtime's own
// description of them, which is taken while the world is stopped.
func goroutines() (handlers, waits int, blocked bool) {
	buf := make([]byte, 1<<16)
	for n := runtime.Stack(buf, true); ; n = runtime.Stack(buf, true) {
		if n < len(buf) {
			buf = buf[:n]
			break
		}
		buf = make([]byte, 2*len(buf))
	}
	all := strings.Split(string(buf), "\n\n")
	for _, g := range all[1:] {
		head, stack, _ := strings.Cut(g, "\n")
		_, state, _ := strings.Cut(head, "[")
		state = strings.TrimRight(state, "]:")
		state, _, _ = strings.Cut(state, ",")
		state, _, _ = strings.Cut(state, " (")
		handlers += strings.Count(stack, "xpc.goxpc")
		switch {
		case state == "syscall" && strings.Contains(stack, "_Cfunc_xb_send_with_reply_sync"):
			waits++
		case state == "syscall" && strings.Contains(stack, "_Cfunc_xb_main"):
			// forever
		case state == "syscall" && (strings.HasPrefix(stack, "runtime.goexit") || strings.Contains(stack, "os/signal.")):
			// a thread of C's that is not in Go at the moment, or the one for signals
		case state == "syscall" || state == "running" || state == "runnable" || state == "copystack" ||
			state == "preempted" || strings.HasPrefix(state, "GC ") || inRuntime[state]:
			return 0, 0, false
		}
	}
	return handlers, waits, true
}

// CheckLeaks waits until idle and returns what is alive, which it prints.
func CheckLeaks() int { return int(C.xs_check_leaks()) }

// Reset ends all pretended processes and forgets all jobs.
func Reset() {
	C.xs_reset()
	declared.Lock()
	defer declared.Unlock()
	for _, h := range declared.jobs {
		h.Delete()
	}
	declared.jobs = nil
}
