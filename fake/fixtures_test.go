package fake

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func fixture(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", "plists", name+".plist"))
	require.NoError(t, err)
	return b
}

// fixtures have the shapes of jobs that are found on macOS: helpers, agents,
// daemons with an account of their own, login items, jobs with events and sockets.
var fixtures = map[string]struct {
	binary bool
	cfg    JobConfig
	says   []string
}{
	"helper": {cfg: JobConfig{
		Label: "com.example.disktool.helper", MachServices: []string{"com.example.disktool.helper"},
		ProgramArguments: []string{"/Library/PrivilegedHelperTools/com.example.disktool.helper"},
	}},
	"agent": {binary: true, cfg: JobConfig{
		Label: "com.example.notes.syncagent", MachServices: []string{"com.example.notes.sync", "com.example.notes.sync.status"},
		ProgramArguments:   []string{"/Applications/Notes Example.app/Contents/MacOS/syncagent", "--launchd"},
		EnableTransactions: true, EnablePressuredExit: true,
	}},
	"account": {cfg: JobConfig{
		Label: "com.example.keystored", MachServices: []string{"com.example.keystored", "com.example.keystored.admin"},
		ProgramArguments: []string{"/usr/local/libexec/keystored"}, UserName: "_keystored",
		KeepAlive: KeepAlive{SuccessfulExit: new(bool)}, ThrottleInterval: 5 * time.Second, ExitTimeOut: 30 * time.Second,
	}},
	"tunnel": {
		cfg: JobConfig{
			Label: "com.example.tunneld", MachServices: []string{"com.example.tunneld.control"},
			ProgramArguments: []string{"/opt/tunnel/bin/tunneld", "-c", "/opt/tunnel/etc/tunneld.conf"},
			KeepAlive:        KeepAlive{NetworkState: yes(), Crashed: yes()},
		},
		says: []string{"NetworkState is no longer implemented", "OnDemand is deprecated"},
	},
	"updater": {cfg: JobConfig{
		Label: "com.example.updater.agent", MachServices: []string{"com.example.updater.xpc"},
		ProgramArguments:     []string{"/Library/Application Support/Example/Updater", "--check"},
		EnvironmentVariables: map[string]string{"UPDATER_CHANNEL": "stable", "PATH": "/usr/bin:/bin:/usr/sbin:/sbin"},
	}},
	"menubar": {binary: true, cfg: JobConfig{
		Label: "com.example.menubar.login", MachServices: []string{"com.example.menubar.login"}, RunAtLoad: true,
	}},
	"names": {cfg: JobConfig{
		Label:            "com.example.broker",
		MachServices:     []string{"com.example.broker", "com.example.broker.debug", "com.example.broker.events", "com.example.broker.legacy"},
		ProgramArguments: []string{"/usr/local/libexec/broker"},
	}},
	"paths": {binary: true, cfg: JobConfig{
		Label: "com.example.mounter", MachServices: []string{"com.example.mounter"}, ProgramArguments: []string{"/usr/local/sbin/mounter"},
		KeepAlive: KeepAlive{PathState: map[string]bool{"/etc/mounter.conf": true, "/var/run/mounter.off": false}},
	}},
	"demand": {cfg: JobConfig{
		Label: "com.example.indexer", MachServices: []string{"com.example.indexer"}, ProgramArguments: []string{"/usr/local/libexec/indexer"},
		KeepAlive: KeepAlive{AfterInitialDemand: true}, EnablePressuredExit: true,
	}},
	"follower": {cfg: JobConfig{
		Label: "com.example.replica", MachServices: []string{"com.example.replica"},
		ProgramArguments: []string{"/usr/local/sbin/replica", "--of", "com.example.primary"},
		KeepAlive:        KeepAlive{OtherJobEnabled: map[string]bool{"com.example.primary": true}},
	}},
	"events": {binary: true, cfg: JobConfig{
		Label: "com.example.usbwatch", MachServices: []string{"com.example.usbwatch"}, ProgramArguments: []string{"/usr/local/libexec/usbwatch"},
	}},
	"always": {cfg: JobConfig{
		Label: "com.example.metrics", MachServices: []string{"com.example.metrics"}, ProgramArguments: []string{"/usr/local/sbin/metricsd"},
		RunAtLoad: true, KeepAlive: KeepAlive{Always: true}, ThrottleInterval: 30 * time.Second,
	}},
}

func yes() *bool {
	b := true
	return &b
}

func TestFixtures(t *testing.T) {
	w := newWorld(t)
	for name, c := range fixtures {
		list := fixture(t, name)
		assert.Equal(t, c.binary, bytes.HasPrefix(list, []byte("bplist00")), name)
		cfg, err := ParsePlist(bytes.NewReader(list))
		require.NoError(t, err, name)
		require.Equal(t, c.cfg, cfg, name)
		says, err := w.CheckPlist(bytes.NewReader(list), System)
		require.NoError(t, err, name)
		require.Len(t, says, len(c.says), "%s: %q", name, says)
		for i, s := range c.says {
			require.Contains(t, says[i], s, name)
		}
		j, err := w.LoadPlist(bytes.NewReader(list), System, nil)
		require.NoError(t, err, name)
		_, err = j.Launch()
		require.NoError(t, err, name)
	}
}

func TestMistakesInAList(t *testing.T) {
	_, err := ParsePlist(bytes.NewReader(fixture(t, "mistakes")))
	require.Error(t, err)
	says, err := CheckPlist(bytes.NewReader(fixture(t, "mistakes")))
	require.NoError(t, err)
	for _, want := range []string{
		"key ProgramArgument is not known: launchd ignores it in silence; ProgramArguments is meant",
		"key MachService is not known: launchd ignores it in silence; MachServices is meant",
		"key keepAlive is not known: launchd ignores it in silence; KeepAlive is meant",
		"key Envoironment is not known: launchd ignores it in silence\n",
		"key KeepAlive SuccesfulExit is not known: launchd ignores it in silence; SuccessfulExit is meant",
		`key MachServices "com.example.a" ResetOnClose is not known`,
		`MachServices "com.example.b" is false`,
		"RunAtLoad must be a boolean, not string",
		"ThrottleInterval must be an integer",
		`EnvironmentVariables "A" must be a string, not integer`,
		"launchd has nothing to run",
	} {
		assert.Contains(t, strings.Join(says, "\n")+"\n", want)
	}
}

func TestFindingsThatNeedAWorld(t *testing.T) {
	w := newWorld(t)
	_, err := w.LoadPlist(bytes.NewReader(fixture(t, "account")), System, nil)
	require.NoError(t, err)
	const other = `<key>Label</key><string>%</string><key>Program</key><string>/x</string><key>UserName</key><string>_x</string><key>MachServices</key><dict><key>com.example.keystored</key><true/></dict>`
	check := func(label string, d Domain) string {
		says, err := w.CheckPlist(strings.NewReader(xml(strings.Replace(other, "%", label, 1))), d)
		require.NoError(t, err)
		return strings.Join(says, "\n")
	}
	require.Contains(t, check("com.example.keystored", System), "launchctl bootstrap fails")
	require.Contains(t, check("com.example.second", System), "a name belongs to one job of a domain")
	agent := check("com.example.second", User)
	require.Contains(t, agent, "privileged lookups and all others that one")
	require.Contains(t, agent, "UserName means nothing in gui/501")
	_, err = w.CheckPlist(strings.NewReader("no list"), User)
	require.Error(t, err)
}

// FuzzParsePlist: whatever the file holds, there is a configuration or an error,
// and what is accepted can be loaded.
func FuzzParsePlist(f *testing.F) {
	for name := range fixtures {
		f.Add(fixture(f, name))
	}
	f.Add(fixture(f, "mistakes"))
	f.Add([]byte(xml(agent)))
	f.Add(bomb(3))
	f.Add(bomb(30))
	f.Fuzz(func(t *testing.T, list []byte) {
		_, checkErr := CheckPlist(bytes.NewReader(list))
		cfg, err := ParsePlist(bytes.NewReader(list))
		if err != nil {
			return
		}
		require.NoError(t, checkErr)
		require.NotEmpty(t, cfg.Label)
		cfg.ThrottleInterval, cfg.ExitTimeOut = 0, 0
		w := NewLaunchd()
		if j, err := w.Load(cfg); err == nil {
			require.Equal(t, cfg.Label, j.Label())
		}
		require.NoError(t, w.Close())
	})
}
