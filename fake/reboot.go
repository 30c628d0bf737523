package fake

import (
	"maps"
	"slices"
	"time"
)

// Reboot ends every process of a domain and loads its jobs anew, as logging out
// and in does for a user's domain; the jobs unloaded before stay so. Of System it
// is a restart of the machine: all domains go, and all pretended processes with
// them, clients too. Faults and the log stay.
func (w *Launchd) Reboot(d Domain) {
	w.mu.Lock()
	defer w.unlock()
	w.log(Event{Kind: Rebooted, Name: string(d)})
	concerns := func(o Domain) bool { return d == System || d == o }

	var jobs []*Job
	for _, j := range slices.Clone(w.jobs) {
		switch {
		case !concerns(j.cfg.Domain):
		case j.isBundled():
			j.reset()
		default:
			jobs = append(jobs, j)
			j.unload()
		}
	}
	for _, p := range slices.SortedFunc(maps.Keys(w.processes), byPID) {
		if concerns(p.domain) {
			p.die(errKilled)
		}
	}
	for _, j := range jobs {
		j.launchedAt = time.Time{} // no throttle across a reboot
		_ = j.load()               // only a closed world refuses what it had
	}
}

// reset ends what a bundled service has at present.
func (j *Job) reset() {
	if j.proc != nil {
		j.proc.die(errKilled)
	}
	for _, e := range j.ports {
		e.turnAway()
	}
}
