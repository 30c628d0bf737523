package fake

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-xpc/xpc/internal/wire"
)

// Trace is the log as a text for people: one line for each event, with the time
// since the world began, the process, the number of the connection and, with
// [LogMessages], what each message says: its values with their XPC types, keys
// sorted, long values cut. A reply has the number of its request and the time
// since then. There are no addresses in it: the same run gives the same text, but
// for the times.
func (w *Launchd) Trace() string { return w.tail(logSize) }

// tail is the end of the trace.
func (w *Launchd) tail(n int) string {
	events := w.Events()
	var b strings.Builder
	for _, e := range events[max(0, len(events)-n):] {
		fmt.Fprintf(&b, "%12s %s\n", "+"+e.Time.Sub(w.events.start).Round(time.Microsecond).String(), e.line())
	}
	return b.String()
}

// line is the event without its time.
func (e Event) line() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-11s", e.Kind)
	if e.Process != nil {
		fmt.Fprintf(&b, " %s", e.Process)
	} else if e.Job != "" {
		fmt.Fprintf(&b, " %s", e.Job)
	}
	if e.Conn != 0 {
		fmt.Fprintf(&b, " #%d", e.Conn)
	}
	if e.Name != "" {
		fmt.Fprintf(&b, " %q", e.Name)
	}
	if e.Detail != "" {
		fmt.Fprintf(&b, ": %s", e.Detail)
	}
	return b.String()
}

// mark tells a message from others, with LogMessages.
type mark struct {
	number int
	sent   time.Time
}

// note logs what happens to a message, on connection c.
func (m *message) note(c *conn, k EventKind) {
	w := m.w
	if !w.opt.logMessages {
		return
	}
	if m.mark == nil {
		w.events.messages++
		m.mark = &mark{w.events.messages, time.Now()}
	}
	what := "message"
	if m.req != nil {
		what = "request"
	}
	detail := fmt.Sprintf("%s %d", what, m.mark.number)
	switch k {
	case Sent:
		detail += " " + inline(m.body)
	case Dropped:
		detail += fmt.Sprintf(" after %v", time.Since(m.mark.sent).Round(time.Microsecond))
	}
	c.note(k, detail)
}

// noteReply logs the reply r to m.
func (m *message) noteReply(r *message) {
	if m.w.opt.logMessages {
		c := m.at
		if c == nil {
			c = m.req.c
		}
		c.note(Replied, fmt.Sprintf("to request %d after %v %s", m.mark.number, time.Since(m.mark.sent).Round(time.Microsecond), inline(r.body)))
	}
}

// What a line shows of a message.
const (
	shownDepth = 4
	shownBytes = 400
	shownData  = 16
)

// inline gives a message on one line.
func inline(body []byte) string {
	v, err := wire.Parse(body)
	if err != nil {
		return fmt.Sprintf("of %d bytes", len(body))
	}
	p := inliner{}
	p.value(v, shownDepth)
	return p.String()
}

type inliner struct{ strings.Builder }

func (p *inliner) value(v wire.Value, depth int) {
	switch v.Tag() {
	case wire.Dictionary, wire.Array:
		p.container(v, depth)
	case wire.False, wire.True:
		fmt.Fprintf(p, "bool %t", v.Tag() == wire.True)
	case wire.Int64:
		fmt.Fprintf(p, "int64 %d", v.Int64())
	case wire.Uint64:
		fmt.Fprintf(p, "uint64 %d", v.Uint64())
	case wire.Double:
		p.WriteString("double " + strconv.FormatFloat(v.Double(), 'g', -1, 64))
	case wire.Date:
		p.WriteString("date " + time.Unix(0, v.Int64()).UTC().Format(time.RFC3339Nano))
	case wire.String:
		s := v.Text()
		fmt.Fprintf(p, "string %q", s[:min(len(s), shownBytes/4)])
		p.more(len(s), shownBytes/4)
	case wire.Data:
		b := v.Data()
		fmt.Fprintf(p, "data %s", hex.EncodeToString(b[:min(len(b), shownData)]))
		p.more(len(b), shownData)
	case wire.BigData:
		fmt.Fprintf(p, "data of %d bytes", v.BigLength())
	case wire.UUID:
		fmt.Fprintf(p, "uuid %x", v.UUID())
	default:
		p.WriteString(v.Tag().String())
	}
}

func (p *inliner) more(length, shown int) {
	if length > shown {
		fmt.Fprintf(p, "… (%d bytes)", length)
	}
}

func (p *inliner) container(v wire.Value, depth int) {
	open, end := "{", "}"
	if v.Tag() == wire.Array {
		open, end = "[", "]"
	}
	p.WriteString(open)
	defer p.WriteString(end)
	type entry struct {
		key string
		v   wire.Value
	}
	var entries []entry
	it := v.Elements()
	for key, e, ok := it.Next(); ok; key, e, ok = it.Next() {
		entries = append(entries, entry{string(key), e})
	}
	if v.Tag() == wire.Dictionary {
		slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	}
	for i, e := range entries {
		if i > 0 {
			p.WriteString(", ")
		}
		if depth == 0 || p.Len() > shownBytes {
			p.WriteString("…")
			return
		}
		if v.Tag() == wire.Dictionary {
			fmt.Fprintf(p, "%q: ", e.key)
		}
		p.value(e.v, depth-1)
	}
}
