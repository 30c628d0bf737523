package fake

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"howett.net/plist"
)

func xml(body string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>` + body + `</dict></plist>`
}

const agent = `<key>Label</key><string>com.example.agent</string>
<key>MachServices</key><dict><key>com.example.b</key><true/><key>com.example.a</key><dict><key>ResetAtClose</key><true/></dict></dict>
<key>ProgramArguments</key><array><string>/usr/local/bin/agent</string><string>-v</string></array>
<key>EnvironmentVariables</key><dict><key>HOME</key><string>/x</string></dict>
<key>ExitTimeOut</key><integer>3</integer>
<key>ThrottleInterval</key><integer>7</integer>
<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict>
<key>EnablePressuredExit</key><true/>`

func TestPropertyListsInXMLAndBinary(t *testing.T) {
	no := false
	want := JobConfig{
		Label: "com.example.agent", MachServices: []string{"com.example.a", "com.example.b"},
		ProgramArguments: []string{"/usr/local/bin/agent", "-v"}, EnvironmentVariables: map[string]string{"HOME": "/x"},
		ExitTimeOut: 3 * time.Second, ThrottleInterval: 7 * time.Second, EnablePressuredExit: true,
		KeepAlive: KeepAlive{SuccessfulExit: &no},
	}
	got, err := ParsePlist(strings.NewReader(xml(agent)))
	require.NoError(t, err)
	require.Equal(t, want, got)

	var v any
	_, err = plist.Unmarshal([]byte(xml(agent)), &v)
	require.NoError(t, err)
	binary, err := plist.Marshal(v, plist.BinaryFormat)
	require.NoError(t, err)
	got, err = ParsePlist(bytes.NewReader(binary))
	require.NoError(t, err)
	require.Equal(t, want, got)
}

func TestPropertyListsThatAreWrong(t *testing.T) {
	for _, c := range []struct{ list, want string }{
		{xml(``), "Label is missing"},
		{xml(`<key>Label</key><integer>3</integer>`), "Label must be a string, not integer"},
		{xml(`<key>Label</key><string>x</string><key>MachServices</key><array/>`), "MachServices must be a dictionary of names, not array"},
		{xml(`<key>Label</key><string>x</string><key>MachServices</key><dict><key>n</key><string>yes</string></dict>`), `MachServices "n" must be true or a dictionary, not string`},
		{xml(`<key>Label</key><string>x</string><key>RunAtLoad</key><string>true</string>`), "RunAtLoad must be a boolean, not string"},
		{xml(`<key>Label</key><string>x</string><key>ExitTimeOut</key><integer>-1</integer>`), "ExitTimeOut must be an integer"},
		{xml(`<key>Label</key><string>x</string><key>KeepAlive</key><integer>1</integer>`), "KeepAlive must be a boolean or a dictionary"},
		{xml(`<key>Label</key><string>x</string><key>ProgramArguments</key><array><integer>1</integer></array>`), "ProgramArguments[0] must be a string"},
		{`{Label = x;}`, "launchd reads XML and binary ones"},
		{`<plist><array/></plist>`, "must be a dictionary, not array"},
		{`<plist><dict>`, "property list"},
		{``, "property list"},
	} {
		_, err := ParsePlist(strings.NewReader(c.list))
		require.ErrorContains(t, err, c.want, c.list)
	}
}

func TestCheckPlistFindsWhatLaunchdWouldIgnore(t *testing.T) {
	list, err := CheckPlist(strings.NewReader(xml(`<key>Label</key><string>x</string><key>MachService</key><dict/><key>runAtLoad</key><true/><key>Colour</key><string>red</string>`)))
	require.NoError(t, err)
	all := strings.Join(list, "\n")
	for _, want := range []string{"key MachService is not known: launchd ignores it in silence; MachServices is meant", "RunAtLoad is meant", "key Colour is not known: launchd ignores it in silence\n", "MachServices is missing", "nothing to run"} {
		require.Contains(t, all+"\n", want)
	}
	list, err = CheckPlist(strings.NewReader(xml(agent)))
	require.NoError(t, err)
	require.Empty(t, list)
}

func TestLoadingWhatIsThereAlready(t *testing.T) {
	w := newWorld(t)
	_, err := w.LoadPlist(strings.NewReader(xml(agent)), User, func(ctx context.Context, p *Process) error {
		require.Equal(t, []string{"/usr/local/bin/agent", "-v"}, p.Arguments())
		require.Equal(t, "/x", p.Environment()["HOME"])
		<-ctx.Done()
		return nil
	})
	require.NoError(t, err)
	_, err = w.LoadPlist(strings.NewReader(xml(agent)), User, nil)
	require.ErrorContains(t, err, "has a job of that label")
	_, err = w.Load(JobConfig{Label: "y", Domain: User, MachServices: []string{"com.example.a"}})
	require.ErrorContains(t, err, `the name "com.example.a" is in MachServices of job com.example.agent already`)
	_, err = w.Load(JobConfig{Label: "y", MachServices: []string{"com.example.a"}})
	require.NoError(t, err, "another domain")
	_, err = w.Load(JobConfig{Label: "z", MachServices: []string{"q", "q"}})
	require.ErrorContains(t, err, "occurs twice")
	_, err = w.Load(JobConfig{})
	require.ErrorContains(t, err, "Label")
}

func TestThrottleAndKeepAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := world{NewLaunchd(), t}
		start := time.Now()
		no := false
		j, err := w.Load(JobConfig{Label: "x", MachServices: []string{echoName}, ThrottleInterval: time.Minute})
		require.NoError(t, err)
		k, err := w.Load(JobConfig{Label: "y", KeepAlive: KeepAlive{SuccessfulExit: &no}})
		require.NoError(t, err)
		launches := func() [2]int { return [2]int{j.Launches(), k.Launches()} }
		require.Equal(t, [2]int{0, 1}, launches())
		r := newRecorder()
		c := w.client(w.process(ProcessConfig{}), mach(echoName), r)
		require.NoError(t, c.Send(body("1")))
		j.Process().Crash()
		r.expect(t, "INTERRUPTED")
		require.NoError(t, c.Send(body("2")))
		k.Process().Crash()
		require.Equal(t, [2]int{1, 1}, launches())
		time.Sleep(10*time.Second + 1)
		require.Equal(t, [2]int{1, 2}, launches())
		k.Process().Exit()
		time.Sleep(50 * time.Second)
		require.Equal(t, [2]int{2, 2}, launches())
		require.Equal(t, time.Minute+1, time.Since(start))
		j.Process().Crash()
		require.NoError(t, c.Send(body("3")))
		j.Unload()
		require.NoError(t, w.Close())
		time.Sleep(time.Hour)
		require.Equal(t, [2]int{2, 2}, launches())
	})
}
