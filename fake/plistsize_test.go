package fake

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"howett.net/plist"
)

// binaryList puts objects into a file. References have a byte each.
func binaryList(top byte, objects ...string) []byte {
	out := []byte("bplist00")
	var table []byte
	for _, o := range objects {
		table = binary.BigEndian.AppendUint32(table, uint32(len(out)))
		out = append(out, o...)
	}
	at := uint64(len(out))
	out = append(out, table...)
	out = append(out, 0, 0, 0, 0, 0, 0, 4, 1)
	for _, n := range []uint64{uint64(len(objects)), uint64(top), at} {
		out = binary.BigEndian.AppendUint64(out, n)
	}
	return out
}

// bomb is a list whose Label is an array of 2^levels strings.
func bomb(levels int) []byte {
	objects := []string{"\xd1\x01\x02", "\x55Label"}
	for i := range levels {
		next := string(rune(len(objects) + 1))
		if i == levels-1 {
			next = "\x01"
		}
		objects = append(objects, "\xa2"+next+next)
	}
	return binaryList(0, objects...)
}

// huge counts what is in a container or a string.
func huge(tag string, count uint64) string {
	return tag + "\x13" + string(binary.BigEndian.AppendUint64(nil, count))
}

func TestBinaryPropertyListsThatExpand(t *testing.T) {
	for levels, ok := range map[int]bool{3: true, 12: true, 30: false, 64: false, 100: false} {
		_, err := ParsePlist(bytes.NewReader(bomb(levels)))
		if ok {
			require.ErrorContains(t, err, "Label must be a string, not array", "%d levels: it is read", levels)
		} else {
			require.ErrorIs(t, err, errPlistSize, "%d levels", levels)
		}
		_, again := CheckPlist(bytes.NewReader(bomb(levels)))
		require.Equal(t, !ok, again != nil, "%d levels", levels)
	}
}

func TestHostileBinaryPropertyLists(t *testing.T) {
	deep := make([]string, 200)
	for i := range deep {
		deep[i] = "\xa1" + string([]byte{byte(i + 1)})
	}
	deep[199] = "\xa0"
	// Many objects at one place: each is read once, but that is often enough.
	overlapping := func(tag string) []byte {
		objects := []string{"\xaf\x10\xfe"}
		for i := range 254 {
			objects[0] += string([]byte{byte(i + 1)})
			objects = append(objects, "")
		}
		objects[254] = tag + "\x11\x13\x88" + strings.Repeat("\xff", 5000)
		return binaryList(0, append(objects, "\x09")...)
	}
	for name, c := range map[string]struct {
		list []byte
		want string
	}{
		"a cycle":                    {binaryList(0, "\xa1\x01", "\xa1\x00"), "contains itself"},
		"itself":                     {binaryList(0, "\xa1\x00"), "contains itself"},
		"no such object":             {binaryList(0, "\xa1\x07"), "no object 7"},
		"no top":                     {binaryList(9, "\xa0"), "no object 9"},
		"too deep":                   {binaryList(0, deep...), "nested more than 128 deep"},
		"a string without end":       {binaryList(0, huge("\x5f", 1<<40)), "beyond the others"},
		"counts that wrap":           {binaryList(0, huge("\xaf", 1<<64-1)), "beyond the others"},
		"counts that wrap twice":     {binaryList(0, huge("\xdf", 1<<63)), "beyond the others"},
		"a count of 16 bytes":        {binaryList(0, "\xaf\x14"+strings.Repeat("\x00", 16)), "too large"},
		"a table that wraps":         {append(binaryList(0, "\xa0")[:9+4+8], bytes.Repeat([]byte{0xff}, 24)...), "not inside the file"},
		"overlapping strings":        {overlapping("\x5f"), "too large"},
		"overlapping arrays":         {overlapping("\xaf"), "too large"},
		"references of 9 bytes":      {bytes.Replace(binaryList(0, "\xa0"), []byte{4, 1}, []byte{4, 9}, 1), "1 to 8 bytes"},
		"text with many parentheses": {bytes.Repeat([]byte{'('}, maxPlist), "this is neither"},
		"a large file":               {bytes.Repeat([]byte{'<'}, maxPlist+1), "too large"},
	} {
		_, err := ParsePlist(bytes.NewReader(c.list))
		require.ErrorContains(t, err, c.want, name)
	}
	_, err := ParsePlist(io.MultiReader(strings.NewReader("<"), endless{}))
	require.ErrorIs(t, err, errPlistSize)
}

// endless is a file that has no end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// What launchd would read is read: each list in both forms.
func TestBinaryFormsOfPropertyLists(t *testing.T) {
	for name := range fixtures {
		list := fixture(t, name)
		want, err := ParsePlist(bytes.NewReader(list))
		require.NoError(t, err, name)
		var v any
		_, err = plist.Unmarshal(list, &v)
		require.NoError(t, err, name)
		list, err = plist.Marshal(v, plist.BinaryFormat)
		require.NoError(t, err, name)
		got, err := ParsePlist(bytes.NewReader(list))
		require.NoError(t, err, name)
		require.Equal(t, want, got, name)
	}
}

// Every file of one byte changed is read or refused.
func TestDamagedBinaryPropertyLists(t *testing.T) {
	list := bomb(3)
	for i := range list {
		for _, c := range []byte{0, 1, 0x0f, 0x7f, 0x80, 0xff} {
			damaged := bytes.Clone(list)
			damaged[i] = c
			require.NotPanics(t, func() { ParsePlist(bytes.NewReader(damaged)) }, "byte %d is %#x", i, c)
		}
	}
}

// What os.Open gives with an error is not read.
func TestPlistOfNoFile(t *testing.T) {
	var none *os.File
	for _, r := range []io.Reader{nil, none} {
		_, err := ParsePlist(r)
		require.ErrorContains(t, err, "the reader is nil")
	}
}
