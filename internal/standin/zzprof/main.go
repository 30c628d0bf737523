//go:build cgo && xpcstandin

package main

import (
	"fmt"
	"os"
	"runtime/pprof"
	"time"

	"github.com/go-xpc/xpc"
	"github.com/go-xpc/xpc/internal/native"
	_ "github.com/go-xpc/xpc/internal/standin"
)

func main() {
	v := &recordValue
	o, err := native.Encode(v)
	if err != nil {
		panic(err)
	}
	what := os.Args[1]
	out := new(record)
	f := map[string]func(any){
		"empty":  func(any) {},
		"decode": func(m any) { m.(*xpc.Message).Decode(out) },
	}[what]
	if what != "encode" {
		receive, free := native.Receiver(f)
		defer free()
		run(what, func() { receive(o) })
		return
	}
	run(what, func() { native.EncodeOnce(v) })
}

func run(what string, f func()) {
	p, _ := os.Create("/tmp/xsl4/" + what + ".prof")
	for range 10000 {
		f()
	}
	pprof.StartCPUProfile(p)
	start := time.Now()
	n := 0
	for time.Since(start) < 3*time.Second {
		for range 1000 {
			f()
		}
		n += 1000
	}
	fmt.Println(what, time.Since(start)/time.Duration(n))
	pprof.StopCPUProfile()
	p.Close()
}
