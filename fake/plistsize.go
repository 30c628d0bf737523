package fake

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
)

// The objects of a binary property list refer to each other by number, so a few
// hundred bytes can stand for 2^30 objects, and the plist library makes each of
// them. What no list of launchd's comes near to is refused before the library
// sees it, in time that follows the file.

const (
	// maxPlist bounds the bytes of a file, and of what it expands to the objects
	// together with the bytes of strings and data.
	maxPlist      = 1 << 20
	maxPlistDepth = 128

	binaryMagic   = "bplist"
	binaryTrailer = 32
)

var errPlistSize = fmt.Errorf("fake: property list: it is too large: at most %d bytes, and as many objects and bytes in them, are read", maxPlist)

// readPlist reads a file that the library may have: XML or binary. (Its parser of
// the older text form takes a gigabyte for a megabyte of parentheses.)
func readPlist(r io.Reader) ([]byte, error) {
	if f, ok := r.(*os.File); r == nil || ok && f == nil {
		return nil, errors.New("fake: property list: there is none to read, the reader is nil: look at the error of os.Open")
	}
	data, err := io.ReadAll(io.LimitReader(r, maxPlist+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("fake: property list: %w", err)
	case len(data) > maxPlist:
		return nil, errPlistSize
	case bytes.HasPrefix(data, []byte(binaryMagic)):
		return data, checkBinaryPlist(data)
	}
	const mark = "\ufeff"
	if text := bytes.TrimLeft(bytes.TrimPrefix(data, []byte(mark)), " \t\r\n"); len(text) == 0 || text[0] != '<' {
		return nil, errors.New("fake: property list: launchd reads XML and binary ones, this is neither")
	}
	return data, nil
}

// binaryPlist is the object table. All that it reads lies in front of the trailer,
// which is longer than any number, so numbers are read without further checks.
type binaryPlist struct {
	data             []byte
	table, count     uint64 // where the offsets are, and how many
	offsetSize, wide uint64 // bytes of an offset and of a reference
	sizes            map[uint64]uint64
	read             uint64 // of all objects seen, each once
}

// checkBinaryPlist leaves to the library all that makes it give an error.
func checkBinaryPlist(data []byte) error {
	if len(data) < len(binaryMagic)+2+binaryTrailer {
		return nil
	}
	trailer := uint64(len(data) - binaryTrailer)
	b := &binaryPlist{
		data: data, sizes: map[uint64]uint64{},
		offsetSize: uint64(data[trailer+6]), wide: uint64(data[trailer+7]),
	}
	b.count = b.number(trailer+8, 8)
	b.table = b.number(trailer+24, 8)
	switch {
	case b.offsetSize < 1 || b.offsetSize > 8 || b.wide < 1 || b.wide > 8:
		return errors.New("fake: property list: an offset or a reference has 1 to 8 bytes")
	case b.table > trailer || b.count > (trailer-b.table)/b.offsetSize:
		return errors.New("fake: property list: the table of offsets is not inside the file")
	}
	_, err := b.size(b.number(trailer+16, 8), 0)
	return err
}

func (b *binaryPlist) number(at, bytes uint64) (n uint64) {
	for _, c := range b.data[at : at+bytes] {
		n = n<<8 | uint64(c)
	}
	return n
}

// size is what an object expands to.
func (b *binaryPlist) size(id uint64, depth int) (uint64, error) {
	if n, seen := b.sizes[id]; seen {
		if n == 0 {
			return 0, fmt.Errorf("fake: property list: object %d contains itself", id)
		}
		return n, nil
	}
	if id >= b.count {
		return 0, fmt.Errorf("fake: property list: there is no object %d", id)
	}
	if depth > maxPlistDepth {
		return 0, fmt.Errorf("fake: property list: it is nested more than %d deep", maxPlistDepth)
	}
	at := b.number(b.table+id*b.offsetSize, b.offsetSize)
	if at >= b.table {
		return 0, fmt.Errorf("fake: property list: object %d is not inside the file", id)
	}
	refs, length, at, err := b.extent(at)
	if err != nil {
		return 0, err
	}
	// Objects may overlap, so what is read of them can exceed the file.
	if b.read += refs + length; b.read > maxPlist {
		return 0, errPlistSize
	}
	b.sizes[id] = 0
	total := 1 + length
	for i := range refs {
		n, err := b.size(b.number(at+i*b.wide, b.wide), depth+1)
		if err != nil {
			return 0, err
		}
		if total += n; total > maxPlist {
			return 0, errPlistSize
		}
	}
	b.sizes[id] = total
	return total, nil
}

// extent tells how many references and how many other bytes the object at an
// offset has, and where they start.
func (b *binaryPlist) extent(at uint64) (refs, length, start uint64, err error) {
	const (
		data       = 0x40
		ascii      = 0x50
		utf16      = 0x60
		array      = 0xA0
		dictionary = 0xD0
	)
	tag := b.data[at]
	unit, contains := uint64(1), false
	switch tag & 0xF0 {
	case data, ascii:
	case utf16:
		unit = 2
	case array:
		unit, contains = b.wide, true
	case dictionary:
		unit, contains = 2*b.wide, true
	default:
		return 0, 0, 0, nil
	}
	n := uint64(tag & 0x0F)
	at++
	if n == 0x0F { // the count follows as an integer object
		bytes := uint64(1) << (b.data[at] & 0x0F)
		if bytes > 8 {
			return 0, 0, 0, errPlistSize
		}
		n = b.number(at+1, bytes)
		at += 1 + bytes
	}
	if at > b.table || n > (b.table-at)/unit {
		return 0, 0, 0, errors.New("fake: property list: an object reaches beyond the others")
	}
	if contains {
		return n * unit / b.wide, 0, at, nil
	}
	return 0, n * unit, at, nil
}
