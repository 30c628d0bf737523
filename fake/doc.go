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
// Events come in the order and with the errors that libxpc's documentation
// promises. Where that leaves something open, an [Option] decides.
package fake
