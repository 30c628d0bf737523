// Package fake is launchd and libxpc in one process, in pure Go: what package
// xpc runs on in tests, and wherever there is no macOS.
//
// A [Launchd] is a world with jobs, loaded from real property lists or from Go
// structs, and pretended processes, each with a Runtime of its own:
//
//	w := fake.NewLaunchd()
//	defer w.Close()
//	w.Load(fake.JobConfig{
//		Label:        "com.example.echo",
//		MachServices: []string{"com.example.echo"},
//		Main: func(ctx context.Context, p *fake.Process) error {
//			return serve(ctx, p.Runtime()) // the program under test
//		},
//	})
//	p, _ := w.NewProcess(fake.ProcessConfig{})
//	client(p.Runtime()) // its first message launches the job
//
// In a test, three lines give a service and its client, both ended with the test:
//
//	s := fake.Serve(t, "com.example.echo", fake.Handle(handler))
//	c := s.Dial()
//	err := c.Call(ctx, in, &out)
//
// # What goes wrong, on demand
//
// [Process.Crash], [Process.Exit], [Process.Terminate], [Process.IdleExit],
// [Job.Unload] and [Launchd.Reboot] end things from outside. A [Fault] strikes at a
// named point between two steps, by count or by chance:
//
//	w.Inject(fake.Fault{Point: fake.BeforeReply, Do: fake.Crash, Nth: 2})
//
// Package faulttest tries every fault at every point on a service. [Launchd.Trace]
// tells what happened, [Launchd.Findings] which names were used wrongly, and
// [Launchd.Close] what was left over. [CheckPlist] looks at property lists.
//
// # What libxpc leaves open
//
// Events come in the order and with the errors that libxpc's documentation
// promises. Where that leaves something open, an [Option] decides;
// [OpenQuestions] are all of them. [Shuffle] takes what has no order in a random
// one, from a seed that replays it.
package fake
