package xpc

import (
	"fmt"
	"os"
	"time"
)

// Copy makes a deep copy of a value, in the types that messages decode to: a
// [Dictionary] of a struct or a *[Message], for instance. Of a file or an [FD] it
// makes a duplicate, an *os.File that belongs to the caller and is not equal to
// the original (row 270); [CloseFiles] closes them all. Endpoints and shared
// memory are the same ones.
//
// Errors: a *[ValueError] for what cannot be sent, connections among it (row
// 246), [ErrMisuse] for a released message. After an error nothing is left open.
//
// C: xpc_copy, https://developer.apple.com/documentation/xpc/1505584-xpc_copy
func Copy(v any) (any, error) {
	if m, ok := v.(*Message); ok && m != nil {
		return m.Dictionary() // the caller's own already
	}
	c := copier{depth: localLimits.Depth}
	out, err := c.value(v)
	if err != nil {
		for _, f := range c.made {
			f.Close()
		}
		return nil, err
	}
	return out, nil
}

type copier struct {
	depth int
	made  []*os.File
}

func (c *copier) value(v any) (any, error) {
	x, ok := closed(v)
	if !ok {
		var err error
		if x, err = canonical(v); err != nil {
			return nil, err
		}
	}
	switch x := x.(type) {
	case []byte:
		return append([]byte{}, x...), nil
	case time.Time:
		ns, ok := dateNanos(x)
		if !ok {
			return nil, dateRange(x)
		}
		return fromDateNanos(ns), nil
	case *os.File:
		if x == nil {
			return nil, fail("the file is nil")
		}
		fd, err := dupFile(x)
		return c.file(fd, err)
	case FD:
		fd, err := dupFD(uintptr(x))
		return c.file(fd, err)
	case Dictionary:
		return c.dictionary(x)
	case Array:
		return c.array(x)
	}
	return x, nil
}

func (c *copier) file(fd uintptr, err error) (any, error) {
	if err != nil {
		return nil, fail("descriptor cannot be copied: %v", err)
	}
	f := os.NewFile(fd, fmt.Sprintf("xpc-fd-%d", fd))
	c.made = append(c.made, f)
	return f, nil
}

func (c *copier) enter() error {
	if c.depth == 0 {
		return fail("nested deeper than %d (row 298)", localLimits.Depth)
	}
	c.depth--
	return nil
}

func (c *copier) dictionary(d Dictionary) (any, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	out := make(Dictionary, len(d))
	for k, v := range d {
		x, err := c.value(v)
		if err != nil {
			return nil, within(err, k)
		}
		out[k] = x
	}
	c.depth++
	return out, nil
}

func (c *copier) array(a Array) (any, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	out := make(Array, len(a))
	for i, v := range a {
		x, err := c.value(v)
		if err != nil {
			return nil, withinIndex(err, i)
		}
		out[i] = x
	}
	c.depth++
	return out, nil
}
