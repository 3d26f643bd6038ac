package assess

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestErrorObjectsAreFound(t *testing.T) {
	tests := []struct {
		raw     string
		status  int
		message string
		found   bool
	}{
		{`{"error":{"message":"no","code":"x"}}`, 200, "no", true},
		{`{"error":"no"}`, 200, "no", true},
		{`{"error":{"message":["a","b"]}}`, 200, "", true},
		{`{"error":{"message":"no","code":42}}`, 500, "no", true},
		{`{"error":7}`, 200, "", true},
		{`{"object":"error","message":"no"}`, 200, "no", true},
		{`{"detail":"no"}`, 422, "no", true},
		{`{"detail":[{"msg":"no","input":"secret"}]}`, 422, "", true},
		{`{"message":"no"}`, 404, "no", true},
		{`{"detail":"no"}`, 200, "", false},
		{`{"message":"no"}`, 200, "", false},
		{`{"text":"error"}`, 200, "", false},
		{`{"error":null,"text":"a"}`, 200, "", false},
		{`{"error":"","text":"a"}`, 200, "", false},
		{`{"error":{},"text":"a"}`, 200, "", false},
		{`{"error":false,"text":"a"}`, 200, "", false},
		{`no JSON`, 500, "", false},
		{`[]`, 500, "", false},
		{``, 500, "", false},
	}
	for _, test := range tests {
		refused := (&wire{}).refusalIn([]byte(test.raw), test.status)
		if (refused != nil) != test.found {
			t.Errorf("%s (%d): found %v, want %t", test.raw, test.status, refused, test.found)
		} else if test.found && (refused.message != test.message || refused.status != test.status) {
			t.Errorf("%s (%d): got %+v, want %q", test.raw, test.status, refused, test.message)
		}
	}
}

func TestServersMessagesAreMadeHarmless(t *testing.T) {
	w := &wire{secret: "sk-123"}
	tests := []struct{ raw, want string }{
		{"plain", "plain"},
		{"bad key sk-123, yes sk-123", "bad key [key], yes [key]"},
		{"line\nend \x1b[31mred", "line end [31mred"},
		{`bad: {'type': 'x', 'input': 'what I said'}`, `bad: {'type': 'x', …`},
		{`bad {"messages": [{"content":"what I said"}]}`, "bad {…"},
		{"\xff\xfe", "\uFFFD"},
		{strings.Repeat("é", 300), strings.Repeat("é", 200) + "…"},
	}
	for _, test := range tests {
		if got := w.printable(test.raw); got != test.want {
			t.Errorf("printable(%q) = %q, want %q", test.raw, got, test.want)
		}
	}
}

func FuzzErrorObjects(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"no","code":"x"}}`), 500)
	f.Add([]byte(`{"object":"error","message":"sk-123"}`), 200)
	f.Fuzz(func(t *testing.T, raw []byte, status int) {
		w := &wire{secret: "sk-123"}
		refused := w.refusalIn(raw, status)
		if refused == nil {
			return
		}
		if !utf8.ValidString(refused.message) || len(refused.message) > 900 || strings.Contains(refused.message, w.secret) {
			t.Errorf("message of %d bytes: %q", len(refused.message), refused.message)
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	tests := []struct {
		header string
		want   time.Duration
	}{
		{"", 0},
		{"2", 2 * time.Second},
		{"0.5", 500 * time.Millisecond},
		{"-1", 0},
		{"1e300", 0},
		{"NaN", 0},
		{"soon", 0},
		{"Sun, 22 Nov 2026 12:00:07 GMT", 7 * time.Second},
		{"Sun, 22 Nov 2026 11:00:00 GMT", 0},
	}
	for _, test := range tests {
		if got := retryAfter(test.header, now); got != test.want {
			t.Errorf("retryAfter(%q) = %s, want %s", test.header, got, test.want)
		}
	}
}

func TestRefusalsWorthAnotherTry(t *testing.T) {
	tests := []struct {
		refused                refusal
		temporary, unsupported bool
	}{
		{refusal{status: http.StatusOK}, false, false},
		{refusal{status: http.StatusBadRequest}, false, true},
		{refusal{status: http.StatusUnauthorized}, false, false},
		{refusal{status: http.StatusNotFound}, false, false},
		{refusal{status: http.StatusRequestTimeout}, true, false},
		{refusal{status: http.StatusRequestEntityTooLarge}, false, false},
		{refusal{status: http.StatusUnprocessableEntity}, false, true},
		{refusal{status: http.StatusTooManyRequests}, true, false},
		{refusal{status: http.StatusTooManyRequests, code: "insufficient_quota"}, false, false},
		{refusal{status: http.StatusInternalServerError}, true, false},
		{refusal{status: http.StatusNotImplemented}, false, true},
		{refusal{status: 529}, true, false},
	}
	for _, test := range tests {
		if got := test.refused.temporary(); got != test.temporary {
			t.Errorf("%+v: temporary %t", test.refused, got)
		}
		if got := test.refused.unsupported(); got != test.unsupported {
			t.Errorf("%+v: unsupported %t", test.refused, got)
		}
	}
}

func TestPersistWaitsAsToldAndGivesUp(t *testing.T) {
	late := &refusal{status: http.StatusTooManyRequests, retryAfter: time.Hour}
	soon := &refusal{status: http.StatusTooManyRequests, retryAfter: time.Nanosecond}
	tests := []struct {
		name string
		errs []error // of the tries; after them it succeeds
		want int     // tries
		err  error
	}{
		{"at once", nil, 1, nil},
		{"after two failures", []error{networkError{errServerIdle}, soon}, 3, nil},
		{"never", []error{soon, soon, soon, soon, soon}, openAITries, soon},
		{"not before the deadline", []error{late}, 1, late},
		{"for good", []error{errAnswerTooLarge}, 1, errAnswerTooLarge},
		{"doing harm", []error{finalError{networkError{errServerIdle}}}, 1, errServerIdle},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			tries := 0
			err := persist(ctx, openAITries, time.Millisecond, func(context.Context) error {
				tries++
				if tries <= len(test.errs) {
					return test.errs[tries-1]
				}
				return nil
			})
			if tries != test.want || !errors.Is(err, test.err) {
				t.Errorf("%d tries, error %v; want %d and %v", tries, err, test.want, test.err)
			}
		})
	}
}

func TestPersistStopsWaitingWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	refused := &refusal{status: http.StatusTooManyRequests, retryAfter: time.Hour}
	waiting := make(chan struct{})
	done := make(chan error)
	go func() { // ends with persist; the test waits for done
		done <- persist(ctx, 3, time.Millisecond, func(context.Context) error {
			close(waiting)
			return refused
		})
	}()
	<-waiting
	cancel()
	if err := <-done; !errors.Is(err, refused) {
		t.Errorf("got %v", err)
	}
}
