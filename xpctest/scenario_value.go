package xpctest

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-xpc/xpc"
)

// Values in scenarios: 1 is an int64, 1u a uint64, 1.5 a double; "text", true,
// null, x"00ff" (data), @1000 (a date in nanoseconds), [1, 2], {key: 1}, data of
// 100 bytes, nested 5 (dictionaries), the endpoint of a listener, uuid 1.

type valueReader struct {
	s        string
	endpoint func(name string) (*xpc.Endpoint, error)
	received func(name string) (*xpc.Endpoint, error)
}

var errValue = errors.New("no value")

func (r *valueReader) space() { r.s = strings.TrimLeft(r.s, " ") }

func (r *valueReader) eat(prefix string) bool {
	r.space()
	rest, ok := strings.CutPrefix(r.s, prefix)
	if ok {
		r.s = rest
	}
	return ok
}

func (r *valueReader) word() string {
	r.space()
	i := strings.IndexFunc(r.s, func(c rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+-", c)
	})
	if i < 0 {
		i = len(r.s)
	}
	w := r.s[:i]
	r.s = r.s[i:]
	return w
}

func (r *valueReader) quoted() (string, error) {
	q, err := strconv.QuotedPrefix(r.s)
	if err != nil {
		return "", fmt.Errorf("%w: %s", errValue, r.s)
	}
	r.s = r.s[len(q):]
	return strconv.Unquote(q)
}

func (r *valueReader) dictionary() (xpc.Dictionary, error) {
	v, err := r.value()
	d, ok := v.(xpc.Dictionary)
	if err == nil && !ok {
		err = fmt.Errorf("%w: a dictionary is wanted", errValue)
	}
	return d, err
}

func (r *valueReader) value() (any, error) {
	switch {
	case r.eat("{"):
		d := xpc.Dictionary{}
		for !r.eat("}") {
			r.space()
			var key string
			var err error
			if strings.HasPrefix(r.s, `"`) {
				key, err = r.quoted()
			} else {
				key = r.word()
			}
			if err != nil || !r.eat(":") {
				return nil, fmt.Errorf("%w: a key is wanted: %s", errValue, r.s)
			}
			if d[key], err = r.value(); err != nil {
				return nil, err
			}
			r.eat(",")
		}
		return d, nil
	case r.eat("["):
		a := xpc.Array{}
		for !r.eat("]") {
			v, err := r.value()
			if err != nil {
				return nil, err
			}
			a = append(a, v)
			r.eat(",")
		}
		return a, nil
	case r.eat("the endpoint of "):
		return r.endpoint(r.word())
	case r.eat("the endpoint received by "):
		return r.received(r.word())
	case r.eat("data of "):
		n, err := strconv.Atoi(r.word())
		r.eat("bytes")
		return make([]byte, n), err
	case r.eat("nested "):
		n, err := strconv.Atoi(r.word())
		d := xpc.Dictionary{}
		for ; n > 1; n-- {
			d = xpc.Dictionary{"d": d}
		}
		return d, err
	case r.eat("uuid "):
		n, err := strconv.Atoi(r.word())
		return xpc.UUID{15: byte(n)}, err
	case r.eat("an endpoint"):
		return nil, fmt.Errorf("%w: which endpoint?", errValue)
	case r.eat("a bad descriptor"):
		return xpc.FD(1 << 20), nil
	case r.eat("@"):
		n, err := strconv.ParseInt(r.word(), 10, 64)
		return time.Unix(0, n).UTC(), err
	case r.eat("x"):
		q, err := r.quoted()
		if err != nil {
			return nil, err
		}
		return hex.DecodeString(q)
	}
	r.space()
	if strings.HasPrefix(r.s, `"`) {
		return r.quoted()
	}
	w := r.word()
	switch w {
	case "true", "false":
		return w == "true", nil
	case "null":
		return nil, nil
	case "nan", "-inf", "inf":
		return strconv.ParseFloat(w, 64)
	}
	if n, ok := strings.CutSuffix(w, "u"); ok {
		return strconv.ParseUint(n, 10, 64)
	}
	if strings.ContainsAny(w, ".e") {
		return strconv.ParseFloat(w, 64)
	}
	n, err := strconv.ParseInt(w, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("%w: %q before %q", errValue, w, r.s)
	}
	return n, nil
}

// valueText writes a value so that equal ones have equal texts.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case int64:
		return strconv.FormatInt(v, 10)
	case uint64:
		return strconv.FormatUint(v, 10) + "u"
	case float64:
		s := strconv.FormatFloat(v, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") && !math.IsNaN(v) && !math.IsInf(v, 0) {
			s += ".0"
		}
		return strings.ToLower(strings.TrimPrefix(s, "+"))
	case bool:
		return strconv.FormatBool(v)
	case string:
		return strconv.Quote(v)
	case []byte:
		if len(v) > 32 {
			return fmt.Sprintf("data of %d bytes", len(v))
		}
		return `x"` + hex.EncodeToString(v) + `"`
	case time.Time:
		return fmt.Sprintf("@%d", v.UnixNano())
	case xpc.UUID:
		return fmt.Sprintf("uuid %d", v[15])
	case *xpc.Endpoint:
		return "an endpoint"
	case *os.File, xpc.FD:
		return "a descriptor"
	case xpc.Array:
		var parts []string
		for _, x := range v {
			parts = append(parts, valueText(x))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case xpc.Dictionary:
		if n := depth(v); n > 4 {
			return fmt.Sprintf("nested %d", n)
		}
		var parts []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			key := k
			if r := (valueReader{s: k}); k == "" || r.word() != k {
				key = strconv.Quote(k)
			}
			parts = append(parts, key+": "+valueText(v[k]))
		}
		return "{" + strings.Join(parts, ", ") + "}"
	}
	return fmt.Sprintf("%T", v)
}

func depth(v any) int {
	d, ok := v.(xpc.Dictionary)
	if !ok {
		return 0
	}
	n := 0
	for _, x := range d {
		n = max(n, depth(x))
	}
	return n + 1
}

// anyEndpoint reads "an endpoint" in what is expected, and nothing else does.
func normal(text string) (string, error) {
	r := valueReader{s: strings.ReplaceAll(text, "an endpoint", "the endpoint of x"),
		endpoint: func(string) (*xpc.Endpoint, error) { return nil, nil }}
	v, err := r.value()
	if err != nil {
		return "", err
	}
	if strings.TrimSpace(r.s) != "" {
		return "", fmt.Errorf("%w: what is %q", errValue, r.s)
	}
	return valueText(v), nil
}
