package agent

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"maps"
	"slices"
)

// A Job is what goes into the property list of a launchd job.
type Job struct {
	Label        string
	Arguments    []string
	Environment  map[string]string
	Services     []string
	Stderr       string // file for standard error and output
	Transactions bool   // EnableTransactions
}

// Plist is the job's property list. The job may be launched every second and has
// two to end when told to: the tests kill and launch it many times.
func (j Job) Plist() []byte {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	b.WriteString("<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n")
	b.WriteString("<plist version=\"1.0\">\n<dict>\n")
	text := func(tag, s string) {
		fmt.Fprintf(&b, "<%s>", tag)
		_ = xml.EscapeText(&b, []byte(s))
		fmt.Fprintf(&b, "</%s>\n", tag)
	}
	text("key", "Label")
	text("string", j.Label)
	text("key", "ProgramArguments")
	b.WriteString("<array>\n")
	for _, a := range j.Arguments {
		text("string", a)
	}
	b.WriteString("</array>\n")
	text("key", "MachServices")
	b.WriteString("<dict>\n")
	for _, s := range j.Services {
		text("key", s)
		b.WriteString("<true/>\n")
	}
	b.WriteString("</dict>\n")
	if len(j.Environment) > 0 {
		text("key", "EnvironmentVariables")
		b.WriteString("<dict>\n")
		for _, k := range slices.Sorted(maps.Keys(j.Environment)) {
			text("key", k)
			text("string", j.Environment[k])
		}
		b.WriteString("</dict>\n")
	}
	if j.Stderr != "" {
		for _, k := range []string{"StandardErrorPath", "StandardOutPath"} {
			text("key", k)
			text("string", j.Stderr)
		}
	}
	if j.Transactions {
		text("key", "EnableTransactions")
		b.WriteString("<true/>\n")
	}
	text("key", "ThrottleInterval")
	text("integer", "1")
	text("key", "ExitTimeOut")
	text("integer", "2")
	b.WriteString("</dict>\n</plist>\n")
	return b.Bytes()
}
