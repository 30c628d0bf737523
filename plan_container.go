package xpc

import (
	"reflect"
	"sync"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

func decNothing(t reflect.Type) func(*decoder, wire.Value, unsafe.Pointer) error {
	return func(_ *decoder, v wire.Value, _ unsafe.Pointer) error {
		return fail("nothing can be decoded to Go type %s, got %s", t, v.Tag())
	}
}

func isByte(t reflect.Type) bool { return t.Kind() == reflect.Uint8 && !hasMethods(t) }

func hasMethods(t reflect.Type) bool {
	m, um, tm, tum := methods(t)
	return m || um || tm || tum
}

func (b builder) slice(p *plan) {
	t := p.t
	if isByte(t.Elem()) {
		p.enc, p.dec, p.xpc = encData, decData, "data"
		return
	}
	p.xpc = "array"
	if t.Elem() == reflect.TypeFor[any]() {
		p.enc = func(e *encoder, p unsafe.Pointer) error { return e.array(*(*[]any)(p)) }
		p.dec = decAnySlice
		return
	}
	elem := b.plan(t.Elem())
	size := t.Elem().Size()
	p.enc = func(e *encoder, p unsafe.Pointer) error {
		s := *(*[]struct{})(p) // any slice's address and length
		first := unsafe.Pointer(unsafe.SliceData(s))
		return e.elements(identity{first, t, len(s)}, elem, first, len(s), size)
	}
	p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		if v.Tag() == wire.Null {
			reflect.NewAt(t, p).Elem().SetZero()
			return nil
		}
		return d.slice(v, reflect.NewAt(t, p).Elem(), elem, size)
	}
}

func decAnySlice(d *decoder, v wire.Value, p unsafe.Pointer) error {
	switch v.Tag() {
	case wire.Null:
		*(*[]any)(p) = nil
		return nil
	case wire.Array:
		a, err := d.array(v)
		if err == nil {
			*(*[]any)(p) = a
		}
		return err
	}
	return mismatch("array", v)
}

// elements encodes n values of one type that lie in a row.
func (e *encoder) elements(id identity, elem *plan, first unsafe.Pointer, n int, size uintptr) error {
	if n == 0 || size == 0 {
		id.p = nil
	}
	if err := e.enter(id); err != nil {
		return err
	}
	mark := e.Begin(wire.Array)
	for i := range n {
		if err := elem.enc(e, unsafe.Add(first, uintptr(i)*size)); err != nil {
			return withinIndex(err, i)
		}
	}
	e.End(mark, n)
	return e.leave()
}

// slice decodes into fresh memory, never into that of an earlier value.
func (d *decoder) slice(v wire.Value, s reflect.Value, elem *plan, size uintptr) error {
	if v.Tag() != wire.Array {
		return mismatch("array", v)
	}
	if err := d.enter(); err != nil {
		return err
	}
	s.SetZero()
	// Elements can be much larger than what claims to hold them.
	s.Grow(min(v.Count(), preallocated, 1+int(1<<20/(size+1))))
	it := v.Elements()
	for n := 0; ; n++ {
		_, x, ok := it.Next()
		if !ok {
			break
		}
		if n == s.Cap() {
			s.Grow(1)
		}
		s.SetLen(n + 1)
		if err := elem.dec(d, x, unsafe.Add(s.UnsafePointer(), uintptr(n)*size)); err != nil {
			return withinIndex(err, n)
		}
	}
	if s.IsNil() {
		s.Set(reflect.MakeSlice(s.Type(), 0, 0))
	}
	d.depth++
	return it.Err()
}

func (b builder) array(p *plan) {
	t := p.t
	n := t.Len()
	if isByte(t.Elem()) {
		p.xpc = "data"
		p.enc = func(e *encoder, p unsafe.Pointer) error {
			e.data(unsafe.Slice((*byte)(p), n))
			return nil
		}
		p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error {
			b, err := d.bytesOf(v)
			if err == nil && len(b) != n {
				err = fail("wanted %d bytes of data, got %d", n, len(b))
			}
			if err == nil {
				copy(unsafe.Slice((*byte)(p), n), b)
			}
			return err
		}
		return
	}
	p.xpc = "array"
	elem := b.plan(t.Elem())
	size := t.Elem().Size()
	p.enc = func(e *encoder, p unsafe.Pointer) error { return e.elements(identity{}, elem, p, n, size) }
	p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		if v.Tag() != wire.Array {
			return mismatch("array", v)
		}
		if v.Count() != n {
			return fail("wanted an array of %d, got %d", n, v.Count())
		}
		if err := d.enter(); err != nil {
			return err
		}
		it := v.Elements()
		for i := 0; ; i++ {
			_, x, ok := it.Next()
			if !ok {
				d.depth++
				return it.Err()
			}
			if err := elem.dec(d, x, unsafe.Add(p, uintptr(i)*size)); err != nil {
				return withinIndex(err, i)
			}
		}
	}
}

func (b builder) pointer(p *plan) {
	t := p.t
	elem := b.plan(t.Elem())
	p.null = true
	p.enc = func(e *encoder, p unsafe.Pointer) error {
		q := *(*unsafe.Pointer)(p)
		if q == nil {
			e.Null()
			return nil
		}
		return e.pointed(t, elem, q)
	}
	p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		at := (*unsafe.Pointer)(p)
		if v.Tag() == wire.Null {
			*at = nil
			return nil
		}
		if *at == nil {
			q := reflect.New(elem.t).UnsafePointer()
			err := elem.dec(d, v, q)
			*at = q
			return err
		}
		return elem.dec(d, v, *at)
	}
}

// pointed encodes what a pointer of type t points to.
func (e *encoder) pointed(t reflect.Type, elem *plan, q unsafe.Pointer) error {
	id := identity{p: q, t: t}
	if elem.t.Size() == 0 { // all of them may have one address
		id.p = nil
	}
	if err := e.push(id); err != nil {
		return err
	}
	if err := elem.enc(e, q); err != nil {
		return err
	}
	e.pop()
	return nil
}

func (b builder) iface(p *plan) {
	t := p.t
	if t.NumMethod() > 0 {
		p.enc = func(e *encoder, p unsafe.Pointer) error {
			return e.value(reflect.NewAt(t, p).Elem().Interface())
		}
		p.dec = decNothing(t)
		return
	}
	p.null = true
	p.enc = func(e *encoder, p unsafe.Pointer) error { return e.value(*(*any)(p)) }
	p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		x, err := d.value(v)
		if err == nil {
			*(*any)(p) = x
		}
		return err
	}
}

func (b builder) mapping(p *plan) {
	t := p.t
	if t.Key().Kind() != reflect.String {
		p.enc = func(*encoder, unsafe.Pointer) error {
			return fail("unsupported Go type %s: the keys of a dictionary are strings", t)
		}
		p.dec = decNothing(t)
		return
	}
	p.xpc = "dictionary"
	if t.Elem() == reflect.TypeFor[any]() && t.Key() == reflect.TypeFor[string]() {
		p.enc = func(e *encoder, p unsafe.Pointer) error { return e.dictionary(*(*map[string]any)(p)) }
		p.dec = decAnyMap
		return
	}
	elem := b.plan(t.Elem())
	pool := &sync.Pool{New: func() any { return &entry{reflect.New(t.Key()).Elem(), reflect.New(t.Elem()).Elem()} }}
	p.enc = func(e *encoder, p unsafe.Pointer) error {
		return e.mapping(t, reflect.NewAt(t, p).Elem(), elem, pool)
	}
	p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error {
		m := reflect.NewAt(t, p).Elem()
		if v.Tag() == wire.Null {
			m.SetZero()
			return nil
		}
		return d.mapping(v, m, elem)
	}
}

func decAnyMap(d *decoder, v wire.Value, p unsafe.Pointer) error {
	m := (*map[string]any)(p)
	switch {
	case v.Tag() == wire.Null:
		*m = nil
		return nil
	case v.Tag() != wire.Dictionary:
		return mismatch("dictionary", v)
	case *m == nil:
		x, err := d.dictionary(v)
		if err == nil {
			*m = x
		}
		return err
	}
	if err := d.enter(); err != nil {
		return err
	}
	err := d.into(*m, v)
	d.depth++
	return err
}

// entry is where the entries of a map are read to one by one.
type entry struct{ key, value reflect.Value }

func (e *encoder) mapping(t reflect.Type, m reflect.Value, elem *plan, pool *sync.Pool) error {
	if err := e.enter(identity{p: m.UnsafePointer(), t: t}); err != nil {
		return err
	}
	at := pool.Get().(*entry)
	mark := e.Begin(wire.Dictionary)
	it := m.MapRange()
	for it.Next() {
		if elem.scratch == nil {
			at.value = reflect.New(elem.t).Elem()
		}
		at.key.SetIterKey(it)
		at.value.SetIterValue(it)
		k := at.key.String()
		if err := e.key(k); err != nil {
			return err
		}
		if err := elem.enc(e, at.value.Addr().UnsafePointer()); err != nil {
			return within(err, k)
		}
	}
	e.End(mark, m.Len())
	at.key.SetZero()
	if elem.scratch == nil { // somebody may have kept the address
		at.value = reflect.Value{}
	} else {
		at.value.SetZero()
	}
	pool.Put(at)
	return e.leave()
}

func (d *decoder) mapping(v wire.Value, m reflect.Value, elem *plan) error {
	if v.Tag() != wire.Dictionary {
		return mismatch("dictionary", v)
	}
	if err := d.enter(); err != nil {
		return err
	}
	if m.IsNil() {
		m.Set(reflect.MakeMapWithSize(m.Type(), min(v.Count(), preallocated)))
	}
	before := m.Len()
	m = reflect.ValueOf(m.Interface()) // the map itself, whatever becomes of the variable
	it := v.Elements()
	for {
		k, x, ok := it.Next()
		if !ok {
			d.depth++
			if err := it.Err(); err != nil || before > 0 || m.Len() == v.Count() {
				return err
			}
			return keyTwice()
		}
		value := reflect.New(elem.t)
		bare := len(d.undo)
		err := elem.dec(d, x, value.UnsafePointer())
		if err != nil {
			return within(err, string(k))
		}
		key := reflect.New(m.Type().Key()).Elem()
		key.SetString(string(k))
		if len(d.undo) > bare { // a copy of bare descriptors, to go with them
			d.undo = append(d.undo, func() { m.SetMapIndex(key, reflect.Value{}) })
		}
		m.SetMapIndex(key, value.Elem())
	}
}
