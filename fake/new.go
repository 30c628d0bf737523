package fake

// TB is the part of testing.TB that this package uses.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(func())
	Failed() bool
	Errorf(format string, args ...any)
	Logf(format string, args ...any)
}

// New makes a world for a test, which ends with it. The test fails if something
// was left over, see [ReportLeaks], and shows the end of the log, and the seed of
// a shuffled order, if it fails.
func New(t TB, opts ...Option) *Launchd {
	t.Helper()
	w := NewLaunchd(append([]Option{ReportLeaks()}, opts...)...)
	t.Cleanup(func() {
		t.Helper()
		if err := w.Close(); err != nil {
			t.Errorf("%v", err)
		}
		if !t.Failed() {
			return
		}
		t.Logf("fake: the last events:\n%s", w.tail(40))
		for _, s := range w.Findings() {
			t.Logf("fake: %s", s)
		}
		if s := w.Seed(); s != 0 {
			t.Logf("fake: something was left to chance; replay it with %s=%d", SeedVariable, s)
		}
	})
	return w
}
