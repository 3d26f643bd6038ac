package rehearse

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"
)

// client speaks the HTTP API as the page does. It keeps the cookie itself: the standard jar refuses to
// send a Secure cookie to http://localhost, browsers do send it.
type client struct {
	base   string // without a slash at the end
	http   *http.Client
	cookie string
}

// problem is an RFC 9457 problem document.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Next   string `json:"next"`
}

func (p problem) Error() string {
	return strings.TrimSpace(fmt.Sprintf("%d %s: %s %s", p.Status, p.Title, p.Detail, p.Next))
}

const longestAnswer = 16 << 20 // bytes of a JSON answer

func newClient(base string) *client {
	return &client{base: strings.TrimRight(base, "/"), http: &http.Client{Timeout: 30 * time.Second}}
}

// call sends a JSON request and decodes the JSON answer into out, if out is not nil.
func (c *client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		text, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
		body = bytes.NewReader(text)
	}
	answer, err := c.do(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, longestAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if out == nil || len(text) == 0 {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	return nil
}

// do sends a request and returns an answer whose status is below 400, or the problem as an error.
func (c *client) do(ctx context.Context, method, path string, body io.Reader, header http.Header) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	maps.Copy(request.Header, header)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Origin", c.base)
	if c.cookie != "" {
		request.Header.Set("Cookie", c.cookie)
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	for _, cookie := range answer.Cookies() {
		c.cookie = cookie.Name + "=" + cookie.Value
	}
	if answer.StatusCode < http.StatusBadRequest {
		return answer, nil
	}
	defer func() { _ = answer.Body.Close() }()
	said := problem{Status: answer.StatusCode, Title: http.StatusText(answer.StatusCode)}
	_ = json.NewDecoder(io.LimitReader(answer.Body, 1<<16)).Decode(&said) // a body that is no problem document adds nothing
	return nil, fmt.Errorf("%s %s: %w", method, path, said)
}

// refused reports whether err is the server's refusal with this status.
func refused(err error, status int) bool {
	var said problem
	return errors.As(err, &said) && said.Status == status
}
