package xpc

import (
	"math"
	"os"
	"time"

	"github.com/go-xpc/xpc/internal/wire"
)

// A Getter is a dictionary to read from: a [Dictionary] or a *[Message].
type Getter interface {
	get(key string) (v any, ok bool)
}

func (d Dictionary) get(key string) (any, bool) {
	v, ok := d[key]
	return v, ok
}

// get decodes one value of the message; what cannot be decoded is not there.
func (m *Message) get(key string) (any, bool) {
	v, ok := m.find(key)
	if !ok {
		return nil, false
	}
	x, err := m.decode("Get", v)
	return x, err == nil
}

func (m *Message) find(key string) (wire.Value, bool) {
	body, err := m.contents("Get")
	if err != nil {
		return wire.Value{}, false
	}
	v, err := body.Lookup(key)
	return v, err == nil && !v.IsZero()
}

// Get reads a key as exactly the type T, one of the Go types that messages
// decode to. It is false if the key is missing or its value has another type;
// numbers are not converted into each other. A *os.File belongs to the caller.
func Get[T any](d Getter, key string) (T, bool) {
	v, _ := d.get(key)
	t, ok := v.(T)
	if f, isFile := v.(*os.File); isFile && !ok {
		if _, decoded := d.(*Message); decoded {
			f.Close()
		}
	}
	return t, ok
}

func get[T any](d Getter, key string) T {
	t, _ := Get[T](d, key)
	return t
}

// GetBool reads a bool; it is false if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_bool
func (d Dictionary) GetBool(key string) bool { return get[bool](d, key) }

// GetInt64 reads an int64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_int64
func (d Dictionary) GetInt64(key string) int64 { return get[int64](d, key) }

// GetUint64 reads a uint64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uint64
func (d Dictionary) GetUint64(key string) uint64 { return get[uint64](d, key) }

// GetString reads a string; it is "" if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_string
func (d Dictionary) GetString(key string) string { return get[string](d, key) }

// GetData reads data; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_data
func (d Dictionary) GetData(key string) []byte { return get[[]byte](d, key) }

// GetUUID reads a uuid; it is the zero UUID if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uuid
func (d Dictionary) GetUUID(key string) UUID { return get[UUID](d, key) }

// GetDate reads a date; it is the Unix epoch if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_date
func (d Dictionary) GetDate(key string) time.Time { return dateOr(d, key) }

// GetDouble reads a double; it is NaN if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_double
func (d Dictionary) GetDouble(key string) float64 { return doubleOr(d, key) }

// GetDictionary reads a nested dictionary; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_dictionary
func (d Dictionary) GetDictionary(key string) Dictionary { return get[Dictionary](d, key) }

// GetArray reads a nested array; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_array
func (d Dictionary) GetArray(key string) Array { return get[Array](d, key) }

// GetBool reads a bool; it is false if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_bool
func (m *Message) GetBool(key string) bool { return get[bool](m, key) }

// GetInt64 reads an int64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_int64
func (m *Message) GetInt64(key string) int64 { return get[int64](m, key) }

// GetUint64 reads a uint64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uint64
func (m *Message) GetUint64(key string) uint64 { return get[uint64](m, key) }

// GetString reads a string; it is "" if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_string
func (m *Message) GetString(key string) string { return get[string](m, key) }

// GetData reads data; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_data
func (m *Message) GetData(key string) []byte { return get[[]byte](m, key) }

// GetUUID reads a uuid; it is the zero UUID if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uuid
func (m *Message) GetUUID(key string) UUID { return get[UUID](m, key) }

// GetDate reads a date; it is the Unix epoch if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_date
func (m *Message) GetDate(key string) time.Time { return dateOr(m, key) }

// GetDouble reads a double; it is NaN if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_double
func (m *Message) GetDouble(key string) float64 { return doubleOr(m, key) }

// GetDictionary reads a nested dictionary; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_dictionary
func (m *Message) GetDictionary(key string) Dictionary { return get[Dictionary](m, key) }

// GetArray reads a nested array; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_array
func (m *Message) GetArray(key string) Array { return get[Array](m, key) }

// GetFile takes a descriptor out of the message, anew at each call; the file
// belongs to the caller. It is nil if the key is missing or its value is no fd.
//
// C: xpc_dictionary_dup_fd
func (m *Message) GetFile(key string) *os.File { return get[*os.File](m, key) }

// GetEndpoint reads an endpoint; it is nil if the key is missing or its value has
// another type.
//
// C: xpc_dictionary_create_connection makes the connection at once; here
// [Runtime.NewFromEndpoint] does.
func (m *Message) GetEndpoint(key string) *Endpoint { return get[*Endpoint](m, key) }

func doubleOr(d Getter, key string) float64 {
	if v, ok := Get[float64](d, key); ok {
		return v
	}
	return math.NaN()
}

func dateOr(d Getter, key string) time.Time {
	if v, ok := Get[time.Time](d, key); ok {
		return v
	}
	return fromDateNanos(0)
}
