package fake

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// Main stands in place of a job's program. It runs on its own goroutine when
// launchd starts the process; the process exits when it returns, with a failure
// if it returns an error. Its context ends when the process does, and it must
// return then.
type Main func(ctx context.Context, p *Process) error

// JobConfig is a launchd job: what its property list says, with a function in
// place of the program.
type JobConfig struct {
	Label        string
	MachServices []string
	Domain       Domain // System if empty
	// Main may be nil: the process then does nothing by itself, and a test uses
	// its [Job.Process] instead.
	Main Main

	RunAtLoad            bool
	KeepAlive            KeepAlive
	UserName             string        // whom the process runs as; only in System, root if empty
	ThrottleInterval     time.Duration // between launches; none on demand, 10 s for KeepAlive if zero
	ExitTimeOut          time.Duration // from SIGTERM to SIGKILL; 20 s if zero
	EnableTransactions   bool
	EnablePressuredExit  bool
	ProgramArguments     []string
	EnvironmentVariables map[string]string

	Credentials *Credentials // as in [ProcessConfig]; goes before UserName
	Identity    Identity
}

// A Job is a job that was loaded into a [Launchd]. Its methods may be called
// from any goroutine.
type Job struct {
	w      *Launchd
	cfg    JobConfig
	bundle string // the application that a bundled service belongs to

	// guarded by w.mu
	loaded     bool
	ports      map[string]*port
	proc       *Process
	launches   int
	launchedAt time.Time
	launching  bool        // a fault holds the launch up
	throttled  *time.Timer // a launch that waits
}

// Load adds a job and makes its names known. Nothing is launched until somebody
// sends to one of them. A label or a name that the domain has already is an
// error, and so is an empty one.
func (w *Launchd) Load(cfg JobConfig) (*Job, error) {
	if cfg.Domain == "" {
		cfg.Domain = System
	}
	cfg.MachServices = slices.Clone(cfg.MachServices)
	cfg.ProgramArguments = slices.Clone(cfg.ProgramArguments)
	cfg.EnvironmentVariables = maps.Clone(cfg.EnvironmentVariables)
	cfg.KeepAlive.PathState = maps.Clone(cfg.KeepAlive.PathState)
	cfg.KeepAlive.OtherJobEnabled = maps.Clone(cfg.KeepAlive.OtherJobEnabled)
	j := &Job{w: w, cfg: cfg}
	return j, j.Load()
}

func (j *Job) isBundled() bool { return j.bundle != "" }

// Label is the job's label.
func (j *Job) Label() string { return j.cfg.Label }

// Load loads the job again after [Job.Unload]. Connections that were made
// before stay invalid. Loading a loaded job is an error.
func (j *Job) Load() error {
	j.w.mu.Lock()
	defer j.w.unlock()
	return j.load()
}

func (j *Job) load() error {
	w := j.w
	if err := j.check(); err != nil {
		return err
	}
	names := w.domains[j.cfg.Domain]
	if names == nil {
		names = map[string]*port{}
		w.domains[j.cfg.Domain] = names
	}
	j.ports = map[string]*port{}
	for _, name := range j.cfg.MachServices {
		e := &port{w: w, name: name, job: j}
		j.ports[name] = e
		names[name] = e
	}
	j.loaded = true
	w.log(Event{Kind: Loaded, Job: j.cfg.Label})
	w.jobs = append(w.jobs, j)
	if j.atLoad() {
		j.launch()
	}
	w.reconsider()
	return nil
}

func (j *Job) check() error {
	w, cfg := j.w, &j.cfg
	switch {
	case w.closed:
		return errWorldClosed
	case cfg.Label == "":
		return fmt.Errorf("fake: a job needs a Label")
	case j.loaded:
		return fmt.Errorf("fake: job %s: it is loaded already", cfg.Label)
	}
	if w.hasJob(cfg.Domain, cfg.Label) {
		return fmt.Errorf("fake: job %s: the domain %s has a job of that label", cfg.Label, cfg.Domain)
	}
	for i, name := range cfg.MachServices {
		if name == "" || slices.Contains(cfg.MachServices[:i], name) {
			return fmt.Errorf("fake: job %s: the name %q in MachServices is empty or occurs twice", cfg.Label, name)
		}
		if e := w.domains[cfg.Domain][name]; e != nil {
			return fmt.Errorf("fake: job %s: the name %q is in MachServices of job %s already", cfg.Label, name, e.job.cfg.Label)
		}
	}
	return nil
}

func (w *Launchd) hasJob(d Domain, label string) bool {
	for _, o := range w.jobs {
		if o.cfg.Label == label && o.cfg.Domain == d && !o.isBundled() {
			return true
		}
	}
	return false
}

// Unload removes the job and its names, and kills its process. Connected
// clients receive INTERRUPTED and INVALID, others INVALID when they send next.
// An unloaded job stays as it is.
func (j *Job) Unload() {
	j.w.mu.Lock()
	defer j.w.unlock()
	j.unload()
}

func (j *Job) unload() {
	w := j.w
	if !j.loaded {
		return
	}
	j.loaded = false
	j.stopThrottle()
	w.log(Event{Kind: Unloaded, Job: j.cfg.Label})
	w.jobs = slices.DeleteFunc(w.jobs, func(o *Job) bool { return o == j })
	for _, name := range j.cfg.MachServices {
		j.ports[name].dead = true
		delete(w.domains[j.cfg.Domain], name)
	}
	if j.proc != nil {
		j.proc.die(errKilled)
	}
	for _, name := range j.cfg.MachServices {
		j.ports[name].turnAway()
	}
	w.reconsider()
}

// Loaded tells whether the job is loaded.
func (j *Job) Loaded() bool {
	j.w.mu.Lock()
	defer j.w.unlock()
	return j.loaded
}

// Process is the job's running process, nil if there is none.
func (j *Job) Process() *Process {
	j.w.mu.Lock()
	defer j.w.unlock()
	return j.proc
}

// Launch starts the job's process if it does not run (launchctl kickstart), and
// returns it. A job that is not loaded is an error.
func (j *Job) Launch() (*Process, error) {
	j.w.mu.Lock()
	defer j.w.unlock()
	if !j.loaded || j.w.closed {
		return nil, fmt.Errorf("fake: job %s cannot be launched: it is not loaded", j.cfg.Label)
	}
	if j.launch(); j.proc == nil {
		return nil, fmt.Errorf("fake: job %s: a fault keeps it from being launched", j.cfg.Label)
	}
	return j.proc, nil
}

// Launches counts how often the job's process was started.
func (j *Job) Launches() int {
	j.w.mu.Lock()
	defer j.w.unlock()
	return j.launches
}

// demand launches the job because something waits at one of its ports. A nil
// job is an anonymous listener's.
func (j *Job) demand() {
	if j != nil {
		j.relaunch(j.cfg.ThrottleInterval)
	}
}

func (j *Job) launch() {
	if j.proc != nil || j.launching {
		return
	}
	j.stopThrottle()
	switch j.w.strike(site{point: BeforeLaunch, job: j, resume: j.launchAfterAll}) {
	case passed:
		j.start()
	case stopped:
		j.launching = true
	case acted:
		j.launchedAt = time.Now()
		j.exited(nil)
	}
}

// launchAfterAll takes up a launch that a fault has held up.
func (j *Job) launchAfterAll() {
	j.launching = false
	if j.loaded && !j.w.closed {
		j.start()
	}
}

// start starts the process.
func (j *Job) start() {
	cred := j.cfg.Credentials
	if cred == nil {
		cred = j.w.user(&j.cfg)
	}
	p, err := j.w.newProcess(ProcessConfig{
		Name: j.cfg.Label, Domain: j.cfg.Domain, Bundle: j.bundle, Credentials: cred, Identity: j.cfg.Identity,
	}, j)
	if err != nil {
		panic(err) // only a pid of the caller's choice can fail
	}
	j.proc = p
	j.launches++
	j.launchedAt = time.Now()
	j.w.log(Event{Kind: Launched, Process: p})
	if j.cfg.Main != nil {
		j.w.mains++
		go j.run(p)
	}
}

func (j *Job) run(p *Process) {
	// Also when Main ends by runtime.Goexit: it was the process's only thread.
	err := fmt.Errorf("main did not return")
	defer func() { j.w.mainReturned(p, err) }()
	if p.ctx.Err() == nil {
		err = j.cfg.Main(p.ctx, p)
	}
}

// exited follows the end of the job's process, nil if it could not be launched. What waited for an instance that
// never checked in is interrupted; what came for the next instance launches it.
func (j *Job) exited(p *Process) {
	j.proc = nil
	again := false
	for _, name := range j.cfg.MachServices {
		e := j.ports[name]
		if p == nil || e.checkedIn != p {
			e.turnAway()
		}
		again = again || len(e.waiting) > 0
	}
	if again {
		j.demand()
	}
	why := errNotLaunched
	if p != nil {
		why = p.exit
	}
	if j.afterExit(why) {
		j.relaunch(j.throttle())
	}
}

// turnAway interrupts the clients that wait at a port.
func (e *port) turnAway() {
	waiting := e.waiting
	e.waiting = nil
	for _, peer := range waiting {
		if client := peer.remote; client != nil {
			client.remote, peer.remote = nil, nil
			client.lost(nil)
		}
		for !peer.inbox.empty() {
			if ev := peer.inbox.pop(); ev.kind == evMessage {
				ev.msg.discard()
			}
		}
	}
}

// Arguments are the job's ProgramArguments.
func (p *Process) Arguments() []string {
	if p.job == nil {
		return nil
	}
	return slices.Clone(p.job.cfg.ProgramArguments)
}

// Environment is a copy of the job's EnvironmentVariables.
func (p *Process) Environment() map[string]string {
	if p.job == nil {
		return nil
	}
	return maps.Clone(p.job.cfg.EnvironmentVariables)
}
