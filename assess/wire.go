package assess

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"greenroom/consent"
)

// maxRefusal bounds what is read of an answer that is an error, in bytes.
const maxRefusal = 16 << 10

var (
	errAnswerTooLarge = errors.New("the answer is too large")
	errServerIdle     = errors.New("the server sent nothing for too long")
)

// refusal is a server's answer that says no: another status than 2xx, or an error object under 200.
type refusal struct {
	status     int
	message    string // the server's words, bounded and printable; for operators, never for pages
	code       string // e.g. "insufficient_quota"
	retryAfter time.Duration
}

func (r *refusal) Error() string {
	text := fmt.Sprintf("the server refused (HTTP %d)", r.status)
	if r.message != "" {
		text += ": " + r.message
	}
	return text
}

// temporary: the same request may do better later. A used-up quota also comes as 429.
func (r *refusal) temporary() bool {
	switch {
	case r.code == "insufficient_quota":
		return false
	case r.status == http.StatusRequestTimeout, r.status == http.StatusTooManyRequests:
		return true
	default:
		return r.status >= http.StatusInternalServerError && r.status != http.StatusNotImplemented
	}
}

// errPastContext says that a request has more text than the model can read at once. Nothing that is left out of the
// request's form makes it shorter, and no later try does.
var errPastContext = errors.New("the text is longer than the model can read at once")

// tooLong: servers say it by a code of their own, or in words.
func (r *refusal) tooLong() bool {
	switch {
	case r.status == http.StatusTooManyRequests, r.status >= http.StatusInternalServerError:
		return false // of tokens in a minute, or of its own memory
	case r.status == http.StatusRequestEntityTooLarge, r.code == "context_length_exceeded", r.code == "exceed_context_size_error":
		return true
	}
	said := strings.ToLower(r.message)
	for _, words := range []string{"context length", "context size", "context window", "maximum context", "prompt is too long", "input is too long", "too many tokens"} {
		if strings.Contains(said, words) {
			return true
		}
	}
	return false
}

// unsupported: the server does not take something in the request, so a simpler one may do.
func (r *refusal) unsupported() bool {
	switch r.status {
	case http.StatusBadRequest, http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity, http.StatusNotImplemented:
		return true
	default:
		return false
	}
}

// wire sends the requests of one call: it lets out only what may leave, refuses any answer that is not
// 2xx, and bounds what is read. It is what the OpenAI client takes for an HTTP client.
type wire struct {
	client  *http.Client
	base    string                 // of the address; nothing is sent elsewhere
	allowed func() error           // asked before each request, each try apart
	coldest bool                   // ask for temperature 0
	limit   int64                  // bytes of the answer
	secret  string                 // never repeated in an error
	says    func(text string) bool // what may be asked to be said aloud; nil: nothing

	whole bool          // read the whole answer into body, and hand on an empty object
	body  []byte        // the whole answer
	idle  time.Duration // for streams: longest time without a byte
	tail  []byte        // for streams: the last bytes, to find an error in
}

// Do sends one request.
func (w *wire) Do(request *http.Request) (*http.Response, error) {
	if err := w.allowed(); err != nil {
		return nil, err
	}
	if err := w.outgoing(request); err != nil {
		return nil, err
	}
	if w.whole {
		return w.doWhole(request)
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(w.idle, func() { cancel(errServerIdle) })
	response, err := w.client.Do(request.WithContext(ctx)) //nolint:gosec // to the address that the operator set
	if err != nil {
		err = networkError{err}
	} else {
		err = w.check(response)
	}
	if err != nil {
		timer.Stop()
		if errors.Is(context.Cause(ctx), errServerIdle) {
			err = networkError{errServerIdle}
		}
		cancel(nil)
		return nil, err
	}
	response.Body = &streamBody{wire: w, source: response.Body, ctx: ctx, cancel: cancel, timer: timer, left: w.limit}
	return response, nil
}

func (w *wire) doWhole(request *http.Request) (*http.Response, error) {
	response, err := w.client.Do(request) //nolint:gosec // to the address that the operator set
	if err != nil {
		return nil, networkError{err}
	}
	if err := w.check(response); err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }() // only read
	w.body, err = io.ReadAll(io.LimitReader(response.Body, w.limit+1))
	if err != nil {
		return nil, networkError{fmt.Errorf("read answer: %w", err)}
	}
	if int64(len(w.body)) > w.limit {
		return nil, errAnswerTooLarge
	}
	response.Body = io.NopCloser(strings.NewReader("{}")) // the client decodes too strictly: we do it
	return response, nil
}

// check returns a refusal, and closes the body, unless the status is 2xx and the content is no web
// page, which is what proxies and wrong addresses answer.
func (w *wire) check(response *http.Response) error {
	kind, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	good := response.StatusCode >= 200 && response.StatusCode < 300
	page := kind == "text/html"
	object := kind == "application/json" && !w.whole // instead of a stream
	if good && !page && !object {
		return nil
	}
	defer func() { _ = response.Body.Close() }() // only read
	if good && page {
		return errors.New("the server answered with a web page: check the base URL")
	}
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxRefusal))
	if err != nil {
		raw = nil // the status says enough
	}
	refused := w.refusalIn(raw, response.StatusCode)
	if refused == nil && good {
		return errors.New("the server answered with one object instead of a stream")
	}
	if refused == nil {
		refused = &refusal{status: response.StatusCode}
	}
	refused.retryAfter = retryAfter(response.Header.Get("Retry-After"), time.Now())
	return refused
}

// refusalIn finds an error object in an answer: {"error":{"message":…}}, {"error":"…"} (Ollama),
// {"object":"error","message":…} (vLLM) or {"detail":"…"} (FastAPI). It returns nil for anything else.
func (w *wire) refusalIn(raw []byte, status int) *refusal {
	var answer struct {
		Object  string          `json:"object"`
		Error   json.RawMessage `json:"error"`
		Message json.RawMessage `json:"message"`
		Detail  json.RawMessage `json:"detail"`
		Code    json.RawMessage `json:"code"`
	}
	if json.Unmarshal(raw, &answer) != nil {
		return nil //nolint:nilerr // what is no JSON holds no error object
	}
	refused := &refusal{status: status}
	switch {
	case saysSomething(answer.Error):
		var inner struct {
			Message json.RawMessage `json:"message"`
			Code    json.RawMessage `json:"code"`
			Type    json.RawMessage `json:"type"`
		}
		_ = json.Unmarshal(answer.Error, &inner) // a text has no fields
		refused.message = firstText(answer.Error, inner.Message)
		refused.code = firstText(inner.Code, inner.Type)
	case answer.Object == "error", status >= http.StatusMultipleChoices:
		refused.message = firstText(answer.Message, answer.Detail)
		refused.code = firstText(answer.Code)
	default:
		return nil
	}
	refused.message = w.printable(refused.message)
	return refused
}

// saysSomething: some servers have an empty "error" in every answer.
func saysSomething(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", "false", `""`, "{}":
		return false
	default:
		return true
	}
}

// firstText returns the first of the values that is a JSON string.
func firstText(values ...json.RawMessage) string {
	for _, value := range values {
		var text string
		if json.Unmarshal(value, &text) == nil && text != "" {
			return text
		}
	}
	return ""
}

// printable cuts a server's message short, takes the key out, and what follows where validators
// repeat the request, which holds a candidate's words.
func (w *wire) printable(text string) string {
	if w.secret != "" {
		text = strings.ReplaceAll(text, w.secret, "[key]")
	}
	for _, mark := range []string{"'input':", `"input":`, "input_value=", "'messages':", `"messages":`} {
		if at := strings.Index(text, mark); at >= 0 {
			text = text[:at] + "…"
		}
	}
	text = cleanText(text)
	if runes := []rune(text); len(runes) > 200 {
		text = string(runes[:200]) + "…"
	}
	return text
}

// streamBody bounds a stream in bytes and in silence, and keeps its last bytes.
type streamBody struct {
	wire   *wire
	source io.ReadCloser
	ctx    context.Context //nolint:containedctx // of the request whose body this is
	cancel context.CancelCauseFunc
	timer  *time.Timer
	left   int64
}

func (b *streamBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errAnswerTooLarge
	}
	n, err := b.source.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if n > 0 {
		b.timer.Reset(b.wire.idle)
		b.wire.tail = append(b.wire.tail, p[:n]...)
		b.wire.tail = b.wire.tail[max(0, len(b.wire.tail)-maxRefusal):]
	}
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return n, err
	case errors.Is(context.Cause(b.ctx), errServerIdle):
		return n, networkError{errServerIdle}
	default:
		return n, networkError{err}
	}
}

func (b *streamBody) Close() error {
	b.timer.Stop()
	b.cancel(nil)
	return b.source.Close()
}

// lastError finds an error object in the last lines of a stream that ended badly.
func (w *wire) lastError() *refusal {
	for line := range bytes.Lines(w.tail) {
		line = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(line), []byte("data:")))
		if refused := w.refusalIn(line, http.StatusOK); refused != nil {
			return refused
		}
	}
	return nil
}

// retryAfter reads the header of RFC 9110 10.2.3: seconds or a date.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseFloat(header, 64); err == nil && seconds > 0 && seconds < 1e6 {
		return time.Duration(seconds * float64(time.Second))
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

// networkError marks a failure below the server's answer, which another try may not meet.
type networkError struct{ cause error }

func (e networkError) Error() string { return e.cause.Error() }
func (e networkError) Unwrap() error { return e.cause }

// finalError marks an error after which trying again would do harm.
type finalError struct{ cause error }

func (e finalError) Error() string { return e.cause.Error() }
func (e finalError) Unwrap() error { return e.cause }

// persist calls attempt until it succeeds, fails for good, has been tried often enough, or the next
// try would begin after the deadline of ctx.
func persist(ctx context.Context, tries int, pause time.Duration, attempt func(context.Context) error) error {
	for try := 1; ; try++ {
		err := attempt(ctx)
		if err == nil || try >= tries || ctx.Err() != nil || !worthRetrying(err) {
			return err
		}
		wait := pause<<(try-1) + rand.N(pause) //nolint:gosec // spreads retries, guards nothing
		var refused *refusal
		if errors.As(err, &refused) && refused.retryAfter > 0 {
			wait = refused.retryAfter
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
			return err // waiting would only replace a reason by a timeout
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return err
		}
	}
}

// worthRetrying: a temporary refusal, or a failure of the network under it.
func worthRetrying(err error) bool {
	var refused *refusal
	var network networkError
	var final finalError
	switch {
	case errors.As(err, &final):
		return false
	case errors.As(err, &refused):
		return refused.temporary()
	default:
		return errors.As(err, &network)
	}
}

// nextStep says what an operator can do about an error.
func nextStep(err error) string {
	var refused *refusal
	var network networkError
	switch {
	case errors.Is(err, errTooLong):
		return "turn thinking off at the server, or use a model that answers in fewer words"
	case errors.Is(err, errDeclined):
		return "look at the server's content filter, or use another model"
	case errors.Is(err, errPastContext):
		return "give the model a longer context at its server, or choose one that has it"
	case errors.Is(err, consent.ErrProvider):
		return "review the provider, and write the day into the register"
	case errors.As(err, &refused):
		switch refused.status {
		case http.StatusUnauthorized, http.StatusForbidden:
			return "check the API key"
		case http.StatusNotFound:
			return "check the base URL and the model's name"
		case http.StatusTooManyRequests:
			return "wait, or raise the quota"
		default:
			return "look at the server's own log"
		}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, errServerIdle):
		return "check that the server is fast enough, or raise the timeout"
	case errors.As(err, &network):
		return "check that the server runs and can be reached"
	default:
		return "check that the base URL and the model are the right ones"
	}
}
