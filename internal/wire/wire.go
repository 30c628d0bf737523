// Package wire is the flat form of a message: one buffer that crosses between
// Go and C, or between two processes of the fake, in one step.
//
// The form is private to this module and to one machine: integers are little
// endian, as on every system that libxpc runs on. bridge.m holds the other
// half of it.
//
//	value  = tag payload
//	tag    = one byte, see Tag
//	int64, uint64, double, date: 8 bytes
//	uuid: 16 bytes
//	data: u32 length, bytes
//	string, error: u32 length, bytes, NUL
//	unsupported: two strings, the type's name and a description
//	fd, shmem, endpoint: u32 index of a resource
//	big data: u32 index of a resource, u64 length
//	array: u32 size of the elements in bytes, u32 count, elements
//	dictionary: u32 size of the entries in bytes, u32 count, entries
//	entry  = key value; key = u32 length, bytes, NUL
//
// Keys and strings carry their NUL so that C can use them in place. Resources
// are numbered in the order in which they occur.
package wire

import "fmt"

// Tag tells what a value is.
type Tag uint8

const (
	Null Tag = iota + 1
	False
	True
	Int64
	Uint64
	Double
	Date
	Data
	String
	UUID
	FD
	SharedMemory
	Array
	Dictionary
	Endpoint
	BigData
	Error
	Unsupported
)

var names = [...]string{
	Null: "null", False: "bool", True: "bool", Int64: "int64", Uint64: "uint64",
	Double: "double", Date: "date", Data: "data", String: "string", UUID: "uuid",
	FD: "fd", SharedMemory: "shmem", Array: "array", Dictionary: "dictionary",
	Endpoint: "endpoint", BigData: "data", Error: "error", Unsupported: "unsupported",
}

// String gives libxpc's name of the type.
func (t Tag) String() string {
	if int(t) < len(names) && names[t] != "" {
		return names[t]
	}
	return fmt.Sprintf("tag %d", uint8(t))
}

// BigDataSize is the length from which data travels as a resource, copied once,
// instead of in the buffer.
const BigDataSize = 64 << 10

// Limits bound what is encoded and decoded.
type Limits struct {
	Depth int // nested containers, the outermost included
	Size  int // bytes of the buffer; big data does not count
}

// DefaultLimits are far above what services send, and far below what would
// exhaust a stack.
var DefaultLimits = Limits{Depth: 128, Size: 256 << 20}

// MaxDepth is the deepest that a limit may be set to. C recurses to it, at some
// 700 bytes a level with libxpc's own part, on stacks of half a megabyte, and
// the sender chooses how far.
const MaxDepth = 256

// FormatError is a buffer that breaks the form.
type FormatError struct {
	Rule string
}

func (e *FormatError) Error() string { return "xpc: malformed message: " + e.Rule }
