package fake

import (
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
)

// SeedVariable is the environment variable that replays a shuffled order: its
// value replaces the seed of every [Shuffle] and [FaultSeed].
const SeedVariable = "XPC_FAKE_SEED"

// Shuffle takes what libxpc does not order in a random order: events of
// different connections, replies, and functions on concurrent queues. The choices
// follow from the seed; goroutines that really run at once add to them. A zero
// seed means a random one, see [Launchd.Seed]. Without Shuffle everything is
// taken in the order in which it came.
func Shuffle(seed uint64) Option {
	return func(o *options) {
		s := theSeed(seed)
		o.dice = &dice{seed: s, rng: rand.New(rand.NewPCG(s, s))}
	}
}

// theSeed is the one to take for the one that was asked for.
func theSeed(seed uint64) uint64 {
	if s, err := strconv.ParseUint(os.Getenv(SeedVariable), 10, 64); err == nil {
		seed = s
	}
	for seed == 0 {
		seed = rand.Uint64()
	}
	return seed
}

// Seed is the seed of what the world leaves to chance, by [Shuffle] or by a fault
// with a Probability; 0 if nothing is.
func (w *Launchd) Seed() uint64 {
	if w.opt.dice != nil {
		return w.opt.dice.seed
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.opt.faultSeed
}

type dice struct {
	seed uint64
	mu   sync.Mutex
	rng  *rand.Rand
}

func (d *dice) below(n int) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rng.IntN(n)
}

// shuffled takes any of the jobs, but keeps functions that the program put on a
// serial queue in their order.
func (l *jobs) shuffled(d *dice, serial bool) job {
	i := l.head + d.below(l.len())
	if _, isFunc := l.list[i].(funcJob); isFunc && serial {
		for i = l.head; ; i++ {
			if _, isFunc = l.list[i].(funcJob); isFunc {
				break
			}
		}
	}
	j := l.list[i]
	copy(l.list[l.head+1:i+1], l.list[l.head:i])
	l.list[l.head] = j
	return l.pop()
}

// pushShuffled lets every job of a concurrent queue overtake the others.
func (q *queue) pushShuffled(j job) {
	q.mu.Lock()
	q.jobs.push(j)
	q.mu.Unlock()
	q.w.enter()
	go func() {
		defer q.w.leave()
		for range q.w.opt.dice.below(4) {
			runtime.Gosched()
		}
		q.mu.Lock()
		j := q.jobs.shuffled(q.w.opt.dice, false)
		q.mu.Unlock()
		j.run(q)
	}()
}
