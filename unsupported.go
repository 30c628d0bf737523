package xpc

import "github.com/go-xpc/xpc/driver"

// noBackend is Native where there is no libxpc, or no way to call it.
type noBackend struct{ advice string }

func (b noBackend) NewConn(driver.Spec, driver.Queue) (driver.Conn, error) {
	return nil, unsupported("a connection", b.advice)
}

func (b noBackend) NewQueue(string, bool) (driver.Queue, error) {
	return nil, unsupported("a queue", b.advice)
}

func (b noBackend) NewSharedMemory(int) (driver.SharedMemory, error) {
	return nil, unsupported("shared memory", b.advice)
}

func (b noBackend) TransactionBegin() error { return unsupported("TransactionBegin", b.advice) }
func (b noBackend) TransactionEnd() error   { return unsupported("TransactionEnd", b.advice) }

func (b noBackend) Main(func(driver.Conn)) error { return unsupported("Main", b.advice) }
