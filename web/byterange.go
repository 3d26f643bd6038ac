package web

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
)

// byteRange is the bytes [from, to) of a file.
type byteRange struct{ from, to int64 }

// errRange says that a range lies outside the file.
var errRange = errors.New("range not satisfiable")

// rangeOf reads the Range field of a request for a file of the given size (RFC 9110 section 14). It
// reports whether a part was asked for; everything that the section lets a server ignore means the
// whole file: other methods, other units, bad syntax, several ranges, and If-Range, because there is
// never a validator that could match.
func rangeOf(r *http.Request, size int64) (_ byteRange, partial bool, _ error) {
	whole := byteRange{0, size}
	field := r.Header.Get("Range")
	spec, isBytes := strings.CutPrefix(strings.ToLower(field), "bytes=")
	if r.Method != http.MethodGet || !isBytes || len(r.Header.Values("Range")) > 1 || r.Header.Get("If-Range") != "" {
		return whole, false, nil
	}
	firstText, lastText, ok := strings.Cut(strings.TrimSpace(spec), "-")
	first, hasFirst := position(firstText)
	last, hasLast := position(lastText)
	switch {
	case !ok, !hasFirst && firstText != "", !hasLast && lastText != "", !hasFirst && !hasLast, hasFirst && hasLast && last < first:
		return whole, false, nil
	case !hasFirst: // the last n bytes
		if last == 0 || size == 0 {
			return byteRange{}, true, errRange
		}
		return byteRange{max(0, size-last), size}, true, nil
	case first >= size:
		return byteRange{}, true, errRange
	case !hasLast || last >= size-1:
		return byteRange{first, size}, true, nil
	default:
		return byteRange{first, last + 1}, true, nil
	}
}

// position reads digits and nothing else; a number too large for the file is as good as its end.
func position(text string) (int64, bool) {
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 1<<63 - 1, true
	}
	return n, true
}
