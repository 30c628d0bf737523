//go:build !cgo || !((darwin && !ios) || xpcstandin)

package xpc

import "runtime"

var native = NewRuntime(noBackend{advice()})

// Native is the libxpc of macOS. This program was built without it, and every
// call gives [ErrUnsupported] with what to do.
func Native() *Runtime { return native }

func advice() string {
	if runtime.GOOS == "darwin" {
		return "this program was built without cgo: install a C compiler (xcode-select --install) and build with CGO_ENABLED=1"
	}
	return "libxpc exists only on macOS: use a process of package fake (github.com/go-xpc/xpc/fake) on " + runtime.GOOS
}
