package fake

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// CheckPlist reads a launchd property list and tells what launchd would make of
// what is wrong with it: keys that it does not know, and would ignore in
// silence, and values of the wrong type. The list is empty if all is well; the
// error is about what is no property list at all.
func CheckPlist(r io.Reader) ([]string, error) {
	dict, err := decodePlist(r)
	if err != nil {
		return nil, err
	}
	return findingsOf(dict), nil
}

// CheckPlist is the function of that name, and looks also at what only a world
// can tell: whether the domain has the label or one of the names already, and what
// launchd does not do there. The job need not be loaded.
func (w *Launchd) CheckPlist(r io.Reader, d Domain) ([]string, error) {
	dict, err := decodePlist(r)
	if err != nil {
		return nil, err
	}
	out := findingsOf(dict)
	cfg, _ := configOf(dict)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hasJob(d, cfg.Label) {
		out = append(out, fmt.Sprintf("Label %q is that of a job in %s: launchctl bootstrap fails until that job is booted out", cfg.Label, d))
	}
	for _, name := range cfg.MachServices {
		if e := w.domains[d][name]; e != nil && e.job.cfg.Label != cfg.Label {
			out = append(out, fmt.Sprintf("the name %q is in MachServices of job %s, too: a name belongs to one job of a domain, the one that was loaded first", name, e.job.cfg.Label))
		}
		if d != System && w.domains[System][name] != nil {
			out = append(out, fmt.Sprintf("the name %q is declared in %s, too: processes in %s find this job, privileged lookups and all others that one", name, System, d))
		}
	}
	if cfg.UserName != "" && d != System {
		out = append(out, fmt.Sprintf("UserName means nothing in %s: launchd runs the agent as the user whose domain it is", d))
	}
	return out, nil
}

// findingsOf looks at the list alone.
func findingsOf(dict map[string]any) (out []string) {
	out = unknownKeys(dict, "key ", plistKeys)
	if k, ok := dict["KeepAlive"].(map[string]any); ok {
		out = append(out, unknownKeys(k, "key KeepAlive ", keepAliveKeys)...)
		if _, ok := k["NetworkState"]; ok {
			out = append(out, "KeepAlive NetworkState is no longer implemented: launchd does not start the job for it")
		}
		if len(k) == 0 {
			out = append(out, "KeepAlive is an empty dictionary: no condition ever holds, and the job is not kept alive")
		}
	}
	services, _ := dict["MachServices"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		switch v := services[name].(type) {
		case bool:
			if !v {
				out = append(out, fmt.Sprintf("MachServices %q is false: only true and a dictionary mean something; leave the name out if the job has not got it", name))
			}
		case map[string]any:
			out = append(out, unknownKeys(v, fmt.Sprintf("key MachServices %q ", name), machServiceKeys)...)
		}
	}
	if _, ok := dict["OnDemand"]; ok {
		out = append(out, "OnDemand is deprecated: KeepAlive says the same the other way round")
	}
	if _, err := configOf(dict); err != nil {
		out = append(out, strings.Split(err.Error(), "\n")...)
	}
	if dict["MachServices"] == nil {
		out = append(out, "MachServices is missing: the job has no name that a client could connect to")
	}
	if dict["Program"] == nil && dict["ProgramArguments"] == nil && dict["BundleProgram"] == nil {
		out = append(out, "Program and ProgramArguments are missing: launchd has nothing to run")
	}
	return out
}

func unknownKeys(dict map[string]any, what string, known []string) (out []string) {
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		if slices.Contains(known, key) {
			continue
		}
		advice := ""
		if near := nearest(key, known); near != "" {
			advice = fmt.Sprintf("; %s is meant, perhaps", near)
		}
		out = append(out, fmt.Sprintf("%s%s is not known: launchd ignores it in silence%s", what, key, advice))
	}
	return out
}

var keepAliveKeys = []string{"SuccessfulExit", "Crashed", "NetworkState", "PathState", "OtherJobEnabled", "AfterInitialDemand"}

var machServiceKeys = []string{"ResetAtClose", "HideUntilCheckIn"}

// plistKeys are those of launchd.plist(5).
var plistKeys = []string{
	"AbandonProcessGroup", "AssociatedBundleIdentifiers", "BundleProgram", "Debug", "Disabled", "EnableGlobbing",
	"EnablePressuredExit", "EnableTransactions", "EnvironmentVariables", "ExitTimeOut", "GroupName",
	"HardResourceLimits", "InitGroups", "KeepAlive", "Label", "LaunchEvents", "LaunchOnlyOnce", "LegacyTimers",
	"LimitLoadFromHosts", "LimitLoadToHardware", "LimitLoadFromHardware", "LimitLoadToHosts",
	"LimitLoadToSessionType", "LowPriorityBackgroundIO", "LowPriorityIO", "MachServices", "MaterializeDatalessFiles",
	"Nice", "OnDemand", "ProcessType", "Program", "ProgramArguments", "QueueDirectories", "RootDirectory",
	"RunAtLoad", "SessionCreate", "SoftResourceLimits", "Sockets", "SpawnConstraint", "StandardErrorPath", "StandardInPath",
	"StandardOutPath", "StartCalendarInterval", "StartInterval", "StartOnMount", "ThrottleInterval", "TimeOut",
	"Umask", "UserName", "WaitForDebugger", "WatchPaths", "WorkingDirectory", "inetdCompatibility",
}

// nearest is the known key that a misspelt one is closest to, if it is close.
func nearest(key string, known []string) (best string) {
	least := 3 // edits
	for _, k := range known {
		if strings.EqualFold(k, key) {
			return k
		}
		if d := distance(k, key); d < least {
			least, best = d, k
		}
	}
	return best
}

// distance counts the edits between two words (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			edit := diagonal
			if a[i] != b[j] {
				edit = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], edit
		}
	}
	return row[len(b)]
}
