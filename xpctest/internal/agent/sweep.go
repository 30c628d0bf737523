package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	labelPrefix = "com.github.go-xpc.xpctest."
	dirPrefix   = "xpctest-agent-"
)

// A Place is where one run keeps its property lists, sockets and logs. Its name
// and the labels of its jobs hold the process id of the owner.
type Place struct {
	Dir    string
	Labels string // what the labels of its jobs start with
	Domain string
	run    Runner
}

// NewPlace makes the place of process pid in temp.
func NewPlace(run Runner, temp, domain string, pid int) (*Place, error) {
	dir, err := os.MkdirTemp(temp, fmt.Sprintf("%s%d-", dirPrefix, pid))
	if err != nil {
		return nil, err
	}
	// As a file name of its own it tells the runs of one process apart.
	suffix := strings.TrimPrefix(filepath.Base(dir), fmt.Sprintf("%s%d-", dirPrefix, pid))
	p := &Place{Dir: dir, Labels: fmt.Sprintf("%s%d.%s.", labelPrefix, pid, suffix), Domain: domain, run: run}
	return p, os.WriteFile(filepath.Join(dir, "domain"), []byte(domain), 0o600)
}

// OpenPlace finds the place of a run that may be over.
func OpenPlace(run Runner, dir string) (*Place, error) {
	domain, err := os.ReadFile(filepath.Join(dir, "domain"))
	return &Place{Dir: dir, Domain: string(domain), run: run}, err
}

// Clear boots the place's jobs out and removes its files. A job that launchd
// keeps is an error, and its property list stays.
func (p *Place) Clear(ctx context.Context) error {
	plists, err := filepath.Glob(filepath.Join(p.Dir, "*.plist"))
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range plists {
		label := strings.TrimSuffix(filepath.Base(f), ".plist")
		if err := Bootout(ctx, p.run, p.Domain, label); err != nil {
			errs = append(errs, err)
		}
	}
	if len(errs) == 0 {
		errs = append(errs, os.RemoveAll(p.Dir))
	}
	return errors.Join(errs...)
}

// Sweep clears what runs have left behind whose owner is not alive any more, and
// tells what it was.
func Sweep(ctx context.Context, run Runner, temp, domain string, alive func(pid int) bool) ([]string, error) {
	var swept []string
	var errs []error
	dirs, err := filepath.Glob(filepath.Join(temp, dirPrefix+"*"))
	errs = append(errs, err)
	for _, dir := range dirs {
		pid, ok := ownerOf(dir, dirPrefix)
		if !ok || alive(pid) {
			continue
		}
		p, err := OpenPlace(run, dir)
		if err != nil { // it ended before it had a job
			p.Domain = domain
		}
		errs = append(errs, p.Clear(ctx))
		swept = append(swept, dir)
	}
	labels, err := Labels(ctx, run, labelPrefix)
	errs = append(errs, err)
	for _, label := range labels {
		if pid, ok := ownerOf(label, labelPrefix); ok && !alive(pid) {
			errs = append(errs, Bootout(ctx, run, domain, label))
			swept = append(swept, label)
		}
	}
	return swept, errors.Join(errs...)
}
