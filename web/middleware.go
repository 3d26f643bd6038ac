package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"greenroom/consent"
)

// visit is what is known about one request on its way through the server.
type visit struct {
	id       string
	address  string // of the client, without the port
	token    [32]byte
	hasToken bool
	device   string // kind of browser and system
	logIn    consent.ActiveLogIn
	account  consent.Account // of logIn
	fault    error           // why the log-in could not be read
	route    string
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	if v, ok := ctx.Value(visitKey{}).(*visit); ok {
		return v
	}
	return &visit{}
}

const (
	maxBody      = 1 << 20          // bytes
	writeTimeout = 30 * time.Second // for a whole answer; streams set their own, write by write
)

// ServeHTTP implements [http.Handler]: limits and headers first, then the route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := s.now()
	v := &visit{id: consent.NewID[string](), address: clientAddress(r, s.cfg.TrustedProxies), device: deviceOf(r.UserAgent())}
	r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
	out := &recorder{ResponseWriter: w}
	setSecurityHeaders(out.Header(), r.URL.Path)
	out.Header().Set("X-Request-Id", v.id)
	r.Body = http.MaxBytesReader(out, r.Body, maxBody)
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(writeTimeout)) // not every connection has one

	defer func() { // it logs and answers under the request's own context
		fault := recover()
		s.logAccess(r, out, v, s.now().Sub(began))
		switch fault {
		case nil:
		case http.ErrAbortHandler:
			panic(fault)
		default:
			s.log.ErrorContext(r.Context(), "handler panicked", "request", v.id, "route", v.route, "panic", fault, "stack", string(debug.Stack()))
			if out.status == 0 {
				writeProblem(out, problemOf(errors.New("handler panicked")))
			}
		}
	}()
	s.crossOrigin.Handler(http.HandlerFunc(s.route)).ServeHTTP(out, r)
}

// route finds out who is calling, counts the request and hands it to its handler.
func (s *Server) route(w http.ResponseWriter, r *http.Request) {
	v := visitOf(r.Context())
	if strings.HasPrefix(r.URL.Path, "/api/") {
		w.Header().Set("Cache-Control", "private, no-store")
		w.Header().Set("Vary", "Cookie")
		if refused := s.guard(r, v); refused != nil {
			writeProblem(w, refused)
			return
		}
	}
	defer func() { v.route = r.Pattern }()
	s.mux.ServeHTTP(w, r)
}

// guard applies to everything under /api: where a change comes from, who asks, and how often.
func (s *Server) guard(r *http.Request, v *visit) *problem {
	if changes(r.Method) && r.Header.Get("Cookie") != "" && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
		return foreignOrigin() // CrossOriginProtection lets these pass, for clients that are no browsers
	}
	s.identify(r, v)
	var wait time.Duration
	if v.account.ID != "" {
		wait = s.perAccount.allow(string(v.account.ID))
	} else {
		wait = s.perAddress.allow(v.address)
	}
	if wait > 0 {
		return tooMany("You are asking faster than this server answers.", wait)
	}
	return nil
}

// countLogIn counts a log-in or a new account, which cost a password hash each.
func (s *Server) countLogIn(ctx context.Context) error {
	if wait := s.logIns.allow(visitOf(ctx).address); wait > 0 {
		return tooMany("Too many log-ins from your network.", wait)
	}
	return nil
}

func changes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

func foreignOrigin() *problem {
	return newProblem(http.StatusForbidden, "This request does not say that it comes from this site's own page.",
		"Open the page of this server and try again; a program sends an Origin header of this server.")
}

func setSecurityHeaders(h http.Header, path string) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "+
		"media-src 'self' blob:; connect-src 'self'; font-src 'self'; frame-ancestors 'none'; base-uri 'none'; "+
		"form-action 'self'; require-trusted-types-for 'script'")
	devices := "()"
	if isInterviewPage(path) {
		devices = "(self)"
	}
	h.Set("Permissions-Policy", "camera="+devices+", microphone="+devices+", display-capture=(), geolocation=()")
	h.Set("Strict-Transport-Security", "max-age=63072000; includeSubDomains")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
}

// isInterviewPage: the two pages that use camera and microphone. A browser takes the policy of the
// document it loaded, so these two must be loaded, not only navigated to.
func isInterviewPage(path string) bool {
	rest, ok := strings.CutPrefix(path, "/sessions/")
	if !ok {
		return false
	}
	id, page, ok := strings.Cut(rest, "/")
	return ok && id != "" && (page == "devices" || page == "room")
}

// logAccess leaves one line without ids of people or sessions and without the query.
func (s *Server) logAccess(r *http.Request, out *recorder, v *visit, took time.Duration) {
	route := v.route
	if route == "" {
		route = "none"
	}
	s.log.LogAttrs(r.Context(), slog.LevelInfo, "request", slog.String("request", v.id), slog.String("method", r.Method),
		slog.String("route", route), slog.Int("status", out.status), slog.Int64("bytes", out.bytes), slog.Duration("took", took))
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
}

var _ http.Hijacker = (*recorder)(nil)

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	if err != nil {
		return n, fmt.Errorf("write answer: %w", err)
	}
	return n, nil
}

// Unwrap lets [http.ResponseController] find the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Hijack is what a WebSocket upgrade asks for.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	conn, buffer, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("take over connection: %w", err)
	}
	return conn, buffer, nil
}
