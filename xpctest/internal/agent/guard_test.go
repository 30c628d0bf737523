//go:build unix && !xpcstandin

package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/fake"
	"github.com/go-xpc/xpc/xpctest"
)

// Some tests start this program again, as a guard, a worker, or the owner of a
// place that comes to a bad end.
const (
	logVariable   = "XPC_TEST_AGENT_LOG"   // where launchctl's commands are written
	ownerVariable = "XPC_TEST_AGENT_OWNER" // how the owner ends
	tempVariable  = "XPC_TEST_AGENT_TEMP"
)

func TestMain(m *testing.M) {
	switch {
	case IsGuard():
		Guard(writingRunner)
	case IsWorker():
		p, err := fake.NewLaunchd().NewProcess(fake.ProcessConfig{})
		if err != nil {
			panic(err)
		}
		Work(backendOf(p))
	case os.Getenv(ownerVariable) != "":
		owner(os.Getenv(ownerVariable))
	}
	goleak.VerifyTestMain(m)
}

// writingRunner is a launchctl without jobs that writes down what it was told.
func writingRunner(_ context.Context, args ...string) (string, error) {
	f, err := os.OpenFile(os.Getenv(logVariable), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return "", err
	}
	defer f.Close()
	fmt.Fprintln(f, strings.Join(args, " "))
	if args[0] == "print" {
		return "", errors.New("exit status 113")
	}
	return "", nil
}

// temporary is t.TempDir with a name that leaves room: a socket's has hardly 100
// bytes.
func temporary(t testing.TB) string {
	dir, err := os.MkdirTemp("/tmp", "xpc")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}

func again(env ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), env...)
	return cmd
}

// owner installs a job and ends as told.
func owner(how string) {
	p, err := NewPlace(writingRunner, os.Getenv(tempVariable), "gui/501", os.Getpid())
	if err == nil {
		err = os.WriteFile(filepath.Join(p.Dir, p.Labels+"1.plist"), Job{Label: p.Labels + "1"}.Plist(), 0o600)
	}
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	if _, err := startGuard(cmd, p); err != nil {
		panic(err)
	}
	fmt.Println("ready")
	switch how {
	case "panic":
		go panic("a watchdog")
	case "exit":
		os.Exit(3)
	}
	select {}
}

func TestGuardClearsAfterABadEnd(t *testing.T) {
	for _, how := range []string{"panic", "exit", "interrupt", "kill"} {
		t.Run(how, func(t *testing.T) {
			temp := temporary(t)
			log := filepath.Join(temp, "log")
			cmd := again(ownerVariable+"="+how, tempVariable+"="+temp, logVariable+"="+log)
			cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
			out, err := cmd.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			_, err = out.Read(make([]byte, 10))
			require.NoError(t, err)
			switch how {
			case "interrupt": // the whole group, as a terminal does
				require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGINT))
			case "kill":
				require.NoError(t, cmd.Process.Kill())
			}
			assert.Error(t, cmd.Wait())
			require.Eventually(t, func() bool {
				left, err := filepath.Glob(filepath.Join(temp, dirPrefix+"*"))
				return err == nil && len(left) == 0
			}, 20*time.Second, 10*time.Millisecond)
			told, err := os.ReadFile(log)
			require.NoError(t, err)
			assert.Contains(t, string(told), fmt.Sprintf("bootout gui/501/%s%d.", labelPrefix, cmd.Process.Pid))
		})
	}
}

func TestInstall(t *testing.T) {
	temp := temporary(t)
	t.Setenv(logVariable, filepath.Join(temp, "log"))
	dead := filepath.Join(temp, dirPrefix+"4194999-1")
	require.NoError(t, os.Mkdir(dead, 0o700))
	m := newMac(t)
	var dir string
	t.Run("run", func(t *testing.T) {
		h := Install(t, m.launchctl, temp, "test", m.system, again())
		dir = h.Place.Dir
		assert.DirExists(t, dir)
		assert.NoDirExists(t, dead)
		h.Check(t)
	})
	assert.NoDirExists(t, dir)
}

// A worker in a process of its own: what the closures here do happens there, and
// its end is seen.
func TestWorkerProcess(t *testing.T) {
	for _, how := range []string{"exit", "kill", "SIGTERM", "SIGTERM that is notified"} {
		t.Run(how, func(t *testing.T) {
			if how == "SIGTERM that is notified" {
				t.Setenv(NotifyVariable, "1")
			}
			m := newMac(t)
			p, err := NewPlace(m.launchctl, temporary(t), "gui/501", os.Getpid())
			require.NoError(t, err)
			sys := m.system(t)
			sys.Spawn = Spawner(os.Args[0], "-test.run=^$")
			sys.Kill = syscall.Kill
			h := &Harness{Title: "test", Systems: func(testing.TB) System { return sys }, Place: p}
			w := h.New(t).(*world)
			g := w.Process(xpctest.ProcessSpec{})
			assert.NotEqual(t, os.Getpid(), g.PID())
			rt := g.Runtime()

			l, err := xpc.NewListener("", xpc.WithRuntime(rt))
			require.NoError(t, err)
			e, err := l.Endpoint()
			require.NoError(t, err)
			s := &xpc.Server{Handler: xpc.HandlerFunc(func(_ context.Context, m *xpc.Message) (any, error) {
				return xpc.Dictionary{"f": m.GetFile("f"), "n": m.GetInt64("n") + 1}, nil
			})}
			served := make(chan error, 1)
			go func() { served <- s.Serve(context.Background(), l) }()
			c, err := xpc.NewEndpointClient(e, xpc.WithRuntime(rt))
			require.NoError(t, err)
			r, pipe, err := os.Pipe()
			require.NoError(t, err)
			defer r.Close()
			var out struct {
				F *os.File `xpc:"f"`
				N int64    `xpc:"n"`
			}
			require.NoError(t, c.Call(t.Context(), xpc.Dictionary{"f": pipe, "n": int64(41)}, &out))
			assert.EqualValues(t, 42, out.N)
			_, err = out.F.WriteString("through two processes")
			require.NoError(t, err)
			require.NoError(t, out.F.Close())
			require.NoError(t, pipe.Close())
			got := make([]byte, 21)
			_, err = io.ReadFull(r, got)
			require.NoError(t, err)
			assert.Equal(t, "through two processes", string(got))

			switch how {
			case "exit":
				g.Exit()
			case "kill":
				g.Crash()
			default:
				require.NoError(t, syscall.Kill(g.PID(), syscall.SIGTERM))
				if how == "SIGTERM that is notified" {
					time.Sleep(50 * time.Millisecond)
					assert.True(t, Alive(g.PID()))
					q, err := rt.NewQueue("it still works")
					require.NoError(t, err)
					require.NoError(t, q.Close())
					g.Crash()
				}
			}
			require.Eventually(t, func() bool { return !Alive(g.PID()) }, 10*time.Second, time.Millisecond)
			<-c.Done()
			assert.Error(t, <-served)
			assert.ErrorIs(t, c.Call(t.Context(), xpc.Dictionary{}, nil), xpc.ErrClosed)
			_, err = rt.NewAnonymousListener(nil)
			assert.ErrorIs(t, err, xpc.ErrClosed)
			require.NoError(t, c.Close())
		})
	}
}
