package fake

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"
)

func byPID(a, b *Process) int { return a.pid - b.pid }

// patience is how long Close waits for functions of the program that do not
// return. It is virtual in a bubble.
const patience = 5 * time.Second

// Close ends every process and waits until their functions have returned. The
// error names those that do not, and with [ReportLeaks] what was left over.
// Closing again does nothing. It must not be called from a handler or a Main.
func (w *Launchd) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if w.opt.reportLeaks {
		// What is under way, such as the news of a client's end, is no leak.
		w.await(func() bool { return w.busy.Load() == 0 }, ctx.Done())
		w.awaitTidiness()
	}
	var errs []error
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return nil
	}
	if w.opt.reportLeaks {
		errs = w.leaks()
	}
	errs = append(errs, w.misuses...)
	w.closed, w.tidying = true, false
	for _, p := range slices.SortedFunc(maps.Keys(w.processes), byPID) {
		p.die(errKilled)
	}
	for _, j := range w.jobs {
		j.stopThrottle()
		for _, e := range j.ports {
			e.turnAway()
		}
	}
	w.releaseAll()
	w.unlock()

	if !w.await(w.over, ctx.Done()) {
		errs = append(errs, fmt.Errorf("fake: a Main or a handler has not returned %v after its process ended: a Main must return when its context ends", patience))
	}
	if n := w.descriptors.Load(); n != 0 && w.opt.reportLeaks {
		errs = append(errs, fmt.Errorf("fake: %d descriptors in messages are still open", n))
	}
	return errors.Join(errs...)
}

// over tells whether no function of the program runs any more.
func (w *Launchd) over() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.mains == 0 && w.busy.Load() == 0
}

func (w *Launchd) mainReturned(p *Process, err error) {
	w.mu.Lock()
	p.die(err)
	w.mains--
	w.unlock()
	w.rested()
}
