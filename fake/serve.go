package fake

import (
	"context"
	"errors"
	"slices"

	"github.com/go-xpc/xpc"
)

// A Service is a service under test with a client process: see [Serve].
type Service struct {
	*Launchd          // the world, for faults, events and further processes
	Job      *Job     // of the service
	Client   *Process // where the test itself runs

	t TB
}

// Serve makes a world with one job, which declares name and whose program is main,
// and a client process. All of it ends with the test, see [New]; if the test fails,
// it shows the last events, messages included.
//
//	s := fake.Serve(t, "com.example.echo", fake.Handle(handler))
//	c := s.Dial()
//	err := c.Call(ctx, in, &out) // launches the service
//
// A service or an option that cannot be had ends the test.
func Serve(t TB, name string, main Main, opts ...Option) *Service {
	t.Helper()
	return ServeJob(t, JobConfig{Label: name, MachServices: []string{name}, Domain: User, Main: main}, opts...)
}

// ServeJob is [Serve] with a job of the caller's. [Service.Dial] takes its first
// name.
func ServeJob(t TB, cfg JobConfig, opts ...Option) *Service {
	t.Helper()
	s := &Service{Launchd: New(t, slices.Concat([]Option{LogMessages()}, opts)...), t: t}
	var err1, err2 error
	s.Job, err1 = s.Load(cfg)
	s.Client, err2 = s.NewProcess(ProcessConfig{})
	if err := errors.Join(err1, err2); err != nil {
		t.Fatalf("%v", err)
	}
	return s
}

// Runtime is that of the client process.
func (s *Service) Runtime() *xpc.Runtime { return s.Client.Runtime() }

// Dial makes a client of the service, in the client process. It is closed with
// the test.
func (s *Service) Dial(opts ...xpc.Option) *xpc.Client {
	s.t.Helper()
	c, err := xpc.NewClient(s.Job.name(), slices.Concat(opts, []xpc.Option{xpc.WithRuntime(s.Runtime())})...)
	if err != nil {
		s.t.Fatalf("%v", err)
	}
	s.t.Cleanup(func() {
		_ = c.Close()
		<-c.Done()
	})
	return c
}

// name is the first that the job declares.
func (j *Job) name() string {
	if len(j.cfg.MachServices) == 0 {
		return ""
	}
	return j.cfg.MachServices[0]
}

// Handle is a program that serves the first name of its job with h until it is
// told to end. Then it shuts down.
func Handle(h xpc.Handler, opts ...xpc.Option) Main {
	return func(ctx context.Context, p *Process) error {
		l, err := xpc.NewListener(p.job.name(), slices.Concat(opts, []xpc.Option{xpc.WithRuntime(p.Runtime())})...)
		if err != nil {
			return err
		}
		s := &xpc.Server{Handler: h}
		stopped := make(chan struct{})
		served := make(chan struct{})
		go func() {
			defer close(stopped)
			select {
			case <-p.Terminating():
				_ = s.Shutdown(ctx)
			case <-served:
			}
		}()
		err = s.Serve(ctx, l)
		close(served)
		<-stopped
		if errors.Is(err, xpc.ErrServerClosed) {
			return nil
		}
		return err
	}
}
