package storage

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"io"
	"testing"
)

// refusingWriter takes half of what it is given.
type refusingWriter struct{}

func (refusingWriter) Write(p []byte) (int, error) { return len(p) / 2, io.ErrClosedPipe }

// TestABodyIsFreeWhenNobodyReadsItAnyMore: its bytes are overwritten with those of another file then.
func TestABodyIsFreeWhenNobodyReadsItAnyMore(t *testing.T) {
	t.Parallel()
	data := bytes.Repeat([]byte("ciphertext"), 1000)
	begin := func(b *objectBody) { _, _ = b.Seek(0, io.SeekStart) }
	some := func(b *objectBody) { _, _ = b.Read(make([]byte, len(data)/2)) }
	all := func(b *objectBody) { _, _ = io.ReadFull(b, make([]byte, len(data))) }
	copied := func(b *objectBody) { _, _ = b.WriteTo(io.Discard) }
	broken := func(b *objectBody) { _, _ = b.WriteTo(refusingWriter{}) }
	for name, c := range map[string]struct {
		steps []func(*objectBody)
		want  bool
	}{
		"nobody asked for it":              {nil, true},
		"asked for and not read":           {[]func(*objectBody){begin}, false},
		"read in part":                     {[]func(*objectBody){begin, some}, false},
		"read":                             {[]func(*objectBody){begin, all}, true},
		"copied":                           {[]func(*objectBody){begin, copied}, true},
		"the connection broke":             {[]func(*objectBody){begin, broken}, false},
		"read in part, and then once more": {[]func(*objectBody){begin, some, begin, all}, false},
		"read, and then begun once more":   {[]func(*objectBody){begin, all, begin}, false},
	} {
		body := newObjectBody(data)
		for _, step := range c.steps {
			step(body)
		}
		if body.free() != c.want {
			t.Errorf("%s: free %v, want %v", name, body.free(), c.want)
		}
	}
}

// TestAStoredBodyIsFree goes through the real client, which decides when it begins to read.
func TestAStoredBodyIsFree(t *testing.T) {
	t.Parallel()
	onEveryStore(t, func(t *testing.T, config ObjectsConfig) {
		t.Helper()
		objects := openTestObjects(t, config)
		data := bytes.Repeat([]byte("ciphertext"), 1000)
		body := newObjectBody(data)
		if err := objects.createSummed(t.Context(), "free", body, sha256.Sum256(data)); err != nil {
			t.Fatal(err)
		}
		if body.attempts.Load() != 1 || !body.free() {
			t.Errorf("after %d attempts a stored body is free: %v; want one, and true", body.attempts.Load(), body.free())
		}
		other := newObjectBody([]byte("another"))
		err := objects.createSummed(t.Context(), "free", other, sha256.Sum256(other.data))
		if !errors.Is(err, errObjectDiffers) || other.attempts.Load() == 0 {
			t.Errorf("another object: %v after %d attempts; want it refused, and that it was begun", err, other.attempts.Load())
		}
	})
}
