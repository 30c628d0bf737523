package xpc

import (
	"os"
	"time"
)

// The typed getters below are those of [Dictionary]. Each decodes one value and
// passes over the rest; after the message's release they give the default.

// GetBool reads a bool; it is false if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_bool
func (m *Message) GetBool(key string) bool { return first(Get[bool](m, key)) }

// GetInt64 reads an int64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_int64
func (m *Message) GetInt64(key string) int64 { return first(Get[int64](m, key)) }

// GetUint64 reads a uint64; it is 0 if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uint64
func (m *Message) GetUint64(key string) uint64 { return first(Get[uint64](m, key)) }

// GetDouble reads a double; it is NaN if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_double
func (m *Message) GetDouble(key string) float64 { return doubleOr(Get[float64](m, key)) }

// GetDate reads a date; it is the Unix epoch if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_date
func (m *Message) GetDate(key string) time.Time { return dateOr(Get[time.Time](m, key)) }

// GetString reads a string; it is "" if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_string
func (m *Message) GetString(key string) string { return first(Get[string](m, key)) }

// GetData reads data; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_data
func (m *Message) GetData(key string) []byte { return first(Get[[]byte](m, key)) }

// GetUUID reads a uuid; it is the zero UUID if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_uuid
func (m *Message) GetUUID(key string) UUID { return first(Get[UUID](m, key)) }

// GetDictionary reads a nested dictionary; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_dictionary
func (m *Message) GetDictionary(key string) Dictionary { return first(Get[Dictionary](m, key)) }

// GetArray reads a nested array; it is nil if the key is missing or its value has another type.
//
// C: xpc_dictionary_get_array
func (m *Message) GetArray(key string) Array { return first(Get[Array](m, key)) }

// GetFile takes a descriptor out of the message, anew at each call; the file
// belongs to the caller. It is nil if the key is missing or its value is no fd.
//
// C: xpc_dictionary_dup_fd
func (m *Message) GetFile(key string) *os.File { return first(Get[*os.File](m, key)) }

// GetEndpoint reads an endpoint; it is nil if the key is missing or its value has
// another type.
//
// C: xpc_dictionary_create_connection makes the connection at once; here
// [Runtime.NewFromEndpoint] does.
func (m *Message) GetEndpoint(key string) *Endpoint { return first(Get[*Endpoint](m, key)) }

// GetSharedMemory reads shared memory; it is nil if the key is missing or its
// value has another type.
//
// C: xpc_dictionary_get_value
func (m *Message) GetSharedMemory(key string) *SharedMemory {
	return first(Get[*SharedMemory](m, key))
}
