package wire

import "bytes"

// Validate checks a whole buffer: form, depth, size, texts and keys without a
// NUL, keys that occur once, and that resources are used once each, in order.
// What it accepts decodes without an error. Time and memory are bounded by the
// buffer's length, whatever it claims.
func Validate(buf []byte, resources int, lim Limits) error {
	if len(buf) > lim.Size {
		return &FormatError{Rule: "larger than the limit"}
	}
	v, err := Parse(buf)
	if err != nil {
		return err
	}
	c := checker{resources: resources}
	if err := c.value(v, lim.Depth); err != nil {
		return err
	}
	if c.next != resources {
		return &FormatError{Rule: "resource that no value refers to"}
	}
	return nil
}

type checker struct {
	next, resources int
}

func (c *checker) value(v Value, depth int) error {
	switch v.Tag() {
	case FD, SharedMemory, Endpoint, BigData:
		if c.next >= c.resources || v.Resource() != uint32(c.next) {
			return &FormatError{Rule: "resource missing, used twice or out of order"}
		}
		c.next++
	case String, Error:
		return noNUL(v.Text(), "text")
	case Unsupported:
		if err := noNUL(v.TypeName(), "text"); err != nil {
			return err
		}
		return noNUL(v.Description(), "text")
	case Array, Dictionary:
		return c.container(v, depth)
	}
	return nil
}

func (c *checker) container(v Value, depth int) error {
	if depth <= 0 {
		return &FormatError{Rule: "nested deeper than the limit"}
	}
	keys := seen{}
	it := v.Elements()
	for {
		k, e, ok := it.Next()
		if !ok {
			return it.Err()
		}
		if it.keys {
			if err := noNUL(k, "key"); err != nil {
				return err
			}
			if keys.before(k) {
				return &FormatError{Rule: "key used twice"}
			}
		}
		if err := c.value(e, depth-1); err != nil {
			return err
		}
	}
}

func noNUL(b []byte, what string) error {
	if bytes.IndexByte(b, 0) >= 0 {
		return &FormatError{Rule: "NUL inside a " + what}
	}
	return nil
}

// seen is the set of a dictionary's keys; few of them need no map.
type seen struct {
	few  [8][]byte
	n    int
	many map[string]struct{}
}

func (s *seen) before(k []byte) bool {
	if s.many != nil {
		_, ok := s.many[string(k)]
		s.many[string(k)] = struct{}{}
		return ok
	}
	for _, f := range s.few[:s.n] {
		if bytes.Equal(f, k) {
			return true
		}
	}
	if s.n < len(s.few) {
		s.few[s.n] = k
		s.n++
		return false
	}
	s.many = make(map[string]struct{}, 2*s.n)
	for _, f := range s.few {
		s.many[string(f)] = struct{}{}
	}
	s.many[string(k)] = struct{}{}
	return false
}
