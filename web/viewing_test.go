package web

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
)

// slowViewers never answers.
type slowViewers struct{}

func (slowViewers) Watching(ctx context.Context, _ consent.Actor, _ consent.SessionID, _ consent.StreamKind) error {
	<-ctx.Done()
	return ctx.Err()
}

func (s slowViewers) CutOff(ctx context.Context, actor consent.Actor, id consent.SessionID, stream consent.StreamKind, _ time.Time, _ time.Duration) error {
	return s.Watching(ctx, actor, id, stream)
}

// A cut-off that the database was too slow to take is lost, so the log says so; a reader who left while a
// note was written is nobody's fault.
func TestNoteThatTookTooLongIsLogged(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) { c.Viewers = slowViewers{} })
	v := &viewing{server: s.server, account: consent.Account{Kind: consent.AccountEmployer}, stream: consent.StreamEvents}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		done := v.begin(ctx)
		<-time.After(noteWithin / 2) // of the bubble
		cancel()
		done()
		if got := s.log.String(); strings.Contains(got, "not noted") {
			t.Errorf("a reader who left is logged: %s", got)
		}
		began := time.Now()
		v.cutOff(ctx, began)
		if got := s.log.String(); time.Since(began) != noteWithin || !strings.Contains(got, "a cut-off was not noted") {
			t.Errorf("after %v the log has %q", time.Since(began), got)
		}
	})
}

// plainWriter is a response that takes deadlines.
type plainWriter struct{ *httptest.ResponseRecorder }

func (plainWriter) SetWriteDeadline(time.Time) error { return nil }

// Somebody who stops watching says nothing, so the candidate's page looks again while somebody watches;
// what was cut off once stays in the list, and is no reason to.
func TestCandidatesPageLooksAgainOnlyWhileSomebodyWatches(t *testing.T) {
	t.Parallel()
	watching := []consent.Viewer{{OrgName: "Acme", Stream: consent.StreamMedia, Since: testNow}}
	cut := []consent.CutOff{{OrgName: "Acme", Stream: consent.StreamMedia, At: testNow}}
	for name, c := range map[string]struct {
		viewers []consent.Viewer
		cutOffs []consent.CutOff
		looks   int
	}{
		"nobody":               {nil, nil, 1},
		"somebody":             {watching, nil, 4},
		"somebody was cut off": {nil, cut, 1},
		"both":                 {watching, cut, 4},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			p := s.candidate(t)
			id := s.interview(t, p)
			s.set(func(w *world) { w.viewers, w.cutOffs = c.viewers, c.cutOffs })
			synctest.Test(t, func(t *testing.T) {
				before, err := s.server.rights(t.Context(), p.account, id)
				if err != nil {
					t.Fatal(err)
				}
				answer := plainWriter{httptest.NewRecorder()}
				e := &watcher{
					server: s.server, account: p.account, session: id, before: before,
					out:     eventWriter{answer, http.NewResponseController(answer)},
					viewing: &viewing{server: s.server, account: p.account, session: id},
				}
				ctx, cancel := context.WithTimeout(t.Context(), 3*seenEvery+time.Second)
				defer cancel()
				e.run(ctx)
				synctest.Wait() // for the ends of the subscriptions
				s.set(func(w *world) {
					if w.viewerReads != c.looks {
						t.Errorf("looked %d times in three rounds, want %d", w.viewerReads, c.looks)
					}
				})
			})
		})
	}
}
