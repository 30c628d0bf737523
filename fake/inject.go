package fake

import (
	"math/rand/v2"
	"slices"
	"time"
)

// An Injection is a [Fault] at work. Its methods may be called from any
// goroutine.
type Injection struct {
	w   *Launchd
	f   Fault
	rng *rand.Rand

	// guarded by w.mu
	seen, hits int
	held       []*held
	struck     chan struct{}
}

// held is a step that waits.
type held struct {
	resume func()
	timer  *time.Timer
}

// FaultSeed makes the faults with a Probability repeatable. Without it they
// follow the seed of [Shuffle] or, without that too, a random one; see
// [Launchd.Seed]. The environment variable [SeedVariable] replaces it.
func FaultSeed(seed uint64) Option {
	return func(o *options) { o.faultSeed = theSeed(seed) }
}

// Inject lets a fault happen from now on. A fault that means nothing, such as a
// dropped launch, is an error.
func (w *Launchd) Inject(f Fault) (*Injection, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	if f.Times == 0 {
		f.Times = 1
	}
	w.mu.Lock()
	defer w.unlock()
	if w.closed {
		return nil, errWorldClosed
	}
	i := &Injection{w: w, f: f, struck: make(chan struct{})}
	w.injected++
	if f.Probability > 0 && f.Probability < 1 {
		// A generator of its own: what other faults do does not change its choices.
		i.rng = rand.New(rand.NewPCG(w.faultSeed(), uint64(w.injected)))
	}
	w.faults = append(w.faults, i)
	return i, nil
}

// faultSeed is the seed of the faults, made up at its first use. The caller
// holds w.mu.
func (w *Launchd) faultSeed() uint64 {
	if w.opt.faultSeed == 0 {
		if w.opt.faultSeed = theSeed(0); w.opt.dice != nil {
			w.opt.faultSeed = w.opt.dice.seed
		}
	}
	return w.opt.faultSeed
}

// Hits counts how often the fault has struck.
func (i *Injection) Hits() int {
	i.w.mu.Lock()
	defer i.w.unlock()
	return i.hits
}

// Struck is closed when the fault has struck for the first time.
func (i *Injection) Struck() <-chan struct{} { return i.struck }

// Release lets go on what the fault holds up.
func (i *Injection) Release() {
	i.w.mu.Lock()
	defer i.w.unlock()
	i.release()
}

// Remove ends the fault, and releases what it holds up.
func (i *Injection) Remove() {
	i.w.mu.Lock()
	defer i.w.unlock()
	i.w.faults = slices.DeleteFunc(i.w.faults, func(o *Injection) bool { return o == i })
	i.release()
}

func (i *Injection) release() {
	for len(i.held) > 0 {
		i.letGo(i.held[0])
	}
}

func (i *Injection) letGo(h *held) {
	n := slices.Index(i.held, h)
	if n < 0 {
		return
	}
	i.held = slices.Delete(i.held, n, n+1)
	if h.timer != nil {
		h.timer.Stop()
	}
	h.resume()
}

// hold keeps a step back. The caller holds w.mu.
func (i *Injection) hold(resume func()) {
	h := &held{resume: resume}
	i.held = append(i.held, h)
	if i.f.For > 0 {
		h.timer = time.AfterFunc(i.f.For, func() {
			i.w.mu.Lock()
			defer i.w.unlock()
			i.letGo(h)
		})
	}
}

// releaseAll lets everything go when the world ends. Faults strike no more.
func (w *Launchd) releaseAll() {
	faults := w.faults
	w.faults = nil
	for _, i := range faults {
		i.release()
	}
}
