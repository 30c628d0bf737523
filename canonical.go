package xpc

import (
	"os"
	"time"

	"github.com/go-xpc/xpc/internal/wire"
)

// closed gives v as the type that it decodes to, as long as a look at it is
// enough: its own elements stay as they are. It is false for structs, named types
// and the like.
func closed(v any) (any, bool) {
	switch v := v.(type) {
	case nil, bool, int64, uint64, float64, string, []byte, time.Time, UUID, *os.File, FD,
		*Endpoint, *SharedMemory, Dictionary, Array, Unsupported:
		return v, true
	case int:
		return int64(v), true
	case int32:
		return int64(v), true
	case int16:
		return int64(v), true
	case int8:
		return int64(v), true
	case uint:
		return uint64(v), true
	case uint32:
		return uint64(v), true
	case uint16:
		return uint64(v), true
	case uint8:
		return uint64(v), true
	case float32:
		return float64(v), true
	case map[string]any:
		return Dictionary(v), true
	case []any:
		return Array(v), true
	case *Reply:
		if v != nil {
			return v.Dictionary, true
		}
	}
	return v, false
}

// canonical gives v in the types that messages decode to, all the way down.
func canonical(v any) (out any, err error) {
	err = local(v, func(d *decoder, w wire.Value) error {
		out, err = d.value(w)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// look gives v as closed does, or by way of its flat form. It is false for what
// cannot be sent.
func look(v any) (any, bool) {
	if c, ok := closed(v); ok {
		return c, true
	}
	c, err := canonical(v)
	return c, err == nil
}
