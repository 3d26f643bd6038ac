package signaling

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/consent"
)

func TestPageThatDoesNotReadIsClosedAndMayComeBack(t *testing.T) {
	s := serve(t)
	ws, response, err := s.dial(nil) // nobody reads from it
	must(t, err)
	_ = response.Body.Close()
	defer ws.Close()
	must(t, ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"hello","version":2}`)))
	s.waitConns(1)
	slow := s.onlyConn()
	limit := time.After(patience)
	caption := Caption{Session: s.desk.session.ID, Text: strings.Repeat("word ", 100_000)}
	for full := false; !full; {
		s.rooms.Caption(caption)
		select {
		case <-slow.closing:
			full = true
		case <-limit:
			t.Fatal("the queue of a page that does not read has no end")
		default:
		}
	}
	if code := slow.closeCode(); code != CloseTooSlow {
		t.Errorf("closed with %d", code)
	}
	s.waitConns(0)
	s.join()
}

func TestSlowPageDoesWithoutPartialCaptions(t *testing.T) {
	c := &conn{closing: make(chan struct{}), queue: make(chan []byte, 64)}
	room := &Room{conn: c, consents: consent.Consents{Transcription: true}}
	for range 200 {
		room.captionPartial(&CaptionPartialMessage{Stable: "word"})
	}
	if len(c.queue) == 0 || len(c.queue) > 32 || c.closeCode() != 0 {
		t.Errorf("%d partial captions wait, closed with %d", len(c.queue), c.closeCode())
	}
}

func TestFirstCloseCodeCounts(t *testing.T) {
	c := &conn{closing: make(chan struct{}), queue: make(chan []byte, 1)}
	c.close(CloseTakenOver)
	c.close(CloseEnded)
	if code := c.closeCode(); code != CloseTakenOver {
		t.Errorf("got %d", code)
	}
	c.send(&Ended{Reason: EndFinished})
	if len(c.queue) != 0 {
		t.Error("a message was queued after the close")
	}
}

func TestOriginMustBeExact(t *testing.T) {
	for name, c := range map[string]struct {
		host    string
		origins []string
		want    bool
	}{
		"none":                {"greenroom.example", nil, false},
		"same host":           {"greenroom.example", []string{"https://greenroom.example"}, true},
		"same host and port":  {"localhost:8080", []string{"http://localhost:8080"}, true},
		"upper case":          {"greenroom.example", []string{"https://GREENROOM.example"}, true},
		"other port":          {"localhost:8080", []string{"http://localhost:8081"}, false},
		"no port":             {"localhost:8080", []string{"http://localhost"}, false},
		"suffix":              {"greenroom.example", []string{"https://greenroom.example.evil"}, false},
		"prefix":              {"greenroom.example", []string{"https://evil-greenroom.example"}, false},
		"user part":           {"greenroom.example", []string{"https://greenroom.example@evil"}, false},
		"null":                {"greenroom.example", []string{"null"}, false},
		"empty":               {"greenroom.example", []string{""}, false},
		"two":                 {"greenroom.example", []string{"https://greenroom.example", "https://evil"}, false},
		"not an address":      {"greenroom.example", []string{"https://%"}, false},
		"empty host everyone": {"", []string{"file://"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.Host = c.host
			for _, origin := range c.origins {
				r.Header.Add("Origin", origin)
			}
			if got := originAllowed(r, nil); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestConnectionsAreCountedByAccount(t *testing.T) {
	var c connCounts
	for range maxConnsPerAccount {
		if !c.take("a") {
			t.Fatal("refused too early")
		}
	}
	if c.take("a") || !c.take("b") {
		t.Error("accounts are not counted apart")
	}
	c.release("a")
	if !c.take("a") {
		t.Error("a place that was given back stays taken")
	}
	for range maxConnsPerAccount {
		c.release("a")
	}
	c.release("b")
	if len(c.counts) != 0 {
		t.Errorf("accounts without connections are kept: %v", c.counts)
	}
}
