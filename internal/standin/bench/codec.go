//go:build cgo && xpcstandin

package main

import (
	"fmt"
	"reflect"
	"sort"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
)

// A message is encoded, from a Go struct to an object of C, and decoded, from an
// object that was received to a Go struct, in four ways that are taken in turn:
// ours, by one call per field with a C string per key, by one call per field with
// a buffer for the keys, and in plain C without Go.
type codec struct {
	name  string
	shape int
	v     any // a pointer to the message
	n     int // operations in a slice
}

var codecs = []codec{
	{"4", shape4, &smallValue, 200},
	{"16", shape16, &recordValue, 80},
	{"64", shape64, &wideValue, 20},
	{"_nested", shapeNested, &treeValue, 40},
}

const slices = 40

// times of one operation, in microseconds.
type times struct{ ours, perCall, buffer, c []float64 }

// take takes all ways in turn, in slices so short that most are not interrupted,
// and of each way the best slice: differences of a microsecond would drown in
// what else the machine does.
func (t *times) take(n int, ways [4]func(int)) {
	to := [4]*[]float64{&t.ours, &t.perCall, &t.buffer, &t.c}
	best := [4]float64{}
	for i := range slices {
		for j, f := range ways {
			if v := timed(f, n); i == 0 || v < best[j] {
				best[j] = v
			}
		}
	}
	for j := range ways {
		*to[j] = append(*to[j], best[j])
	}
}

// print gives what ours adds over C as a part of what one call per field adds.
func (t *times) print(name string, target float64) bool {
	ratios := func(other []float64) (all []float64) {
		for i := range other {
			all = append(all, (t.ours[i]-t.c[i])/(other[i]-t.c[i]))
		}
		sort.Float64s(all)
		return all
	}
	ok := printRatio(name+"_added_vs_percall", ratios(t.perCall), target)
	printRatio(name+"_added_vs_buffer", ratios(t.buffer), 0)
	fmt.Printf("      go %.3f us, per call %.3f us, with a key buffer %.3f us, c %.3f us per message (medians of %d)\n",
		median(t.ours), median(t.perCall), median(t.buffer), median(t.c), len(t.c))
	return ok
}

func (c codec) run() bool {
	target := 0.0
	if c.name == "16" {
		target = 0.2
	}
	perCall, buffer := newCaller(false), newCaller(true)
	object := c.object()
	defer native.Release(object)
	var enc, dec times
	for i := range pairs + 1 { // the first round warms up
		if i == 1 {
			enc, dec = times{}, times{}
		}
		enc.take(c.n, [4]func(int){
			c.encode,
			func(n int) { perCall.encode(c.v, n) },
			func(n int) { buffer.encode(c.v, n) },
			func(n int) { encodeInC(c.shape, n) },
		})
		out := reflect.New(reflect.TypeOf(c.v).Elem()).Interface()
		dec.take(c.n, [4]func(int){
			func(n int) { decode(object, out, n) },
			func(n int) { perCall.decode(object, out, n) },
			func(n int) { buffer.decode(object, out, n) },
			func(n int) { decodeInC(c.shape, object, n) },
		})
	}
	encoded, decoded := enc.print("encode"+c.name, target), dec.print("decode"+c.name, target)
	return encoded && decoded
}

// object makes the message, and sees to it that all ways read the same of it.
func (c codec) object() uintptr {
	object, err := native.Encode(c.v)
	must(err)
	for _, read := range []func(uintptr, any, int){decode, newCaller(false).decode, newCaller(true).decode} {
		out := reflect.New(reflect.TypeOf(c.v).Elem()).Interface()
		read(object, out, 1)
		if !xpc.Equal(out, c.v) {
			panic(fmt.Sprintf("%s: read %v of %v", c.name, out, c.v))
		}
	}
	return object
}

func (c codec) encode(n int) {
	for range n {
		must(native.EncodeOnce(c.v))
	}
}

func decode(object uintptr, out any, n int) {
	receive, free := native.Receiver(func(m any) { must(m.(*xpc.Message).Decode(out)) })
	defer free()
	receive(object, n)
}

func median(all []float64) float64 {
	all = append([]float64(nil), all...)
	sort.Float64s(all)
	return all[len(all)/2]
}

// printRatio prints sorted ratios. Without a target it is true.
func printRatio(name string, ratios []float64, target float64) bool {
	m := ratios[len(ratios)/2]
	verdict := ""
	if target > 0 {
		verdict = fmt.Sprintf(" target <=%.2f ok", target)
		if m > target {
			verdict = fmt.Sprintf(" target <=%.2f short", target)
		}
	}
	fmt.Printf("ratio %s %.3f %.3f..%.3f%s\n", name, m, ratios[0], ratios[len(ratios)-1], verdict)
	return target == 0 || m <= target
}
