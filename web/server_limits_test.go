package web

import (
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func TestServerBoundsHeaders(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.nobody(t)
	for size, want := range map[int]int{12 << 10: http.StatusOK, 24 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		r := p.request(http.MethodGet, "/healthz", nil)
		r.Header.Set("X-Much", strings.Repeat("a", size))
		if got := p.send(r); got.status != want {
			t.Errorf("a header of %d KiB: got %d, want %d", size>>10, got.status, want)
		}
	}
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ")); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	_ = conn.SetReadDeadline(began.Add(20 * time.Second))
	_, err = io.ReadAll(conn)
	if took := time.Since(began); err != nil || took < 4*time.Second {
		t.Errorf("a header that does not end: %v after %v; want the connection closed after 5 s", err, took)
	}
}

// What operations can do is the most that an account can, so it is left open for the shortest time.
func TestOperationsAreLoggedInForShort(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	account := s.person(t, consent.Account{Kind: consent.AccountOps}).account
	secret := s.withFactor(t, account)
	s.logIn(t, account.Email, goodPassword, s.code(t, secret, 0)).want(http.StatusOK)
	if !slices.Contains(s.writes, "CreateLogIn 15m0s 12h0m0s") {
		t.Errorf("stored %v, want a log-in of 15 minutes idle and 12 hours", s.writes)
	}
}
