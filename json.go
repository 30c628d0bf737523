package xpc

import "encoding/json"

// JSON carries a value as JSON in data, as some services do (apple/container
// among them). It may stand wherever a value may: in a field, in a [Dictionary],
// as the type of [Get].
//
//	type Reply struct {
//		Containers xpc.JSON[[]Container] `xpc:"containers"`
//	}
type JSON[T any] struct {
	Value T
}

// MarshalXPC gives the data.
func (j JSON[T]) MarshalXPC() (any, error) { return json.Marshal(j.Value) }

// UnmarshalXPC reads the data.
func (j *JSON[T]) UnmarshalXPC(v any) error {
	b, ok := v.([]byte)
	if !ok {
		return fail("wanted data with JSON, got %s", TypeOf(v))
	}
	return json.Unmarshal(b, &j.Value)
}
