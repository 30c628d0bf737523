package fake

import (
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

// message is a dictionary on its way, then in the receiver's hands. The fields
// below state are guarded by Launchd.mu, the others do not change on delivery.
type message struct {
	ev   event
	w    *Launchd
	body []byte
	req  *request // what a reply answers, nil if none is wanted

	mark   *mark // in the log
	passed bool  // faults have been tried on it
	barred bool  // one lets it fail the receiver's requirement

	state       // of a message that was delivered
	at          *conn
	from, owner *Process
	res         []resource
	prev, next  *message // among those with resources that owner holds
}

type state struct {
	held        bool // delivered, and not yet released
	answered    bool // replied to, or given up
	replying    bool // the reply is held up
	transaction bool
}

// requestMessage saves an allocation.
type requestMessage struct {
	message
	request
}

var _ driver.Message = (*message)(nil)

// newMessage copies a payload. The caller must not hold w.mu.
func (w *Launchd) newMessage(p *driver.Payload) (*message, error) {
	m := new(message)
	return m, m.init(w, p)
}

func (w *Launchd) newRequest(p *driver.Payload) (*requestMessage, error) {
	rm := new(requestMessage)
	rm.message.req = &rm.request
	return rm, rm.message.init(w, p)
}

func (m *message) init(w *Launchd, p *driver.Payload) (err error) {
	m.w = w
	m.ev.kind = evMessage
	m.ev.msg = m
	if m.res, err = w.copyResources(p.Resources); err == nil {
		m.body = make([]byte, len(p.Body))
		copy(m.body, p.Body)
	}
	return err
}

func (m *message) Body() []byte     { return m.body }
func (m *message) Resources() int   { m.w.mu.Lock(); defer m.w.mu.Unlock(); return len(m.res) }
func (m *message) WantsReply() bool { return m.req != nil }

func (m *message) resource(i int, kind driver.ResourceKind) (*resource, error) {
	switch {
	case !m.held:
		return nil, misuse("Message", "resource %d: the message has been released", i)
	case i < 0 || i >= len(m.res):
		return nil, fmt.Errorf("fake: resource %d: the message has %d", i, len(m.res))
	case m.res[i].kind != kind:
		return nil, fmt.Errorf("fake: resource %d is of kind %d, not %d", i, m.res[i].kind, kind)
	}
	return &m.res[i], nil
}

func (m *message) DupFD(i int) (uintptr, error) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	r, err := m.resource(i, driver.ResourceFD)
	if err == nil && r.cut {
		err = errCut
	}
	if err != nil {
		return 0, err
	}
	return dupFD(r.fd)
}

func (m *message) Data(i int) ([]byte, error) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	r, err := m.resource(i, driver.ResourceData)
	if err != nil {
		return nil, err
	}
	return r.data, nil
}

func (m *message) Endpoint(i int) (driver.Endpoint, error) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	r, err := m.resource(i, driver.ResourceEndpoint)
	if err != nil {
		return nil, err
	}
	return &endpoint{r.end}, nil
}

func (m *message) SharedMemory(i int) (driver.SharedMemory, error) {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	r, err := m.resource(i, driver.ResourceSharedMemory)
	if err != nil {
		return nil, err
	}
	return r.mem, nil
}

// take gives a message to the process that receives it. The caller holds w.mu.
func (p *Process) take(m *message) {
	m.owner = p
	m.held = true
	p.messages++
	if len(m.res) > 0 {
		m.next = p.withResources
		if m.next != nil {
			m.next.prev = m
		}
		p.withResources = m
	}
}

// drop takes it away again: released, or the process is no more. The caller
// holds w.mu.
func (p *Process) drop(m *message) {
	m.held = false
	p.messages--
	if len(m.res) == 0 {
		return
	}
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		p.withResources = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	}
	m.prev, m.next = nil, nil
	m.discard()
}

// discard gives up what the message carries. The descriptors are closed when
// w.mu is given back. The caller holds w.mu.
func (m *message) discard() {
	if len(m.res) > 0 {
		m.w.trash = append(m.w.trash, m.res...)
		m.res = nil
	}
}

func (m *message) endTransaction() {
	if m.transaction {
		m.transaction = false
		m.owner.automatic--
		m.owner.transactionEnded()
	}
}

// Reply goes straight to whoever waits for it: it is ordered with nothing, held
// up by no suspension, and lost in silence if nobody waits any more.
func (m *message) Reply(p *driver.Payload) error {
	r, err := m.w.newMessage(p)
	if err != nil {
		return err
	}
	w := m.w
	w.mu.Lock()
	defer w.unlock()
	for m.req != nil && m.req.c.judge(m.owner) {
	}
	if m.req == nil || m.answered || !m.held && !m.owner.dead {
		r.discard()
		return misuse("Reply", "one reply can be sent to a message that wants one, before it is released")
	}
	m.answered = true
	m.noteReply(r)
	m.replying = true
	if at := m.at; at != nil && w.opt.handlerIsBarrier && at.running && !at.gone {
		at.later = append(at.later, func() { m.reply(r) })
		return nil
	}
	m.reply(r)
	return nil
}

func (m *message) DropReply() {
	m.w.mu.Lock()
	defer m.w.unlock()
	m.giveUp()
}

func (m *message) Release() {
	m.w.mu.Lock()
	defer m.w.unlock()
	m.giveUp()
	if !m.replying {
		m.endTransaction()
	}
	if m.held {
		m.owner.drop(m)
	}
}

// giveUp ends the wait for a reply that will not come.
func (m *message) giveUp() {
	if m.req == nil || m.answered {
		return
	}
	m.answered = true
	m.lost()
}
