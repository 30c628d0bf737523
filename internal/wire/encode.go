package wire

import (
	"encoding/binary"
	"math"
	"slices"
)

// Encoder appends values to Buf. It does not check that calls nest; the callers
// are the two encoders of package xpc.
type Encoder struct {
	Buf []byte
}

func (e *Encoder) Null() { e.Buf = append(e.Buf, byte(Null)) }

func (e *Encoder) Bool(v bool) {
	if v {
		e.Buf = append(e.Buf, byte(True))
	} else {
		e.Buf = append(e.Buf, byte(False))
	}
}

func (e *Encoder) Int64(v int64)       { e.fixed(Int64, uint64(v)) }
func (e *Encoder) Uint64(v uint64)     { e.fixed(Uint64, v) }
func (e *Encoder) Double(v float64)    { e.fixed(Double, math.Float64bits(v)) }
func (e *Encoder) DoubleBits(v uint64) { e.fixed(Double, v) }
func (e *Encoder) Date(ns int64)       { e.fixed(Date, uint64(ns)) }

func (e *Encoder) fixed(t Tag, v uint64) {
	e.Buf = append(e.Buf, byte(t), byte(v), byte(v>>8), byte(v>>16), byte(v>>24),
		byte(v>>32), byte(v>>40), byte(v>>48), byte(v>>56)) // one check, one store
}

// AppendText appends what follows the tag of a string, which must not hold a NUL.
func AppendText(buf []byte, v string) []byte {
	i, n := len(buf), len(v)
	buf = slices.Grow(buf, n+5)[:i+n+5]
	binary.LittleEndian.PutUint32(buf[i:], uint32(n))
	copy(buf[i+4:], v)
	buf[i+4+n] = 0
	return buf
}

// Data appends bytes in place; BigData refers to a resource.
func (e *Encoder) Data(v []byte) {
	e.Buf = append(e.Buf, byte(Data))
	e.Buf = binary.LittleEndian.AppendUint32(e.Buf, uint32(len(v)))
	e.Buf = append(e.Buf, v...)
}

func (e *Encoder) BigData(index int, length int) {
	e.resource(BigData, index)
	e.Buf = binary.LittleEndian.AppendUint64(e.Buf, uint64(length))
}

// String appends a string, which must not hold a NUL.
func (e *Encoder) String(v string) {
	e.Buf = append(e.Buf, byte(String))
	e.text(v)
}

func (e *Encoder) UUID(v [16]byte) {
	e.Buf = append(e.Buf, byte(UUID))
	e.Buf = append(e.Buf, v[:]...)
}

func (e *Encoder) FD(index int)           { e.resource(FD, index) }
func (e *Encoder) SharedMemory(index int) { e.resource(SharedMemory, index) }
func (e *Encoder) Endpoint(index int)     { e.resource(Endpoint, index) }

func (e *Encoder) resource(t Tag, index int) {
	e.Buf = append(e.Buf, byte(t))
	e.Buf = binary.LittleEndian.AppendUint32(e.Buf, uint32(index))
}

// Begin opens an array or a dictionary and returns what End needs.
func (e *Encoder) Begin(t Tag) int {
	e.Buf = append(e.Buf, byte(t), 0, 0, 0, 0, 0, 0, 0, 0)
	return len(e.Buf)
}

// Key appends the key of the entry whose value comes next.
func (e *Encoder) Key(k string) { e.text(k) }

// KeyBytes is Key for a key that was read from another buffer.
func (e *Encoder) KeyBytes(k []byte) {
	e.Buf = binary.LittleEndian.AppendUint32(e.Buf, uint32(len(k)))
	e.Buf = append(e.Buf, k...)
	e.Buf = append(e.Buf, 0)
}

// AppendKey gives the encoded form of a key, to be made once and appended often.
func AppendKey(buf []byte, k string) []byte {
	e := Encoder{Buf: buf}
	e.Key(k)
	return e.Buf
}

// End closes the container that Begin opened, with the number of its elements.
func (e *Encoder) End(mark, count int) {
	binary.LittleEndian.PutUint32(e.Buf[mark-8:], uint32(len(e.Buf)-mark))
	binary.LittleEndian.PutUint32(e.Buf[mark-4:], uint32(count))
}

// Error and Unsupported stand for what was received and cannot be sent.
func (e *Encoder) Error(text string) {
	e.Buf = append(e.Buf, byte(Error))
	e.text(text)
}

func (e *Encoder) Unsupported(typeName, description string) {
	e.Buf = append(e.Buf, byte(Unsupported))
	e.text(typeName)
	e.text(description)
}

func (e *Encoder) text(v string) { e.Buf = AppendText(e.Buf, v) }
