//go:build (darwin && !ios) || xpcstandin

package xpc

/*
#cgo CFLAGS: -fblocks -fno-objc-arc
#cgo darwin CFLAGS: -mmacosx-version-min=12.0
#cgo noescape xb_read_fields
#cgo nocallback xb_read_fields
#include <stdlib.h>
#include "bridge.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"unsafe"

	"github.com/go-xpc/xpc/driver"
	internal "github.com/go-xpc/xpc/internal/native"
	"github.com/go-xpc/xpc/internal/wire"
)

func init() {
	internal.Backend = native.b
	internal.Count = func() internal.Counts {
		var n C.struct_xb_counts
		C.xb_counters(&n)
		return internal.Counts{Handles: handles.live(), Blocks: int64(n.blocks), Connections: int64(n.connections), Objects: int64(n.objects)}
	}
}

var native = NewRuntime(nativeBackend{})

// Native is the libxpc of macOS.
func Native() *Runtime { return native }

type nativeBackend struct{}

func (nativeBackend) NewConn(spec driver.Spec, q driver.Queue) (driver.Conn, error) {
	dq, err := rawQueue(q)
	if err != nil {
		return nil, err
	}
	var c C.uintptr_t
	switch spec.Kind {
	case driver.KindFromEndpoint:
		e, ok := spec.Endpoint.(nativeObject)
		if !ok {
			return nil, foreign("endpoint")
		}
		c = C.xb_create_from_endpoint(C.uintptr_t(e))
	case driver.KindAnonymous:
		c = C.xb_create(nil, dq)
	default:
		name := C.CString(spec.Name)
		defer C.free(unsafe.Pointer(name))
		if spec.Kind == driver.KindBundled {
			c = C.xb_create(name, dq)
		} else {
			c = C.xb_create_mach_service(name, dq, C.uint64_t(spec.Flags))
		}
	}
	runtime.KeepAlive(q)
	if c == 0 {
		return nil, fmt.Errorf("xpc: libxpc made no connection for %q", spec.Name)
	}
	return adopt(c), nil
}

// foreign tells that a value of another runtime has been passed.
func foreign(what string) error {
	return fail("the %s belongs to another runtime than this one, which is native", what)
}

// A queue of another runtime than the native one has no place in C.
func rawQueue(q driver.Queue) (C.uintptr_t, error) {
	switch q := q.(type) {
	case nil:
		return 0, nil
	case nativeQueue:
		return C.uintptr_t(q), nil
	}
	return 0, foreign("queue")
}

func (nativeBackend) NewQueue(label string, concurrent bool) (driver.Queue, error) {
	s := C.CString(label)
	defer C.free(unsafe.Pointer(s))
	q := C.xb_queue_create(s, C.bool(concurrent))
	if q == 0 {
		return nil, fmt.Errorf("xpc: no dispatch queue %q was made", label)
	}
	return nativeQueue(q), nil
}

func (nativeBackend) TransactionBegin() error { C.xb_transaction_begin(); return nil }
func (nativeBackend) TransactionEnd() error   { C.xb_transaction_end(); return nil }

var mainAccept atomic.Pointer[func(driver.Conn)]

func (nativeBackend) Main(accept func(driver.Conn)) error {
	if !C.xb_main_thread() {
		return misuse("Main", "it was not called on the main thread: call runtime.LockOSThread in an init function, and Main from func main")
	}
	if !mainAccept.CompareAndSwap(nil, &accept) {
		return misuse("Main", "it was called before")
	}
	C.xb_main()
	return errors.New("xpc: xpc_main returned")
}

// nativeQueue is a dispatch queue, retained.
type nativeQueue uintptr

func (q nativeQueue) Async(f func()) { C.xb_queue_async(C.uintptr_t(q), C.uintptr_t(handles.put(f))) }
func (q nativeQueue) Release()       { C.xb_queue_release(C.uintptr_t(q)) }

// RawQueue makes a Queue of a dispatch_queue_t of C, which is retained until
// Close of the Queue. It exists on macOS only; package macqueue uses it.
//
// C: dispatch_retain, https://developer.apple.com/documentation/dispatch/1496306-dispatch_retain
func RawQueue(label string, queue unsafe.Pointer) (*Queue, error) {
	if queue == nil {
		return nil, misuse("RawQueue", "the queue is nil")
	}
	return WrapQueue(label, nativeQueue(C.xb_queue_retain(C.uintptr_t(uintptr(queue))))), nil
}

// nativeObject is an XPC object, retained: an endpoint.
type nativeObject uintptr

func (o nativeObject) Release() { C.xb_release(C.uintptr_t(o)) }

func (o nativeObject) Equal(e driver.Endpoint) bool {
	p, ok := e.(nativeObject)
	return ok && bool(C.xb_equal(C.uintptr_t(o), C.uintptr_t(p)))
}

// nativeConn is a connection, retained. Its Go half hangs on the connection's
// context and goes with it.
type nativeConn struct{ c C.uintptr_t }

// goHalf is what a connection's context leads to.
type goHalf struct {
	mu        sync.Mutex
	finalizer func()
}

func adopt(c C.uintptr_t) *nativeConn {
	C.xb_adopt(c, C.uintptr_t(handles.put(new(goHalf))))
	return &nativeConn{c: c}
}

func (c *nativeConn) SetFinalizer(f func()) {
	half, _ := handles.get(uintptr(C.xb_context(c.c))).(*goHalf)
	half.mu.Lock()
	half.finalizer = f
	half.mu.Unlock()
}

//export goxpcFinalize
func goxpcFinalize(h C.uintptr_t) {
	half, _ := handles.drop(uintptr(h)).(*goHalf)
	if half != nil && half.finalizer != nil {
		half.finalizer()
	}
}

// replyOnce is what the block of a request holds. A block that libxpc disposes of
// without having called it will never be called: the request is over then, too.
type replyOnce struct {
	h                   driver.Handler
	called, freed, sent atomic.Bool
}

func (r *replyOnce) deliver(ev driver.Event) {
	if r.called.CompareAndSwap(false, true) {
		r.h(ev)
		return
	}
	discard(ev)
}

func (r *replyOnce) settle() {
	if r.freed.Load() && r.sent.Load() && r.called.CompareAndSwap(false, true) {
		// Not on this thread: libxpc may be inside of anything.
		go r.h(driver.Event{Err: driver.Interrupted})
	}
}

//export goxpcFree
func goxpcFree(h C.uintptr_t) { freeHandle(uintptr(h)) }

// freeHandle is called when the block that held the handle is disposed of.
func freeHandle(h uintptr) {
	if r, ok := handles.drop(h).(*replyOnce); ok {
		r.freed.Store(true)
		r.settle()
	}
}

//export goxpcRun
func goxpcRun(h C.uintptr_t) {
	if f, ok := handles.get(uintptr(h)).(func()); ok {
		f()
	}
}

//export goxpcMainPeer
func goxpcMainPeer(c C.uintptr_t) { (*mainAccept.Load())(adopt(c)) }

func (c *nativeConn) SetHandler(h driver.Handler) {
	C.xb_set_handler(c.c, C.uintptr_t(handles.put(h)))
}

func (c *nativeConn) SetTargetQueue(q driver.Queue) error {
	dq, err := rawQueue(q)
	if err != nil {
		return err
	}
	C.xb_set_target_queue(c.c, dq)
	return nil
}

func (c *nativeConn) Activate() { C.xb_activate(c.c) }
func (c *nativeConn) Suspend()  { C.xb_suspend(c.c) }
func (c *nativeConn) Resume()   { C.xb_resume(c.c) }
func (c *nativeConn) Cancel()   { C.xb_cancel(c.c) }
func (c *nativeConn) Release()  { C.xb_release_connection(c.c) }

func (c *nativeConn) Send(p *driver.Payload) error {
	return withPayload(p, func(p payload) C.int { return C.xb_send(c.c, p.body, p.length, p.resources, p.count) })
}

func (c *nativeConn) SendBarrier(f func()) error {
	C.xb_send_barrier(c.c, C.uintptr_t(handles.put(f)))
	return nil
}

func (c *nativeConn) SendWithReply(p *driver.Payload, q driver.Queue, h driver.Handler) error {
	dq, err := rawQueue(q)
	if err != nil {
		return err
	}
	r := &replyOnce{h: h}
	err = withPayload(p, func(p payload) C.int {
		return C.xb_send_with_reply(c.c, p.body, p.length, p.resources, p.count, dq, C.uintptr_t(handles.put(r)))
	})
	if err == nil {
		r.sent.Store(true)
		r.settle()
	}
	return err
}

func (c *nativeConn) SendWithReplySync(p *driver.Payload) (ev driver.Event, err error) {
	var out C.struct_xb_outcome
	err = withPayload(p, func(p payload) C.int {
		out = C.xb_send_with_reply_sync(c.c, p.body, p.length, p.resources, p.count)
		return out.status
	})
	if err != nil {
		return ev, err
	}
	raw := &out.event
	if raw.kind == C.XB_ERROR {
		defer C.xb_release(raw.object)
		return errorEvent(raw), nil
	}
	m := newNativeMessage(raw, true)
	m.state.Store(keptBeyond)
	return driver.Event{Message: m}, nil
}

func (c *nativeConn) Name() (string, bool) {
	s := C.xb_name(c.c)
	return C.GoString(s), s != nil
}

func (c *nativeConn) Credentials() driver.Credentials {
	var raw C.struct_xb_credentials
	C.xb_get_credentials(c.c, &raw)
	return driver.Credentials{PID: int(raw.pid), EUID: userID(raw.euid), EGID: userID(raw.egid), ASID: int(raw.asid)}
}

// userID keeps the large ids of macOS (nobody is 4294967294) apart from the -1
// that stands for none.
func userID(id C.uint32_t) int {
	if id == ^C.uint32_t(0) {
		return -1
	}
	return int(id)
}

func (c *nativeConn) Endpoint() (driver.Endpoint, error) {
	e := C.xb_endpoint(c.c)
	if e == 0 {
		return nil, errors.New("xpc: libxpc made no endpoint")
	}
	return nativeObject(e), nil
}

func (c *nativeConn) InvalidationReason() (string, bool) {
	s := C.xb_invalidation_reason(c.c)
	if s == nil {
		return "", false
	}
	defer C.free(unsafe.Pointer(s))
	return C.GoString(s), true
}

func (c *nativeConn) SetPeerRequirement(r driver.Requirement) error {
	var text *C.char
	if r.HasText {
		text = C.CString(r.Text)
		defer C.free(unsafe.Pointer(text))
	}
	value := r.Value
	if value == nil {
		value = &driver.Payload{}
	}
	var status C.int
	var missing C.bool
	err := withPayload(value, func(p payload) (bad C.int) {
		status = C.xb_require(c.c, C.int(r.Kind), text, p.body, p.length, p.resources, p.count, &missing, &bad)
		return bad
	})
	switch {
	case err != nil:
		return err
	case bool(missing):
		return unsupported("SetPeerRequirement", "this macOS lacks the call: a code signing requirement needs macOS 12, the others macOS 14.4")
	case status == 0:
		return nil
	case syscall.Errno(status) == syscall.ENOTSUP:
		return unsupported("SetPeerRequirement", "this system has no code signing requirements")
	}
	return fmt.Errorf("xpc: SetPeerRequirement: libxpc refused the requirement %q: %w", r.Text, syscall.Errno(status))
}

// payload is one in C's form.
type payload struct {
	body      *C.uint8_t
	length    C.size_t
	resources *C.struct_xb_resource
	count     C.size_t
}

// withPayload calls f with the payload in C's form. Big data is pinned, not
// copied: libxpc copies it once.
func withPayload(p *driver.Payload, f func(payload) C.int) error {
	raw := payload{length: C.size_t(len(p.Body))}
	if len(p.Body) > 0 {
		raw.body = (*C.uint8_t)(&p.Body[0])
	}
	if len(p.Resources) > 0 {
		return withResources(p, raw, f)
	}
	return outcomeError(f(raw))
}

func withResources(p *driver.Payload, raw payload, f func(payload) C.int) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	res := make([]C.struct_xb_resource, len(p.Resources))
	for i, r := range p.Resources {
		if err := rawResource(&res[i], r, &pin); err != nil {
			return err
		}
	}
	raw.resources, raw.count = &res[0], C.size_t(len(res))
	status := f(raw)
	runtime.KeepAlive(p)
	return outcomeError(status)
}

func rawResource(to *C.struct_xb_resource, r driver.Resource, pin *runtime.Pinner) error {
	to.kind = C.int32_t(r.Kind)
	switch r.Kind {
	case driver.ResourceFD:
		to.fd = C.int32_t(r.FD)
	case driver.ResourceData:
		to.length = C.uint64_t(len(r.Data))
		if len(r.Data) > 0 {
			pin.Pin(&r.Data[0])
			to.data = unsafe.Pointer(&r.Data[0])
		}
	case driver.ResourceEndpoint:
		e, ok := r.Endpoint.(nativeObject)
		if !ok {
			return foreign("endpoint")
		}
		to.object = C.uintptr_t(e)
	case driver.ResourceSharedMemory:
		m, ok := r.Memory.(*nativeMemory)
		if !ok {
			return foreign("shared memory")
		}
		to.object = C.uintptr_t(m.object)
	}
	return nil
}

func outcomeError(status C.int) error {
	switch status {
	case C.XB_OK:
		return nil
	case C.XB_FD:
		return fail("libxpc cannot send one of the descriptors: it is closed, or of a kind that cannot be sent (row 268)")
	case C.XB_MEMORY:
		return fail("no memory for the message")
	case C.XB_DEPTH:
		return tooDeep(wire.MaxDepth)
	case C.XB_OWN_HANDLER:
		return misuse("SendMessageWithReplySync", "it was called from an event handler or a barrier of its own connection, which would deadlock: use Call on another goroutine (row 112)")
	}
	return &wire.FormatError{Rule: "libxpc's side of the bridge refused it"}
}

//export goxpcEvent
func goxpcEvent(h C.uintptr_t, raw *C.struct_xb_event) C.int { return dispatch(h, raw, false) }

//export goxpcReply
func goxpcReply(h C.uintptr_t, raw *C.struct_xb_event) C.int { return dispatch(h, raw, true) }

func errorEvent(raw *C.struct_xb_event) driver.Event {
	return driver.Event{Err: driver.ErrorCode(raw.code), Text: C.GoString(C.xb_error_text(raw.object))}
}

// dispatch hands an event to the handler that a block holds. It returns 1 if the
// message outlives the callback, and C leaves the reply that is owed to Go.
func dispatch(h C.uintptr_t, raw *C.struct_xb_event, reply bool) C.int {
	handler := discard
	switch v := handles.get(uintptr(h)).(type) {
	case driver.Handler:
		handler = v
	case *replyOnce:
		handler = v.deliver
	}
	switch raw.kind {
	case C.XB_ERROR:
		handler(errorEvent(raw))
	case C.XB_PEER:
		handler(driver.Event{Peer: adopt(raw.object)})
	default:
		m := newNativeMessage(raw, reply)
		handler(driver.Event{Message: m})
		if m.keep() {
			return 1
		}
		raw.reply = C.uintptr_t(m.reply)
	}
	return 0
}

// nativeMessage is a received dictionary.
type nativeMessage struct {
	state  atomic.Int32
	wants  bool
	plain  bool // it can be given back as soon as its values are in Go
	empty  bool // an acknowledgement, mostly: there is nothing to fetch
	object uintptr
	reply  uintptr  // 0 once sent
	limit  C.size_t // that at the time

	once sync.Once
	form *flatForm

	message Message // of newMessage, in one allocation
}

// flatForm is what a message comes to in Go.
type flatForm struct {
	body      []byte
	resources []uintptr // borrowed from the message's object
}

// room is for what newMessage makes of it.
func (m *nativeMessage) room() *Message { return &m.message }

const (
	inCallback int32 = iota // libxpc holds the object, and C releases the reply
	keptBeyond              // the references are ours
	givenBack
)

func newNativeMessage(raw *C.struct_xb_event, plain bool) *nativeMessage {
	m := &nativeMessage{object: uintptr(raw.object), reply: uintptr(raw.reply), wants: raw.reply != 0}
	m.plain, m.empty, m.limit = plain, bool(raw.empty), C.size_t(native.wireLimits().Size)
	if plain && m.empty { // there is nothing to hold it for
		m.object = 0
		m.state.Store(givenBack)
	}
	return m
}

// keep is called when the callback ends, and is true if somebody still has the
// message. The reference is taken first: what can be released must be held.
func (m *nativeMessage) keep() bool {
	if m.state.Load() != inCallback {
		return false
	}
	C.xb_retain(C.uintptr_t(m.object))
	if m.state.CompareAndSwap(inCallback, keptBeyond) {
		return true
	}
	C.xb_release(C.uintptr_t(m.object))
	return false
}

// flatRoom is where C writes what most messages come to.
type flatRoom struct {
	bytes     [2048]byte
	resources [16]uintptr
	out       C.struct_xb_flattened
}

var flatRooms = sync.Pool{New: func() any { return new(flatRoom) }}

// flatten fetches the flat form when it is first asked for: many a message is
// read field by field, or not at all.
func (m *nativeMessage) flatten() {
	to := flatRooms.Get().(*flatRoom)
	defer flatRooms.Put(to)
	release := m.plain && m.state.Load() == keptBeyond
	status := C.xb_flatten(C.uintptr_t(m.object), m.limit, C.bool(release), (*C.uint8_t)(&to.bytes[0]), C.size_t(len(to.bytes)),
		(*C.uintptr_t)(unsafe.Pointer(&to.resources[0])), C.size_t(len(to.resources)), &to.out)
	if status != C.XB_OK {
		err := outcomeError(status)
		if status == C.XB_SIZE {
			err = tooLarge(int(m.limit))
		}
		m.form = &flatForm{body: wire.Broken(err.Error())}
		return
	}
	if to.out.released {
		m.object = 0
	}
	m.form = &flatForm{
		body:      slices.Clone(madeBy(to.out.bytes, &to.bytes[0], to.out.length)),
		resources: slices.Clone(madeBy(to.out.resources, &to.resources[0], to.out.count)),
	}
	if to.out.bytes|to.out.resources != 0 {
		C.xb_flattened_free(&to.out)
	}
}

// madeBy is what C has put into its own memory, or into the room it was given.
func madeBy[T any](own C.uintptr_t, room *T, n C.size_t) []T {
	if own != 0 {
		room = *(**T)(unsafe.Pointer(&own))
	}
	return unsafe.Slice(room, n)
}

func (m *nativeMessage) Body() []byte {
	if m.empty {
		return wire.Empty()
	}
	m.once.Do(m.flatten)
	return m.form.body
}

func (m *nativeMessage) Resources() int {
	if m.empty {
		return 0
	}
	m.once.Do(m.flatten)
	return len(m.form.resources)
}

// readFields reads the fields that keys names to values on. See xb_read_fields.
func (m *nativeMessage) readFields(keys *byte, values *fieldValue) (length int) {
	return int(C.xb_read_fields(C.uintptr_t(m.object), m.limit, (*C.uint8_t)(keys), (*C.struct_xb_field)(unsafe.Pointer(values))))
}

func (m *nativeMessage) WantsReply() bool { return m.wants }

func (m *nativeMessage) resource(i int) C.uintptr_t { return C.uintptr_t(m.form.resources[i]) }

func (m *nativeMessage) DupFD(i int) (uintptr, error) {
	// xpc_fd_dup leaves it open in programs that are started; under the lock no
	// fork can come between.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fd := C.xb_dup_fd(m.resource(i))
	if fd < 0 {
		return 0, errors.New("xpc_fd_dup failed: no descriptor left, or none in the object")
	}
	syscall.CloseOnExec(int(fd))
	return uintptr(fd), nil
}

func (m *nativeMessage) Data(i int) ([]byte, error) {
	var p unsafe.Pointer
	var n C.size_t
	C.xb_data(m.resource(i), &p, &n)
	if p == nil {
		return nil, errors.New("xpc_data_get_bytes_ptr gave nothing")
	}
	return unsafe.Slice((*byte)(p), n), nil
}

func (m *nativeMessage) Endpoint(i int) (driver.Endpoint, error) {
	return nativeObject(C.xb_retain(m.resource(i))), nil
}

func (m *nativeMessage) SharedMemory(i int) (driver.SharedMemory, error) {
	return &nativeMemory{object: uintptr(C.xb_retain(m.resource(i)))}, nil
}

func (m *nativeMessage) Reply(p *driver.Payload) error {
	err := withPayload(p, func(p payload) C.int {
		return C.xb_reply(C.uintptr_t(m.object), C.uintptr_t(m.reply), p.body, p.length, p.resources, p.count)
	})
	if err == nil {
		m.reply = 0
	}
	return err
}

func (m *nativeMessage) DropReply() {
	if m.reply != 0 {
		C.xb_release(C.uintptr_t(m.reply))
		m.reply = 0
	}
}

func (m *nativeMessage) Release() {
	if m.state.CompareAndSwap(inCallback, givenBack) {
		return // C releases the reply when the callback returns
	}
	m.DropReply()
	if m.object != 0 {
		C.xb_release(C.uintptr_t(m.object))
	}
}

// nativeMemory is a shared memory object, retained.
type nativeMemory struct {
	object uintptr
	region []byte // the mapping that it was made of; nil if received
}

func (nativeBackend) NewSharedMemory(size int) (driver.SharedMemory, error) {
	page := syscall.Getpagesize()
	size = (size + page - 1) / page * page
	b, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED|syscall.MAP_ANON)
	if err != nil {
		return nil, fmt.Errorf("xpc: NewSharedMemory of %d bytes: %w", size, err)
	}
	o := C.xb_shmem_create(unsafe.Pointer(&b[0]), C.size_t(size))
	if o == 0 {
		syscall.Munmap(b)
		return nil, fmt.Errorf("xpc: NewSharedMemory of %d bytes: libxpc made no object", size)
	}
	return &nativeMemory{object: uintptr(o), region: b}, nil
}

func (m *nativeMemory) Size() int { return len(m.region) }

func (m *nativeMemory) Map() (driver.Mapping, error) {
	var p unsafe.Pointer
	n := C.xb_shmem_map(C.uintptr_t(m.object), &p)
	if n == 0 {
		return nil, errors.New("xpc: the shared memory cannot be mapped")
	}
	return &nativeMapping{p: p, n: uintptr(n)}, nil
}

func (m *nativeMemory) Release() {
	C.xb_release(C.uintptr_t(m.object))
	if m.region != nil {
		syscall.Munmap(m.region)
	}
}

type nativeMapping struct {
	p unsafe.Pointer
	n uintptr
}

func (m *nativeMapping) Bytes() []byte { return unsafe.Slice((*byte)(m.p), m.n) }

func (m *nativeMapping) Unmap() error {
	if C.xb_unmap(m.p, C.size_t(m.n)) != 0 {
		return errors.New("xpc: the shared memory cannot be unmapped")
	}
	return nil
}
