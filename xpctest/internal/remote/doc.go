// Package remote puts a driver.Backend into another process. [Serve] runs there
// and makes the calls; [Dial] gives the backend here, whose handlers and blocks
// run here while the queue over there waits for them. So the code of a service
// can live in a test while its process lives under launchd.
//
// The two talk over a Unix socket, so that nothing of it shows in XPC: no
// message, no transaction. What travels in messages stays over there and is
// named by number, but for descriptors, which are passed on, and for mappings of
// shared memory, which are copies that are written back when they are unmapped.
// When the other process ends, connections here get [driver.Gone].
package remote
