package fake

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"howett.net/plist"
)

// ParsePlist reads a launchd property list, XML or binary. The domain is not in
// it (it follows from the folder that holds the file), nor is the Main: set both
// in the result. Keys that mean nothing to a pretended job are left out;
// [CheckPlist] finds misspelt ones. An error names the key and the type that it
// must have. A list of more than a megabyte, as a file or expanded, is refused.
func ParsePlist(r io.Reader) (JobConfig, error) {
	dict, err := decodePlist(r)
	if err != nil {
		return JobConfig{}, err
	}
	return configOf(dict)
}

func configOf(dict map[string]any) (JobConfig, error) {
	d := plistReader{dict: dict}
	cfg := JobConfig{
		Label:                read[string](&d, "Label"),
		MachServices:         d.machServices(),
		RunAtLoad:            read[bool](&d, "RunAtLoad"),
		KeepAlive:            d.keepAlive(),
		ThrottleInterval:     d.seconds("ThrottleInterval"),
		EnableTransactions:   read[bool](&d, "EnableTransactions"),
		EnablePressuredExit:  read[bool](&d, "EnablePressuredExit"),
		ExitTimeOut:          d.seconds("ExitTimeOut"),
		ProgramArguments:     d.strings("ProgramArguments"),
		EnvironmentVariables: d.stringMap("EnvironmentVariables"),
		UserName:             read[string](&d, "UserName"),
	}
	if program := read[string](&d, "Program"); program != "" && cfg.ProgramArguments == nil {
		cfg.ProgramArguments = []string{program}
	}
	if cfg.Label == "" {
		d.errs = append(d.errs, errors.New("fake: property list: Label is missing: launchd refuses a job without one"))
	}
	return cfg, errors.Join(d.errs...)
}

// LoadPlist loads a job from its property list, with main in place of its
// program. The domain is System for what lies in LaunchDaemons, User for
// LaunchAgents. Errors are those of [ParsePlist] and [Launchd.Load].
func (w *Launchd) LoadPlist(r io.Reader, d Domain, main Main) (*Job, error) {
	cfg, err := ParsePlist(r)
	if err != nil {
		return nil, err
	}
	cfg.Domain = d
	cfg.Main = main
	return w.Load(cfg)
}

func decodePlist(r io.Reader) (map[string]any, error) {
	data, err := readPlist(r)
	if err != nil {
		return nil, err
	}
	var v any
	if _, err := plist.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("fake: property list: %w", err)
	}
	dict, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("fake: property list: the outermost value must be a dictionary, not %s", plistType(v))
	}
	return dict, nil
}

// plistReader collects what is wrong.
type plistReader struct {
	dict map[string]any
	path string // where dict is
	errs []error
}

func (d *plistReader) wrong(key string, v any, want string) {
	d.errs = append(d.errs, fmt.Errorf("fake: property list: %s%s must be %s, not %s", d.path, key, want, plistType(v)))
}

func read[T bool | string](d *plistReader, key string) (v T) {
	raw, ok := d.dict[key]
	if !ok {
		return v
	}
	v, ok = raw.(T)
	if !ok {
		d.wrong(key, raw, "a "+plistType(v))
	}
	return v
}

func (d *plistReader) seconds(key string) time.Duration {
	raw, ok := d.dict[key]
	if !ok {
		return 0
	}
	switch n := raw.(type) {
	case uint64:
		if n < 1<<31 {
			return time.Duration(n) * time.Second
		}
	case int64:
		// a negative number of seconds is nonsense
	}
	d.wrong(key, raw, "an integer, a number of seconds")
	return 0
}

func (d *plistReader) machServices() []string {
	raw, ok := d.dict["MachServices"]
	if !ok {
		return nil
	}
	names, ok := raw.(map[string]any)
	if !ok {
		d.wrong("MachServices", raw, "a dictionary of names")
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		switch names[name].(type) {
		case bool, map[string]any:
		default:
			d.wrong(fmt.Sprintf("MachServices %q", name), names[name], "true or a dictionary")
		}
	}
	return slices.Sorted(maps.Keys(names))
}

func (d *plistReader) keepAlive() (k KeepAlive) {
	switch v := d.dict["KeepAlive"].(type) {
	case nil:
	case bool:
		k.Always = v
	case map[string]any:
		sub := plistReader{dict: v, path: "KeepAlive "}
		k.SuccessfulExit = sub.optional("SuccessfulExit")
		k.Crashed = sub.optional("Crashed")
		k.NetworkState = sub.optional("NetworkState")
		k.AfterInitialDemand = read[bool](&sub, "AfterInitialDemand")
		k.PathState = sub.boolMap("PathState")
		k.OtherJobEnabled = sub.boolMap("OtherJobEnabled")
		d.errs = append(d.errs, sub.errs...)
	default:
		d.wrong("KeepAlive", v, "a boolean or a dictionary")
	}
	return k
}

func (d *plistReader) optional(key string) *bool {
	if _, ok := d.dict[key]; !ok {
		return nil
	}
	b := read[bool](d, key)
	return &b
}

func (d *plistReader) boolMap(key string) map[string]bool {
	raw, ok := d.dict[key]
	if !ok {
		return nil
	}
	dict, ok := raw.(map[string]any)
	if !ok {
		d.wrong(key, raw, "a dictionary of booleans")
		return nil
	}
	out := make(map[string]bool, len(dict))
	for _, k := range slices.Sorted(maps.Keys(dict)) {
		if out[k], ok = dict[k].(bool); !ok {
			d.wrong(fmt.Sprintf("%s %q", key, k), dict[k], "a boolean")
		}
	}
	return out
}

func (d *plistReader) strings(key string) []string {
	raw, ok := d.dict[key]
	if !ok {
		return nil
	}
	list, ok := raw.([]any)
	if !ok {
		d.wrong(key, raw, "an array of strings")
		return nil
	}
	out := make([]string, len(list))
	for i, v := range list {
		if out[i], ok = v.(string); !ok {
			d.wrong(fmt.Sprintf("%s[%d]", key, i), v, "a string")
		}
	}
	return out
}

func (d *plistReader) stringMap(key string) map[string]string {
	raw, ok := d.dict[key]
	if !ok {
		return nil
	}
	dict, ok := raw.(map[string]any)
	if !ok {
		d.wrong(key, raw, "a dictionary of strings")
		return nil
	}
	out := make(map[string]string, len(dict))
	for k, v := range dict {
		if out[k], ok = v.(string); !ok {
			d.wrong(fmt.Sprintf("%s %q", key, k), v, "a string")
		}
	}
	return out
}

func plistType(v any) string {
	switch v.(type) {
	case bool:
		return "boolean"
	case string:
		return "string"
	case uint64, int64:
		return "integer"
	case float64:
		return "real number"
	case []any:
		return "array"
	case map[string]any:
		return "dictionary"
	case []byte:
		return "data"
	case time.Time:
		return "date"
	}
	return fmt.Sprintf("%T", v)
}
