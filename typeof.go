package xpc

import (
	"os"
	"reflect"
	"time"

	"github.com/go-xpc/xpc/internal/wire"
)

// TypeOf gives libxpc's name of the type as which a Go value is sent: "null",
// "bool", "int64", "uint64", "double", "date", "data", "string", "uuid", "fd",
// "shmem", "array", "dictionary" or "endpoint", the name in an [Unsupported], and
// "" for what cannot be sent.
//
// C: xpc_get_type and xpc_type_get_name,
// https://developer.apple.com/documentation/xpc/1505939-xpc_get_type
func TypeOf(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case bool:
		return "bool"
	case int64, int, int32, int16, int8:
		return "int64"
	case uint64, uint, uint32, uint16, uint8:
		return "uint64"
	case float64, float32:
		return "double"
	case string:
		return "string"
	case []byte:
		return "data"
	case time.Time:
		return "date"
	case UUID:
		return "uuid"
	case FD:
		return "fd"
	case *os.File:
		return named("fd", v != nil)
	case *Endpoint:
		return named("endpoint", v != nil)
	case *SharedMemory:
		return named("shmem", v != nil)
	case Unsupported:
		return v.Type
	case *Message:
		return named("dictionary", v != nil)
	case *Reply:
		return named("dictionary", v != nil)
	case Dictionary, map[string]any:
		return "dictionary"
	case Array, []any:
		return "array"
	}
	if p := planOf(reflect.TypeOf(v)); p.xpc != "" {
		return p.xpc
	}
	name := ""
	if err := local(v, func(_ *decoder, w wire.Value) error {
		name = w.Tag().String()
		if w.Tag() == wire.Unsupported {
			name = string(w.TypeName())
		}
		return nil
	}); err != nil {
		return ""
	}
	return name
}

func named(name string, ok bool) string {
	if ok {
		return name
	}
	return ""
}
