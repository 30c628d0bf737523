// Package xpc talks to MachServices and XPC services of macOS through Apple's
// libxpc. The same program builds, runs and is tested anywhere else against
// package fake (github.com/go-xpc/xpc/fake), launchd and libxpc in one process.
//
// # Two levels
//
// Level 2 is Go: a [Client] calls with a context, a [Listener] accepts peers, a
// [Server] answers them with a [Handler] that runs on goroutines.
//
//	c, err := xpc.NewClient("com.example.greeter")
//	if err != nil {
//		return err
//	}
//	defer c.Close()
//	var reply struct {
//		Text string `xpc:"text"`
//	}
//	err = c.Call(ctx, xpc.Dictionary{"name": "world"}, &reply)
//
// Level 1 is libxpc: a [Connection] has a method for each xpc_connection_*
// function, with its name, its semantics and its order of events, and handlers
// that run on dispatch queues. Level 2 is built on its public methods alone.
// What touches the system is a method of [Runtime] or takes one with
// [WithRuntime]; that value is all that switches a program to the fake.
//
// # Values
//
// A message is a dictionary: a [Dictionary], or a struct with `xpc` tags; [Marshal]
// has the rules for structs, slices, maps and pointers. Types are exact: int64 and
// uint64 are not mixed on the wire.
//
//	sent from Go                    XPC         received as
//	nil                             null        nil
//	bool                            bool        bool
//	int, int8 … int64               int64       int64
//	uint, uint8 … uint64            uint64      uint64
//	float32, float64                double      float64
//	time.Time                       date        time.Time (UTC, nanoseconds)
//	[]byte                          data        []byte
//	string, without a NUL byte      string      string
//	UUID                            uuid        UUID
//	*os.File, FD                    fd          *os.File
//	*SharedMemory                   shmem       *SharedMemory
//	*Endpoint                       endpoint    *Endpoint
//	Array, []any                    array       Array
//	Dictionary, map[string]any      dictionary  Dictionary
//	–                               any other   Unsupported
//
// A [Message] is decoded on demand: whole with Dictionary, into a struct with
// Decode, by key with [Get], [Lookup] or the typed getters, which give libxpc's
// defaults for what is missing. [Equal], [Hash], [Copy] and [Describe] are those
// of libxpc, for Go values. How deep and how large a message may be is bounded, see
// [Runtime.SetLimits].
//
// # Threads
//
// Everything may be used from any goroutine. Of level 1, handlers run on a thread
// of their queue and should return soon; those of one connection never overlap,
// and messages arrive in the order in which they were sent. Replies have no order,
// neither among themselves nor with messages. A panic in such a handler ends the
// process. Of level 2, handlers have goroutines, one at a time per connection, in
// order; they may block and call back, and a panic becomes an error reply.
//
// Nothing blocks a thread but SendMessageWithReplySync and Main, which say so.
//
// # Ownership
//
// A connection that was activated lives until its last event, [ErrInvalid], kept
// or not; Close ends it in any state. A message is valid while its handler runs,
// and longer with Retain; it keeps the process from being ended as idle. What
// Call returns belongs to the caller. Sent descriptors are duplicated, the sender
// keeps his own; received files belong to whoever takes them, and those that
// nobody takes are closed with the message. Endpoints and shared memory need no
// release; queues and mappings have a Close.
//
// # Errors
//
// All are found with errors.Is; the text of an [*Error] says what to check.
//
//	error                   who gets it                what it means                          what to do
//	ErrInterrupted          clients, waiting calls     the service exited, crashed or closed  send again if that is harmless: it is relaunched
//	ErrInvalid              everybody, as last event   cancelled, or the name does not exist  see the hint; make a new connection
//	ErrTerminationImminent  peers of a listener        the service is about to be ended       finish and close (a Server does)
//	ErrPeerRequirement      clients, waiting calls     the other side is not signed so        do not trust it
//	*RemoteError            Client.Call                the service answered with an error     look at its Code
//	ErrBusy                 Client.Call, sync sends    a mailbox or a limit is full           wait, then try again
//	ErrServerClosed         Client.Call, Serve         Shutdown was called                    try again later: it is relaunched
//	ErrClosed               callers after Close        the program closed it                  nothing
//	ErrMisuse               the caller                 libxpc would have ended the process    correct the program
//	*ValueError             the caller                 a value cannot be sent or decoded      see its Path
//	ErrReplied              Reply                      the request was answered before        correct the program
//	ErrNoReplyWanted        Reply                      the message was one-way                look at WantsReply
//	ErrUnsupported          the caller                 no libxpc here, or too old a macOS     do what the text says
//
// The errors of a context stay context.Canceled and context.DeadlineExceeded. A
// one-way message has no error: nothing in XPC tells whether it arrived.
//
// # The fake in ten lines
//
//	w := fake.NewLaunchd()
//	defer w.Close()
//	job, err := w.Load(fake.JobConfig{
//		Label:        "com.example.greeter",
//		MachServices: []string{"com.example.greeter"},
//		Main:         func(ctx context.Context, p *fake.Process) error { return serve(ctx, p.Runtime()) },
//	})
//	p, err := w.NewProcess(fake.ProcessConfig{})
//	c, err := xpc.NewClient("com.example.greeter", xpc.WithRuntime(p.Runtime()))
//	err = c.Call(ctx, xpc.Dictionary{}, nil) // launches the job
//	job.Process().Crash()                    // the next call launches it again
package xpc
