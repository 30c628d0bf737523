package fake

import (
	"bytes"
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

// resource is what a message carries beside its body: its own duplicate of a
// descriptor, a reference, or an immutable copy of large data.
type resource struct {
	kind driver.ResourceKind
	fd   uintptr
	cut  bool // the descriptor is closed already, see [CutDescriptors]
	end  *port
	mem  *region
	data []byte
}

// copyResources takes what a message needs of the sender's resources. On an
// error nothing is left open.
func (w *Launchd) copyResources(in []driver.Resource) ([]resource, error) {
	if len(in) == 0 {
		return nil, nil
	}
	out := make([]resource, 0, len(in))
	for i := range in {
		r, err := w.copyResource(&in[i])
		if err != nil {
			w.closeResources(out)
			return nil, err
		}
		out = append(out, r)
	}
	return out, nil
}

func (w *Launchd) copyResource(in *driver.Resource) (resource, error) {
	r := resource{kind: in.Kind}
	switch in.Kind {
	case driver.ResourceFD:
		fd, err := dupFD(in.FD)
		if err != nil {
			return r, fmt.Errorf("fake: descriptor %d cannot be placed in a message: %w", int(in.FD), err)
		}
		w.descriptors.Add(1)
		r.fd = fd
	case driver.ResourceEndpoint:
		e, ok := in.Endpoint.(*endpoint)
		if !ok || e.port.w != w {
			return r, fmt.Errorf("fake: an endpoint (%T) of another runtime cannot be placed in a message", in.Endpoint)
		}
		r.end = e.port
	case driver.ResourceSharedMemory:
		m, ok := in.Memory.(*region)
		if !ok {
			return r, fmt.Errorf("fake: shared memory (%T) of another runtime cannot be placed in a message", in.Memory)
		}
		r.mem = m
	case driver.ResourceData:
		r.data = bytes.Clone(in.Data)
	default:
		return r, fmt.Errorf("fake: a resource of kind %d is not known", in.Kind)
	}
	return r, nil
}

func (w *Launchd) closeResources(rs []resource) {
	for i := range rs {
		if rs[i].kind == driver.ResourceFD && !rs[i].cut {
			closeFD(rs[i].fd)
			w.descriptors.Add(-1)
		}
	}
}
