//go:build unix

package remote

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"io"
	"net"
	"sync"
	"syscall"

	"github.com/go-xpc/xpc/driver"
)

// maxFDs bounds the descriptors of one frame.
const maxFDs = 64

// frame is a call or the answer to one. Each operation uses what it needs.
type frame struct {
	ID     uint64
	Answer bool
	Op     op
	Obj    uint64 // what the call is about
	Arg    uint64
	Num    int64
	Flag   bool
	Text   string
	Body   []byte
	Res    []resource
	Cred   driver.Credentials
	Req    *requirement
	Err    *failure
	FDs    int // how many travel beside it

	fds []int
}

// resource is a driver.Resource; descriptors travel beside the frame.
type resource struct {
	Kind driver.ResourceKind
	Obj  uint64
	Data []byte
}

type requirement struct {
	Kind    driver.RequirementKind
	Text    string
	HasText bool
	Body    []byte // of the value, nil if there is none
}

// stream carries frames over a socket.
type stream struct {
	c *net.UnixConn

	out struct {
		sync.Mutex
		buf bytes.Buffer
		enc *gob.Encoder
	}

	in  []byte
	fds []int
	raw bytes.Buffer
	dec *gob.Decoder
}

func newStream(c *net.UnixConn) *stream {
	s := &stream{c: c}
	s.out.enc = gob.NewEncoder(&s.out.buf)
	s.dec = gob.NewDecoder(&s.raw)
	return s
}

func (s *stream) write(f *frame) error {
	if len(f.fds) > maxFDs {
		return errors.New("remote: too many descriptors in one message")
	}
	f.FDs = len(f.fds)
	s.out.Lock()
	defer s.out.Unlock()
	s.out.buf.Reset()
	s.out.buf.Write(make([]byte, 4))
	if err := s.out.enc.Encode(f); err != nil {
		return err
	}
	b := s.out.buf.Bytes()
	binary.LittleEndian.PutUint32(b, uint32(len(b)-4))
	var oob []byte
	if len(f.fds) > 0 {
		oob = syscall.UnixRights(f.fds...)
	}
	for len(b) > 0 {
		n, _, err := s.c.WriteMsgUnix(b, oob, nil)
		if err != nil {
			return err
		}
		b, oob = b[n:], nil
	}
	return nil
}

// read is called by one goroutine.
func (s *stream) read() (*frame, error) {
	if err := s.fill(4); err != nil {
		return nil, err
	}
	n := int(binary.LittleEndian.Uint32(s.in))
	if err := s.fill(4 + n); err != nil {
		return nil, err
	}
	s.raw.Write(s.in[4 : 4+n])
	s.in = s.in[4+n:]
	f := new(frame)
	if err := s.dec.Decode(f); err != nil {
		return nil, err
	}
	if f.FDs > len(s.fds) {
		return nil, errors.New("remote: descriptors were lost")
	}
	f.fds, s.fds = s.fds[:f.FDs:f.FDs], s.fds[f.FDs:]
	return f, nil
}

// fill reads until n bytes are there. The descriptors of a frame come with its
// first bytes, so they are there when its last ones are.
func (s *stream) fill(n int) error {
	for len(s.in) < n {
		buf, oob := make([]byte, 64<<10), make([]byte, syscall.CmsgSpace(maxFDs*4))
		n, oobn, _, _, err := s.c.ReadMsgUnix(buf, oob)
		if err != nil {
			return err
		}
		if n == 0 {
			return io.EOF
		}
		s.in = append(s.in, buf[:n]...)
		if oobn == 0 {
			continue
		}
		all, err := syscall.ParseSocketControlMessage(oob[:oobn])
		if err != nil {
			return err
		}
		for i := range all {
			fds, err := syscall.ParseUnixRights(&all[i])
			if err != nil {
				return err
			}
			for _, fd := range fds {
				syscall.CloseOnExec(fd)
			}
			s.fds = append(s.fds, fds...)
		}
	}
	return nil
}

func (s *stream) close() {
	s.c.Close()
}

func closeFDs(fds []int) {
	for _, fd := range fds {
		syscall.Close(fd)
	}
}
