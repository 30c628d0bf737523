package fake

import (
	"fmt"

	"github.com/go-xpc/xpc/driver"
)

const pageSize = 16 << 10 // as on Apple silicon

// region stands for shared memory: all processes are pretended, so a slice that
// they share does.
type region struct{ bytes []byte }

var _ driver.SharedMemory = (*region)(nil)

func newRegion(size int) (*region, error) {
	const most int64 = 1 << 40
	if size <= 0 || int64(size) > most {
		return nil, fmt.Errorf("fake: shared memory of %d bytes: the size must be from 1 to %d", size, most)
	}
	return &region{bytes: make([]byte, (size+pageSize-1)/pageSize*pageSize)}, nil
}

func (r *region) Size() int                    { return len(r.bytes) }
func (r *region) Map() (driver.Mapping, error) { return &mapping{r.bytes}, nil }
func (r *region) Release()                     {}

type mapping struct{ bytes []byte }

func (m *mapping) Bytes() []byte { return m.bytes }
func (m *mapping) Unmap() error  { return nil }
