package fake

import (
	"fmt"
	"time"
)

// KeepAlive says when launchd starts a job's process again by itself.
type KeepAlive struct {
	Always         bool
	SuccessfulExit *bool // after such an exit, or after any other
	Crashed        *bool // after a crash, or after anything else
}

func (k KeepAlive) set() bool { return k.Always || k.SuccessfulExit != nil || k.Crashed != nil }

func (k KeepAlive) after(p *Process) bool {
	switch {
	case k.Always:
		return true
	case k.SuccessfulExit != nil && *k.SuccessfulExit == (p.exit == nil):
		return true
	case k.Crashed != nil && *k.Crashed == (p.exit == errCrashed):
		return true
	}
	return false
}

// defaultThrottle is launchd's. It is only taken for KeepAlive, so that a
// program that fails at once does not spin; what a message launches is not held
// up in tests that do not ask for it.
const defaultThrottle = 10 * time.Second

// relaunch launches the job now, or when its throttle lets it.
func (j *Job) relaunch(throttle time.Duration) {
	if j == nil || !j.loaded || j.w.closed || j.proc != nil || j.throttled != nil {
		return
	}
	wait := throttle - time.Since(j.launchedAt)
	if j.launches == 0 || wait <= 0 {
		j.launch()
		return
	}
	j.w.log(Event{Kind: Throttled, Job: j.cfg.Label, Detail: fmt.Sprintf("launched again in %v", wait)})
	j.throttled = time.AfterFunc(wait, func() {
		j.w.mu.Lock()
		defer j.w.unlock()
		j.throttled = nil
		if j.loaded && !j.w.closed {
			j.launch()
		}
	})
}

func (j *Job) stopThrottle() {
	if j.throttled != nil {
		j.throttled.Stop()
		j.throttled = nil
	}
}
