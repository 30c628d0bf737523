package xpc

import (
	"os"
	"time"
)

// The typed getters below give libxpc's defaults (rows 291 and 293) and never
// convert; [Get] also tells a missing value from a zero one.

// GetBool reads a bool; it is false if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_bool
func (d Dictionary) GetBool(key string) bool { return first(Get[bool](d, key)) }

// GetInt64 reads an int64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_int64
func (d Dictionary) GetInt64(key string) int64 { return first(Get[int64](d, key)) }

// GetUint64 reads a uint64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uint64
func (d Dictionary) GetUint64(key string) uint64 { return first(Get[uint64](d, key)) }

// GetDouble reads a double; it is NaN if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_double
func (d Dictionary) GetDouble(key string) float64 { return doubleOr(Get[float64](d, key)) }

// GetDate reads a date; it is the Unix epoch if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_date
func (d Dictionary) GetDate(key string) time.Time { return dateOr(Get[time.Time](d, key)) }

// GetString reads a string; it is "" if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_string
func (d Dictionary) GetString(key string) string { return first(Get[string](d, key)) }

// GetData reads data; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_data
func (d Dictionary) GetData(key string) []byte { return first(Get[[]byte](d, key)) }

// GetUUID reads a uuid; it is the zero UUID if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uuid
func (d Dictionary) GetUUID(key string) UUID { return first(Get[UUID](d, key)) }

// GetDictionary reads a nested dictionary; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_dictionary
func (d Dictionary) GetDictionary(key string) Dictionary { return first(Get[Dictionary](d, key)) }

// GetArray reads a nested array; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_array
func (d Dictionary) GetArray(key string) Array { return first(Get[Array](d, key)) }

// GetFile gives the file that is in the dictionary, which stays in it; it is nil
// if the key is missing or its value is none.
//
// C: xpc_dictionary_dup_fd
func (d Dictionary) GetFile(key string) *os.File { return first(Get[*os.File](d, key)) }

// GetEndpoint reads an endpoint; it is nil if the key is missing or its value has
// another type.
//
// C: xpc_dictionary_create_connection makes the connection at once; here
// [Runtime.NewFromEndpoint] does.
func (d Dictionary) GetEndpoint(key string) *Endpoint { return first(Get[*Endpoint](d, key)) }

// GetSharedMemory reads shared memory; it is nil if the key is missing or its
// value has another type.
//
// C: xpc_dictionary_get_value
func (d Dictionary) GetSharedMemory(key string) *SharedMemory {
	return first(Get[*SharedMemory](d, key))
}
