package web

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// listening is an open event stream.
type listening struct {
	t      *testing.T
	events chan string // "name data"; closed at the end of the stream
}

func (p *person) listen(path string) listening {
	p.t.Helper()
	response, err := p.stage.http.Client().Do(p.request(http.MethodGet, path, nil)) //nolint:bodyclose // the reader of the events does
	if err != nil {
		p.t.Fatal(err)
	}
	if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
		p.t.Fatalf("%s: got %d %s", path, response.StatusCode, got)
	}
	l := listening{p.t, make(chan string, 16)}
	done := make(chan struct{})
	go func() { // ends with the body, which the cleanup closes
		defer close(done)
		defer close(l.events)
		readEvents(response.Body, l.events)
	}()
	p.t.Cleanup(func() { _ = response.Body.Close(); <-done })
	return l
}

func readEvents(from io.Reader, to chan<- string) {
	lines := bufio.NewScanner(from)
	name := ""
	for lines.Scan() {
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "event":
			name = value
		case "data":
			to <- name + " " + value
		}
	}
}

func (l listening) next() (string, bool) {
	l.t.Helper()
	select {
	case event, ok := <-l.events:
		return event, ok
	case <-time.After(5 * time.Second):
		l.t.Fatal("no event within 5 s")
		return "", false
	}
}

func (l listening) want(name string) string {
	l.t.Helper()
	event, ok := l.next()
	if got, data, _ := strings.Cut(event, " "); ok && got == name {
		return data
	}
	l.t.Fatalf("got event %q (open: %v), want %s", event, ok, name)
	return ""
}

func (l listening) wantEnd() {
	l.t.Helper()
	if event, ok := l.next(); ok {
		l.t.Fatalf("got event %q, want the end of the stream", event)
	}
}

func TestCandidateHearsOfResultsAndConsents(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	events := p.listen(sessionPathOf(id, "events"))
	events.want("results") // what may have been missed
	s.changed(id)
	events.want("results")
	p.do(http.MethodPost, sessionPathOf(id, "consents/withdraw"), map[string]any{"consent": "transcription"}).want(http.StatusOK)
	if data := events.want("consents"); data != `{"recording":true,"transcription":false,"assessment":false}` {
		t.Errorf("consents %s", data)
	}
	events.want("results")
	s.set(func(w *world) { w.sessions[id] = consent.Session{ID: id, State: consent.SessionErased}; w.notify(id) })
	events.wantEnd()
}

// T10, T13, T16: whatever takes something away ends the stream with one neutral event.
func TestEmployerHearsThatAccessEnded(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world, consent.SessionID, *person){
		"withdrawn": func(w *world, id consent.SessionID, _ *person) {
			w.authorizations[id][0].State = consent.AuthorizationWithdrawn
			w.notify(id)
		},
		"expired, and nobody says so": func(w *world, id consent.SessionID, _ *person) { w.authorizations[id][0].ValidUntil = testNow },
		"narrowed": func(w *world, id consent.SessionID, _ *person) {
			w.authorizations[id][0].Scopes = []consent.Scope{consent.ScopeRatings}
			w.notify(id)
		},
		"left the organization": func(w *world, _ consent.SessionID, p *person) {
			account := w.accounts[p.account.ID]
			account.Org = ""
			w.accounts[account.ID] = account
		},
		"the database is away": func(w *world, _ consent.SessionID, _ *person) { w.broken = io.ErrUnexpectedEOF },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			watcher := s.employer(t, "Acme")
			id := s.interview(t, s.candidate(t))
			s.share(id, watcher, consent.ScopeRatings, consent.ScopeRecordingAudio)
			events := watcher.listen(sharedPath(id, "events"))
			s.changed(id) // something that takes nothing away
			began := time.Now()
			s.set(func(w *world) { change(w, id, watcher) })
			if data := events.want("access.ended"); data != "{}" {
				t.Errorf("access.ended tells %s", data)
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("told after %v, want within a second", took)
			}
			events.wantEnd()
		})
	}
}

func TestEventStreamsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	path := sessionPathOf(id, "events")
	for range 8 {
		p.listen(path).want("results")
	}
	p.get(path).want(http.StatusTooManyRequests).problem()
	p.do(http.MethodHead, path, nil).want(http.StatusOK)
}
