package xpc

import (
	"reflect"
	"slices"
	"strings"
	"unsafe"

	"github.com/go-xpc/xpc/internal/wire"
)

// field is one field of a struct or of the structs embedded in it.
type field struct {
	name   string
	key    string    // its flat form
	entry  string    // the same with the tag, where the plan is fast
	via    []pointer // embedded pointers on the way
	offset uintptr   // from the last of them
	omit   bool
	plan   *plan
	path   string // in Go's terms, for errors in the plan
}

// pointer is an embedded *T.
type pointer struct {
	offset uintptr
	elem   reflect.Type
	locked bool // unexported: it cannot be set from here
}

// at is the field's address, nil behind an embedded nil pointer.
func (f *field) at(p unsafe.Pointer) unsafe.Pointer {
	for i := range f.via {
		p = *(*unsafe.Pointer)(unsafe.Add(p, f.via[i].offset))
		if p == nil {
			return nil
		}
	}
	return unsafe.Add(p, f.offset)
}

// make is at, with what is missing on the way allocated.
func (f *field) make(p unsafe.Pointer) (unsafe.Pointer, error) {
	for i := range f.via {
		q := (*unsafe.Pointer)(unsafe.Add(p, f.via[i].offset))
		if *q == nil {
			if f.via[i].locked {
				return nil, fail("the embedded pointer to unexported %s is nil and cannot be set", f.via[i].elem)
			}
			*q = reflect.New(f.via[i].elem).UnsafePointer()
		}
		p = *q
	}
	return unsafe.Add(p, f.offset), nil
}

// opaque tells a struct that keeps all it has to itself from an empty one.
func opaque(t reflect.Type) bool {
	for i := range t.NumField() {
		if f := t.Field(i); !f.IsExported() && !f.Anonymous {
			return true
		}
	}
	return false
}

func (b builder) structure(p *plan) {
	t := p.t
	p.xpc = "dictionary"
	fields, err := b.fields(t)
	if err == nil && len(fields) == 0 && opaque(t) {
		// Above all the handles of this package, which travel as pointers.
		err = fail("%s has no exported field to send: if it is a handle such as xpc.Endpoint, use the pointer", t)
	}
	if err != nil {
		p.enc = func(*encoder, unsafe.Pointer) error { return err }
		p.dec = func(*decoder, wire.Value, unsafe.Pointer) error { return err }
		return
	}
	byName := make(map[string]int, len(fields))
	for i, f := range fields {
		byName[f.name] = i
	}
	p.direct = directOf(fields)
	steps := stepsOf(fields)
	p.enc = func(e *encoder, p unsafe.Pointer) error { return e.structure(steps, p) }
	p.dec = func(d *decoder, v wire.Value, p unsafe.Pointer) error { return d.structure(v, fields, byName, p) }
}

func (d *decoder) structure(v wire.Value, fields []field, byName map[string]int, p unsafe.Pointer) error {
	if v.Tag() != wire.Dictionary {
		return mismatch("dictionary", v)
	}
	if err := d.enter(); err != nil {
		return err
	}
	it := v.Elements()
	next := 0
	var few [4]uint64 // the fields that came, by bits
	seen := few[:]
	if len(fields) > 64*len(few) {
		seen = make([]uint64, len(fields)/64+1)
	}
	for {
		// A peer of the same program sends the fields in their order. (One that came
		// before is not the next again.)
		i := next
		var x wire.Value
		ok := false
		if i < len(fields) {
			if f := &fields[i]; f.entry != "" && seen[i/64]&(1<<(i%64)) == 0 && f.next(&it, p) {
				seen[i/64] |= 1 << (i % 64)
				next++
				continue
			}
			x, ok = it.NextIs(fields[i].key)
		}
		if !ok {
			var k []byte
			if k, x, ok = it.Next(); !ok {
				d.depth++
				return it.Err()
			}
			if i, ok = byName[string(k)]; !ok {
				if d.strict {
					return within(fail("the struct has no such field"), string(k))
				}
				continue
			}
		}
		next = i + 1
		if seen[i/64]&(1<<(i%64)) != 0 {
			return keyTwice()
		}
		seen[i/64] |= 1 << (i % 64)
		f := &fields[i]
		q, err := unsafe.Add(p, f.offset), error(nil)
		if f.via != nil {
			q, err = f.make(p)
		}
		if err == nil {
			err = f.plan.dec(d, x, q)
		}
		if err != nil {
			return within(err, f.name)
		}
	}
}

// next takes the next entry, if it is this field's and has just its type.
func (f *field) next(it *wire.Iter, p unsafe.Pointer) bool {
	if f.plan.fast == wire.String {
		t, ok := it.NextText(f.entry)
		if ok {
			*(*string)(unsafe.Add(p, f.offset)) = string(t)
		}
		return ok
	}
	v, ok := it.NextFixed(f.entry)
	if ok {
		*(*uint64)(unsafe.Add(p, f.offset)) = v
	}
	return ok
}

// level is a struct whose fields are to be collected.
type level struct {
	t      reflect.Type
	via    []pointer
	offset uintptr
	path   string
}

// fields collects the fields of t breadth first, as Go itself looks names up:
// the least deep wins. Two of one name at one depth are an error: which of them
// is sent would be a guess.
func (b builder) fields(t reflect.Type) ([]field, error) {
	var out []field
	taken := map[string]int{} // name to index in out
	seen := map[reflect.Type]bool{t: true}
	for levels := []level{{t: t}}; len(levels) > 0; {
		var deeper []level
		start := len(out)
		for _, l := range levels {
			for i := range l.t.NumField() {
				sf := l.t.Field(i)
				f, embedded, err := readField(l, sf)
				if err != nil {
					return nil, err
				}
				if embedded != nil {
					if !seen[embedded.t] {
						deeper = append(deeper, *embedded)
					}
					continue
				}
				if f == nil {
					continue
				}
				if other, ok := taken[f.name]; ok {
					if other < start {
						continue // hidden
					}
					return nil, fail("%s: the fields %s and %s have the same key %q", t, out[other].path, f.path, f.name)
				}
				taken[f.name] = len(out)
				f.plan = b.plan(sf.Type)
				if f.plan.fast != 0 && f.via == nil {
					f.entry = f.key + string(rune(f.plan.fast))
				}
				out = append(out, *f)
			}
		}
		for _, l := range deeper {
			seen[l.t] = true
		}
		levels = deeper
	}
	return slices.Clip(out), nil
}

// readField gives what one field of a struct is: a field to send, an embedded
// struct to look into, or nothing.
func readField(l level, sf reflect.StructField) (*field, *level, error) {
	tag, tagged := sf.Tag.Lookup("xpc")
	if tag == "-" {
		return nil, nil, nil
	}
	path := strings.TrimPrefix(l.path+"."+sf.Name, ".")
	name, options, _ := strings.Cut(tag, ",")
	f := &field{name: name, via: l.via, offset: l.offset + sf.Offset, path: path}
	for _, o := range strings.FieldsFunc(options, func(r rune) bool { return r == ',' }) {
		if o != "omitempty" {
			return nil, nil, fail("%s.%s: the tag has the unknown option %q", l.t, sf.Name, o)
		}
		f.omit = true
	}
	if strings.IndexByte(name, 0) >= 0 {
		return nil, nil, fail("%s.%s: the key %q holds a NUL byte", l.t, sf.Name, name)
	}
	if sf.Anonymous && name == "" {
		if inner := embeddedStruct(l, sf, path); inner != nil {
			return nil, inner, nil
		}
	}
	// An embedded struct may have exported fields whatever its own name.
	if !sf.IsExported() && !(sf.Anonymous && sf.Type.Kind() == reflect.Struct && name != "") {
		if tagged {
			return nil, nil, fail("%s.%s: the field has a tag and is unexported", l.t, sf.Name)
		}
		return nil, nil, nil
	}
	if f.name == "" {
		f.name = sf.Name
	}
	f.key = string(wire.AppendKey(nil, f.name))
	return f, nil, nil
}

func embeddedStruct(l level, sf reflect.StructField, path string) *level {
	t, offset, via := sf.Type, l.offset+sf.Offset, l.via
	if t.Kind() == reflect.Pointer && !isLeaf(t) {
		t = t.Elem()
		via = append(slices.Clip(via), pointer{offset, t, !sf.IsExported()})
		offset = 0
	}
	if t.Kind() != reflect.Struct || isLeaf(t) || hasMethods(t) {
		return nil
	}
	return &level{t: t, via: via, offset: offset, path: path}
}
