//go:build cgo && xpcstandin

package xpc

import (
	"reflect"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
)

// Where a narrow field does not fit no other is stored: the plan, which comes next,
// leaves what stands behind it in the message as it was.
func TestNothingIsStoredBesideAMisfit(t *testing.T) {
	type narrow struct {
		B int64
		S string
		A int8
	}
	d := planOf(reflect.TypeFor[narrow]()).direct
	text := []byte("text")
	for value, fits := range map[uint64]bool{127: true, 300: false} {
		var r reading
		r.values[0] = fieldValue{value: value, found: 1}
		r.values[1] = fieldValue{value: 5, found: 1}
		r.values[2] = fieldValue{length: uint32(len(text)), found: 1}
		*(**byte)(unsafe.Pointer(&r.values[2].value)) = &text[0]
		var out, want narrow
		if fits {
			want = narrow{5, "text", 127}
		}
		assert.Equal(t, fits, d.store(&r, len(text), unsafe.Pointer(&out)))
		assert.Equal(t, want, out)
	}
}
