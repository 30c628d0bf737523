//go:build cgo && xpcstandin

package standin

/*
#include "cpeer.h"
*/
import "C"

// CPair is a client and a service in plain C, joined by an endpoint.
type CPair struct {
	s C.cp_service_t
	c C.cp_client_t
}

// NewCPair starts both.
func NewCPair() *CPair {
	s := C.cp_service_start(C.cp_answer_t(C.cp_echo))
	return &CPair{s, C.cp_client_start(C.cp_service_endpoint(s))}
}

// Stop ends both and waits for their last events.
func (p *CPair) Stop() {
	C.cp_client_stop(p.c)
	C.cp_service_stop(p.s)
}

// Sync makes n synchronous round trips with size bytes each way.
func (p *CPair) Sync(n, size int) { C.cp_client_sync(p.c, C.size_t(n), C.size_t(size)) }

// Async makes n round trips, window of them under way.
func (p *CPair) Async(n, size, window int) {
	C.cp_client_async(p.c, C.size_t(n), C.size_t(size), C.size_t(window))
}

// Send sends n messages without reply, and waits for the runtime to be done with them.
func (p *CPair) Send(n, size int) { C.cp_client_send(p.c, C.size_t(n), C.size_t(size)) }
