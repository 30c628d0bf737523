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
	var out []string
	for _, key := range slices.Sorted(maps.Keys(dict)) {
		if slices.Contains(plistKeys, key) {
			continue
		}
		advice := ""
		if near := nearest(key); near != "" {
			advice = fmt.Sprintf("; %s is meant, perhaps", near)
		}
		out = append(out, fmt.Sprintf("key %s is not known: launchd ignores it in silence%s", key, advice))
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
	return out, nil
}

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
func nearest(key string) (best string) {
	least := 3 // edits
	for _, k := range plistKeys {
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
