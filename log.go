package xpc

import (
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-xpc/xpc/internal/wire"
)

// LogValue makes a group of the dictionary: its keys sorted, nested dictionaries
// as groups, and what has no form of its own in slog as [Describe] shows it, on
// one line.
func (d Dictionary) LogValue() slog.Value { return logValue(d, localLimits.Depth) }

// LogValue describes the array on one line.
func (a Array) LogValue() slog.Value { return slog.StringValue(describeInline(a)) }

// LogValue makes a group of the message, as [Dictionary.LogValue] does, without
// taking anything out of it.
func (m *Message) LogValue() slog.Value {
	if m != nil {
		if body, err := m.contents("LogValue"); err == nil {
			return m.logValue(body, localLimits.Depth)
		}
	}
	return slog.StringValue(describeInline(m))
}

func logValue(v any, depth int) slog.Value {
	x, ok := closed(v)
	if !ok {
		if x, ok = look(v); !ok {
			return slog.StringValue(describeInline(v))
		}
	}
	switch x := x.(type) {
	case bool:
		return slog.BoolValue(x)
	case int64:
		return slog.Int64Value(x)
	case uint64:
		return slog.Uint64Value(x)
	case float64:
		return logDouble(x)
	case string:
		return slog.StringValue(x)
	case time.Time:
		return slog.TimeValue(x)
	case UUID:
		return slog.StringValue(x.String())
	case Dictionary:
		if depth == 0 {
			break
		}
		attrs := make([]slog.Attr, 0, len(x))
		for k, e := range x {
			attrs = append(attrs, slog.Attr{Key: k, Value: logValue(e, depth-1)})
		}
		return logGroup(attrs)
	}
	return slog.StringValue(describeInline(v))
}

func (m *Message) logValue(v wire.Value, depth int) slog.Value {
	switch v.Tag() {
	case wire.True, wire.False:
		return slog.BoolValue(v.Tag() == wire.True)
	case wire.Int64:
		return slog.Int64Value(v.Int64())
	case wire.Uint64:
		return slog.Uint64Value(v.Uint64())
	case wire.Double:
		return logDouble(v.Double())
	case wire.String:
		return slog.StringValue(string(v.Text()))
	case wire.Date:
		return slog.TimeValue(fromDateNanos(v.Int64()))
	case wire.UUID:
		return slog.StringValue(UUID(v.UUID()).String())
	case wire.Dictionary:
		all, keys, err := elements(v)
		if err != nil || depth == 0 {
			break
		}
		attrs := make([]slog.Attr, len(all))
		for i, e := range all {
			attrs[i] = slog.Attr{Key: keys[i], Value: m.logValue(e, depth-1)}
		}
		return logGroup(attrs)
	}
	p := printer{depth: depth}
	err := m.with("LogValue", func(d *decoder) error {
		p.flat(d.d, v)
		return nil
	})
	p.broken(err)
	return slog.StringValue(string(p.buf))
}

// logDouble keeps what JSON has no number for from spoiling a line.
func logDouble(f float64) slog.Value {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return slog.StringValue(describeInline(f))
	}
	return slog.Float64Value(f)
}

func logGroup(attrs []slog.Attr) slog.Value {
	slices.SortFunc(attrs, func(a, b slog.Attr) int { return strings.Compare(a.Key, b.Key) })
	return slog.GroupValue(attrs...)
}
