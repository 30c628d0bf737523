package fake

import (
	"fmt"
	"time"
)

// KeepAlive says when launchd starts a job's process again by itself. Of several
// conditions one is enough. But for AfterInitialDemand they launch the job when
// it is loaded, too.
type KeepAlive struct {
	Always         bool
	SuccessfulExit *bool // after such an exit, or after any other
	Crashed        *bool // after a crash, or after anything else

	// PathState: while a path exists, or while it does not; see [Launchd.SetPath].
	PathState map[string]bool
	// OtherJobEnabled: while the job of that label is loaded in the same domain,
	// or while it is not.
	OtherJobEnabled map[string]bool
	// AfterInitialDemand: not before a message has launched the job. Alone it
	// keeps the job alive from then on.
	AfterInitialDemand bool
	// NetworkState is read and has no effect, as on macOS.
	NetworkState *bool
}

// always tells whether no further condition is needed.
func (k *KeepAlive) always() bool {
	return k.Always || k.AfterInitialDemand && k.SuccessfulExit == nil && k.Crashed == nil && len(k.PathState)+len(k.OtherJobEnabled) == 0
}

// keeps tells whether the state of the world keeps the job alive. The caller
// holds w.mu.
func (j *Job) keeps() bool {
	k := &j.cfg.KeepAlive
	if k.always() {
		return true
	}
	for path, exists := range k.PathState {
		if j.w.paths[path] == exists {
			return true
		}
	}
	for label, loaded := range k.OtherJobEnabled {
		if j.w.hasJob(j.cfg.Domain, label) == loaded {
			return true
		}
	}
	return false
}

// atLoad tells whether loading the job launches it.
func (j *Job) atLoad() bool {
	k := &j.cfg.KeepAlive
	return j.cfg.RunAtLoad || !k.AfterInitialDemand && (k.SuccessfulExit != nil || k.Crashed != nil || j.keeps())
}

// afterExit tells whether the end of a process, or the failure to start one,
// launches the next.
func (j *Job) afterExit(why error) bool {
	k := &j.cfg.KeepAlive
	return j.keeps() ||
		k.SuccessfulExit != nil && *k.SuccessfulExit == (why == nil) ||
		k.Crashed != nil && *k.Crashed == (why == errCrashed)
}

// SetPath tells which paths exist in the pretended file system that the
// PathState of [KeepAlive] looks at. At first there are none.
func (w *Launchd) SetPath(path string, exists bool) {
	w.mu.Lock()
	defer w.unlock()
	w.paths[path] = exists
	w.reconsider()
}

// reconsider launches what the state of the world keeps alive.
func (w *Launchd) reconsider() {
	for _, j := range append([]*Job(nil), w.jobs...) {
		k := &j.cfg.KeepAlive
		if len(k.PathState)+len(k.OtherJobEnabled) > 0 && (!k.AfterInitialDemand || j.launches > 0) && j.keeps() {
			j.relaunch(j.throttle())
		}
	}
}

// defaultThrottle is launchd's. It is only taken for KeepAlive, so that a
// program that fails at once does not spin; what a message launches is not held
// up in tests that do not ask for it.
const defaultThrottle = 10 * time.Second

func (j *Job) throttle() time.Duration {
	if j.cfg.ThrottleInterval > 0 {
		return j.cfg.ThrottleInterval
	}
	return defaultThrottle
}

// relaunch launches the job now, or when its throttle lets it.
func (j *Job) relaunch(throttle time.Duration) {
	if j == nil || !j.loaded || j.w.closed || j.proc != nil || j.throttled != nil || j.launching {
		return
	}
	wait := throttle - time.Since(j.launchedAt)
	if j.launchedAt.IsZero() || wait <= 0 {
		j.launch()
		return
	}
	j.w.log(Event{Kind: Throttled, Job: j.cfg.Label, Detail: fmt.Sprintf("launched again in %v", wait)})
	j.throttled = time.AfterFunc(wait, func() {
		j.w.mu.Lock()
		defer j.w.unlock()
		j.throttled = nil
		if j.loaded && !j.w.closed && j.due() {
			j.launch()
		}
	})
}

// due tells whether a launch that has waited is still wanted: a path or another
// job may have changed meanwhile.
func (j *Job) due() bool {
	k := &j.cfg.KeepAlive
	if len(k.PathState)+len(k.OtherJobEnabled) == 0 || k.SuccessfulExit != nil || k.Crashed != nil || j.keeps() {
		return true
	}
	for _, e := range j.ports {
		if len(e.waiting) > 0 {
			return true
		}
	}
	return false
}

func (j *Job) stopThrottle() {
	if j.throttled != nil {
		j.throttled.Stop()
		j.throttled = nil
	}
}
