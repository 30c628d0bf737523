package fake

// A goroutine starts with a stack so small that every handler makes it grow, in
// steps, each copying all frames. Growing once, while there is but one frame, is
// most of the speed of a round trip.

// growStack makes room for the usual handler. Its frame is that large whether or
// not it is used, and filled only if it is.
//
//go:noinline
func growStack(use bool) {
	if use {
		var room [6 << 10]byte
		touch(&room)
	}
}

//go:noinline
func touch(room *[6 << 10]byte) { room[0]++ }
