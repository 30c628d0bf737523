package xpctest_test

import (
	"strings"
	"testing"

	"github.com/go-xpc/xpc/xpctest"
	"github.com/stretchr/testify/assert"
)

// Every row of scope api has one case, or an absence with its reason.
func TestEveryRow(t *testing.T) {
	rows, absent := xpctest.Rows(), xpctest.Absent()
	assert.Len(t, rows, 292)
	cases := map[int]xpctest.Case{}
	names := map[string]bool{}
	for _, c := range xpctest.Cases() {
		_, twice := cases[c.Row]
		assert.False(t, twice, "row %d has two cases", c.Row)
		cases[c.Row] = c
		assert.Equal(t, "api", rows[c.Row].Scope, "row %d", c.Row)
		assert.Equal(t, rows[c.Row].Title, strings.ReplaceAll(c.Name, "_", " "), "row %d", c.Row)
		assert.NotEmpty(t, c.Says, "row %d", c.Row)
		assert.False(t, names[c.Name], "the name %s is there twice", c.Name)
		names[c.Name] = true
	}
	covered := map[string]int{}
	total := map[string]int{}
	for n, r := range rows {
		assert.NotEmpty(t, r.Title, "row %d", n)
		assert.NotEqual(t, "TODO", r.Title, "row %d", n)
		assert.Contains(t, []string{"exactly", "partly", "not"}, r.Kind, "row %d", n)
		_, isCase := cases[n]
		a, isAbsent := absent[n]
		if r.Scope != "api" {
			assert.False(t, isCase || isAbsent, "row %d is of scope %s", n, r.Scope)
			continue
		}
		total[r.Kind]++
		assert.True(t, isCase != isAbsent, "row %d has no case and no reason, or both", n)
		if isCase {
			covered[r.Kind]++
			continue
		}
		assert.Equal(t, r.Title, a.Title, "row %d", n)
		assert.NotEmpty(t, a.Why, "row %d", n)
	}
	t.Logf("rows of scope api with a case: exactly %d of %d, partly %d of %d, not %d of %d", covered["exactly"], total["exactly"],
		covered["partly"], total["partly"], covered["not"], total["not"])
}
