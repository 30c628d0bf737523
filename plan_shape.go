package xpc

import (
	"reflect"

	"github.com/go-xpc/xpc/internal/wire"
)

// shape is what the memory of a plain field looks like: one that is a single value
// of libxpc's. Methods that its type may have are the caller's to ask for.
type shape uint8

// Those of fixed size come first, and of these the ones of 8 bytes last.
const (
	shapeless shape = iota
	shapeBool
	shapeInt8
	shapeInt16
	shapeInt32
	shapeUint8
	shapeUint16
	shapeUint32
	shapeFloat32
	shapeUUID
	shape64
	shapeData
	shapeString
	shapeTime
)

// shapeOf gives the shape of a type, and the tag of what it is sent as.
func shapeOf(t reflect.Type) (shape, wire.Tag) {
	switch {
	case t == typeTime:
		return shapeTime, wire.Date
	case isUUID(t):
		return shapeUUID, wire.UUID
	case isLeaf(t):
		return shapeless, 0
	}
	signed := map[uintptr]shape{1: shapeInt8, 2: shapeInt16, 4: shapeInt32, 8: shape64}
	unsigned := map[uintptr]shape{1: shapeUint8, 2: shapeUint16, 4: shapeUint32, 8: shape64}
	switch t.Kind() {
	case reflect.Bool:
		return shapeBool, wire.True
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return signed[t.Size()], wire.Int64
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return unsigned[t.Size()], wire.Uint64
	case reflect.Float32:
		return shapeFloat32, wire.Double
	case reflect.Float64:
		return shape64, wire.Double
	case reflect.String:
		return shapeString, wire.String
	case reflect.Slice:
		if isByte(t.Elem()) {
			return shapeData, wire.Data
		}
	}
	return shapeless, 0
}
