package xpc

import (
	"github.com/go-xpc/xpc/driver"
	"github.com/go-xpc/xpc/internal/wire"
)

// What the tests of the codec need of the inside.

// Flatten encodes as a send does. What it gives is valid until free.
func Flatten(v any) (p *driver.Payload, free func(), err error) {
	e := newEncoder(wire.DefaultLimits)
	if err := e.message("SendMessage", v); err != nil {
		e.free()
		return nil, nil, err
	}
	return &e.payload, e.free, nil
}

// EncodeWithin encodes under other limits.
func EncodeWithin(v any, lim wire.Limits) error {
	e := newEncoder(lim)
	defer e.free()
	return e.message("SendMessage", v)
}

// EncodeOnce encodes as a send does, and throws the result away.
func EncodeOnce(v any) error {
	e := newEncoder(wire.DefaultLimits)
	defer e.free()
	return e.message("SendMessage", v)
}

// Received makes the message that a payload arrives as. It is to be released.
func Received(d driver.Message) *Message { return newOwnedMessage(d, wire.DefaultLimits) }

// DecodeBody decodes a body as the value of a message, whatever it is.
func DecodeBody(d driver.Message, body []byte) (any, error) {
	v, err := wire.Parse(body)
	if err != nil {
		return nil, err
	}
	m := &Message{user: 1, d: d, limits: wire.DefaultLimits, resources: d.Resources() > 0}
	return m.decode("Decode", v)
}

// EncodeBody encodes any value, within this process if local.
func EncodeBody(v any, local bool) ([]byte, error) {
	e := newEncoder(wire.DefaultLimits)
	defer e.free()
	e.local = local
	if err := e.value(v); err != nil {
		return nil, err
	}
	return append([]byte{}, e.Buf...), nil
}

var (
	DupFD   = dupFD
	CloseFD = closeFD
)

// Flattened tells whether a message was made into its flat form.
func Flattened(m *Message) bool { return m.parsed }

// What is read field by field.
const (
	MaxDirect   = maxDirect
	MaxSingles  = maxSingles
	SharedBytes = sharedBytes
	PieceBytes  = pieceBytes
)
