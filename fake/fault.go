package fake

import (
	"fmt"
	"slices"
	"time"
)

// A Point is a step in the life of a service at which a [Fault] can strike.
type Point string

const (
	// BeforeLaunch: launchd is about to start a job's process.
	BeforeLaunch Point = "before the launch"
	// BeforeCheckIn: the process runs, and its listener is about to check in.
	BeforeCheckIn Point = "before the check-in"
	// AfterPeer: the listener's handler has returned from a new peer, which has
	// received nothing yet.
	AfterPeer Point = "after the peer was made"
	// BeforeDelivery: a message has arrived, and is about to be delivered.
	BeforeDelivery Point = "before the delivery"
	// AfterDelivery: the handler has returned from a message. A handler that
	// hands it on, as those of xpc.Server are, may still work on it.
	AfterDelivery Point = "after the delivery"
	// BeforeReply: the program has sent a reply, which has not left its process.
	BeforeReply Point = "before the reply"
	// ReplyUnderWay: the reply has left, and has not arrived. The end of its
	// process no longer stops it.
	ReplyUnderWay Point = "while the reply is under way"
)

// An Action is what a [Fault] does.
type Action string

const (
	// Crash ends the process as [Process.Crash] does. Before the launch it lets
	// the launch itself fail: who waits for it is interrupted.
	Crash Action = "crash"
	// Exit ends the process as [Process.Exit] does.
	Exit Action = "exit"
	// Terminate sends SIGTERM, see [Process.Terminate].
	Terminate Action = "terminate"
	// Unload removes the job, see [Job.Unload].
	Unload Action = "unload"
	// CancelPeer cancels the connection at which the point is passed, as if the
	// program there had: the peer of the service.
	CancelPeer Action = "cancel the peer"
	// CancelListener cancels the listener that the peer came from.
	CancelListener Action = "cancel the listener"
	// CrashOther crashes the process at the other end: the client.
	CrashOther Action = "crash the other end"
	// Hold stops what happens here until Fault.For has passed, virtual in a
	// bubble, or until [Injection.Release]: a slow launch, a held reply. What is
	// behind it on the same connection waits, too.
	Hold Action = "hold"
	// Drop loses a message or a reply. Who waits for the reply is treated as
	// [HangDropped] says.
	Drop Action = "drop"
	// CutDescriptors makes the descriptors of a message or a reply unusable.
	// What carries none is passed over.
	CutDescriptors Action = "cut the descriptors"
	// FailRequirement makes the sender fail the receiver's peer requirement. A
	// receiver without one is passed over.
	FailRequirement Action = "fail the requirement"
)

// actions are those that mean something at each point.
var actions = map[Point][]Action{
	BeforeLaunch:   {Crash, Unload, Hold},
	BeforeCheckIn:  {Crash, Exit, Terminate, Unload, Hold},
	AfterPeer:      {Crash, Exit, Terminate, Unload, CancelPeer, CancelListener, CrashOther, Hold},
	BeforeDelivery: {Crash, Exit, Terminate, Unload, CancelPeer, CancelListener, CrashOther, Hold, Drop, CutDescriptors, FailRequirement},
	AfterDelivery:  {Crash, Exit, Terminate, Unload, CancelPeer, CancelListener, CrashOther},
	BeforeReply:    {Crash, Exit, Terminate, Unload, CancelPeer, CancelListener, CrashOther, Hold, Drop, CutDescriptors, FailRequirement},
	ReplyUnderWay:  {Crash, Exit, Terminate, Unload, CancelPeer, CancelListener, CrashOther, Hold},
}

// Points are all points, in the order in which a first request passes them.
func Points() []Point {
	return []Point{BeforeLaunch, BeforeCheckIn, AfterPeer, BeforeDelivery, AfterDelivery, BeforeReply, ReplyUnderWay}
}

// Actions are those that mean something at a point.
func (p Point) Actions() []Action { return slices.Clone(actions[p]) }

// Always, as Fault.Times, lets a fault strike without end.
const Always = -1

// A Fault is something that goes wrong at a named point. The zero values of the
// fields beside Point and Do mean: at the first opportunity, whoever it is, and
// once. It strikes at the side of the service, unless AtClient is set.
//
// Of several faults the first injected that fits strikes. There is no fault for a
// full mailbox: libxpc has no bound that a program could see. Those of package
// xpc's second level fill up behind a handler that does not return, and those of
// a test behind Hold before the delivery.
type Fault struct {
	Point Point
	Do    Action

	// Where. What is zero does not matter.
	Name     string   // of the service
	Process  *Process // at which the point is passed
	Conn     int      // at which the point is passed: its number in the log
	AtClient bool     // messages delivered to, and replies given by, a client

	// When.
	Nth         int           // passes over what fits until the Nth, counted from 1
	Times       int           // strikes so often; Always for no bound
	Probability float64       // of a strike each time, from the seed of the world; 1 if zero
	For         time.Duration // with Hold; without it, until Release
}

// String tells what happens where.
func (f Fault) String() string { return fmt.Sprintf("%s %s", f.Do, f.Point) }

func (f *Fault) check() error {
	list, ok := actions[f.Point]
	switch {
	case !ok:
		return fmt.Errorf("fake: the point %q is not known", f.Point)
	case !slices.Contains(list, f.Do):
		return fmt.Errorf("fake: the action %q means nothing %s", f.Do, f.Point)
	case f.Probability < 0 || f.Probability > 1 || f.Nth < 0 || f.Times < Always || f.For < 0:
		return fmt.Errorf("fake: fault %q: Nth, Times, Probability or For is out of range", f)
	case f.For != 0 && f.Do != Hold:
		return fmt.Errorf("fake: fault %q: For goes with Hold", f)
	}
	return nil
}

// Faults are one fault for each point and each action that means something
// there, for a search over all of them. Those that hold do it for a second.
func Faults() []Fault {
	var all []Fault
	for _, p := range Points() {
		for _, a := range actions[p] {
			f := Fault{Point: p, Do: a}
			if a == Hold {
				f.For = time.Second
			}
			all = append(all, f)
		}
	}
	return all
}
