package xpc

import (
	"math"
	"os"
	"time"
)

// The typed getters below give libxpc's defaults for another type (rows 281 and
// 282), and also for an index out of range, which libxpc leaves undefined.

// GetBool reads a bool; it is false for another type, and for an index out of range.
//
// C: xpc_array_get_bool
func (a Array) GetBool(i int) bool { return first(element[bool](a, i)) }

// GetInt64 reads an int64; it is 0 for another type, and for an index out of range.
//
// C: xpc_array_get_int64
func (a Array) GetInt64(i int) int64 { return first(element[int64](a, i)) }

// GetUint64 reads a uint64; it is 0 for another type, and for an index out of range.
//
// C: xpc_array_get_uint64
func (a Array) GetUint64(i int) uint64 { return first(element[uint64](a, i)) }

// GetDouble reads a double; it is NaN for another type, and for an index out of range.
//
// C: xpc_array_get_double
func (a Array) GetDouble(i int) float64 { return doubleOr(element[float64](a, i)) }

// GetDate reads a date; it is the Unix epoch for another type, and for an index out of range.
//
// C: xpc_array_get_date
func (a Array) GetDate(i int) time.Time { return dateOr(element[time.Time](a, i)) }

// GetString reads a string; it is "" for another type, and for an index out of range.
//
// C: xpc_array_get_string
func (a Array) GetString(i int) string { return first(element[string](a, i)) }

// GetData reads data; it is nil for another type, and for an index out of range.
//
// C: xpc_array_get_data
func (a Array) GetData(i int) []byte { return first(element[[]byte](a, i)) }

// GetUUID reads a uuid; it is the zero UUID for another type, and for an index out of range.
//
// C: xpc_array_get_uuid
func (a Array) GetUUID(i int) UUID { return first(element[UUID](a, i)) }

// GetDictionary reads a nested dictionary; it is nil for another type, and for an index out of range.
//
// C: xpc_array_get_dictionary
func (a Array) GetDictionary(i int) Dictionary { return first(element[Dictionary](a, i)) }

// GetArray reads a nested array; it is nil for another type, and for an index out of range.
//
// C: xpc_array_get_array
func (a Array) GetArray(i int) Array { return first(element[Array](a, i)) }

// GetFile gives the file at an index, which stays in the array; it is nil for
// another type, and for an index out of range.
//
// C: xpc_array_dup_fd
func (a Array) GetFile(i int) *os.File { return first(element[*os.File](a, i)) }

// GetEndpoint reads an endpoint; it is nil for another type, and for an index out
// of range.
//
// C: xpc_array_create_connection makes the connection at once; here
// [Runtime.NewFromEndpoint] does.
func (a Array) GetEndpoint(i int) *Endpoint { return first(element[*Endpoint](a, i)) }

func element[T any](a Array, i int) (t T, ok bool) {
	if i < 0 || i >= len(a) {
		return t, false
	}
	return value[T](a[i])
}

func first[T any](t T, _ bool) T { return t }

func doubleOr(f float64, ok bool) float64 {
	if !ok {
		return math.NaN()
	}
	return f
}

func dateOr(t time.Time, ok bool) time.Time {
	if !ok {
		return fromDateNanos(0)
	}
	return t
}
