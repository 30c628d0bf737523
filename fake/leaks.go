package fake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/go-xpc/xpc/driver"
)

// ReportLeaks makes [Launchd.Close] report what processes that still run then
// have not given back: peers neither activated nor cancelled, requests never
// answered, transactions never ended, messages never released with the descriptors
// in them, and, in processes that no job stands behind, connections never closed.
func ReportLeaks() Option { return func(o *options) { o.reportLeaks = true } }

// leaks names what was left. The caller holds w.mu.
func (w *Launchd) leaks() (errs []error) {
	for _, p := range slices.SortedFunc(maps.Keys(w.processes), byPID) {
		report := func(format string, args ...any) {
			errs = append(errs, fmt.Errorf("fake: process %s: %s", p, fmt.Sprintf(format, args...)))
		}
		for c := p.conns; c != nil; c = c.next {
			if n := c.waiting(); n > 0 {
				report("%d requests on %s were never answered", n, c.what())
			}
			switch {
			case c.invalid || c.released:
			case c.kind == driver.KindPeer && c.accepted && !c.active:
				report("%s was neither activated nor cancelled", c.what())
			case c.active && p.job == nil:
				report("%s was never closed", c.what())
			}
		}
		if p.explicit > 0 {
			report("%d transactions were never ended", p.explicit)
		}
		if p.messages > 0 {
			report("%d messages were never released", p.messages)
		}
		open := 0
		for m := p.withResources; m != nil; m = m.next {
			open += m.descriptors()
		}
		if open > 0 {
			report("%d descriptors in them are open", open)
		}
	}
	return errs
}

// leakPatience is how long Close lets the goroutines of the program give back
// what it would report: a server releases a request after its answer has let the
// test go on. Only a leak costs that time; it is virtual in a bubble.
const leakPatience = time.Second

func (w *Launchd) awaitTidiness() {
	w.mu.Lock()
	w.tidying = !w.closed
	w.mu.Unlock()
	limit, cancel := context.WithTimeout(context.Background(), leakPatience)
	defer cancel()
	w.await(func() bool {
		// Not unlock, which wakes who waits here.
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.closed || len(w.leaks()) == 0
	}, limit.Done())
}

func (c *conn) waiting() (n int) {
	for r := c.firstRequest; r != nil; r = r.next {
		n++
	}
	return n
}

// what names a connection for people.
func (c *conn) what() string {
	name := ""
	if s := c.serviceName(); s != "" {
		name = fmt.Sprintf(" %q", s)
	}
	switch {
	case c.kind == driver.KindPeer:
		return fmt.Sprintf("peer #%d of listener%s, from pid %d,", c.id, name, c.cred.PID)
	case c.isListener():
		return fmt.Sprintf("listener #%d%s", c.id, name)
	}
	return fmt.Sprintf("connection #%d%s", c.id, name)
}
