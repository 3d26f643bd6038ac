package web

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// T51: restricted, a session is its candidate's alone; held, it is nobody's, and the candidate is told why.
func TestRestrictedAndHeldSessions(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	s.share(id, watcher, consent.AllScopes()...)
	var session sessionJSON
	p.do(http.MethodPost, sessionPathOf(id, "restrict"), nil).want(http.StatusOK).into(&session)
	if session.RestrictedAt.IsZero() {
		t.Errorf("restricted %+v", session)
	}
	reads := []string{"report", "recording", "recording.webm?through=1", "captions.vtt", "events"}
	for _, path := range reads {
		watcher.get(sharedPath(id, path)).want(http.StatusNotFound)
	}
	for _, path := range []string{"report", "recording", "captions.vtt"} {
		p.get(sessionPathOf(id, path)).want(http.StatusOK)
	}
	p.do(http.MethodPost, sessionPathOf(id, "unrestrict"), nil).want(http.StatusOK)
	watcher.get(sharedPath(id, "report")).want(http.StatusOK)

	s.set(func(w *world) { held := w.sessions[id]; held.HeldAt = testNow; w.sessions[id] = held })
	unknown := watcher.get(sharedPath(consent.NewID[consent.SessionID](), "report")).want(http.StatusNotFound).face()
	for _, path := range reads {
		got := p.get(sessionPathOf(id, path)).want(http.StatusLocked).problem()
		if !strings.Contains(got.Detail, "legal hold") || !strings.Contains(got.Detail, testNow.UTC().Format("2 January 2006")) || !strings.Contains(got.Detail, "lost") {
			t.Errorf("%s tells the candidate %q", path, got.Detail)
		}
		if got := watcher.get(sharedPath(id, path)).want(http.StatusNotFound); path == "report" && got.face() != unknown {
			t.Errorf("an employer is told %s, want %s", got.face(), unknown)
		}
	}
	p.do(http.MethodPost, sessionPathOf(id, "restrict"), nil).want(http.StatusLocked)
	p.get("/api/v1/sessions/" + string(id)).want(http.StatusOK).into(&session)
	if session.HeldAt.IsZero() {
		t.Error("the session itself does not say that it is held")
	}
	s.candidate(t).get(sessionPathOf(id, "report")).want(http.StatusNotFound)
}

func TestNoticeChangeAndAgreeingAnew(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	s.share(id, watcher, consent.ScopeRatings)
	var none noticeChangesJSON
	p.get(sessionPathOf(id, "notice-change")).want(http.StatusOK).into(&none)
	if none.Changes == nil || len(none.Changes) != 0 {
		t.Errorf("nothing new is %+v", none)
	}
	change := consent.NoticeChange{
		From: consent.Notice{Version: 2, Text: "# A\n\nOld."}, To: consent.Notice{Version: 3, Materiality: consent.MaterialityReconsent, EffectiveAt: testNow, Text: "# A\n\nNew."},
		Authorizations: slices.Clone(s.authorizations[id]),
	}
	s.set(func(w *world) { w.newNotices = []consent.NoticeChange{change} })
	var got noticeChangesJSON
	p.get(sessionPathOf(id, "notice-change")).want(http.StatusOK).into(&got)
	if len(got.Changes) != 1 || got.Changes[0].ToSHA256 != change.To.SHA256() || got.Changes[0].FromVersion != 2 || len(got.Changes[0].Paragraphs) != 3 ||
		got.Changes[0].Paragraphs[1] != (paragraphJSON{consent.ParagraphRemoved, "Old."}) || len(got.Changes[0].Authorizations) != 1 {
		t.Fatalf("what is new: %+v", got)
	}
	renew := sessionPathOf(id, "authorizations/"+string(got.Changes[0].Authorizations[0].ID)+"/renew")
	p.do(http.MethodPost, renew, map[string]any{"notice_sha256": "x"}).want(http.StatusConflict).problem()
	var renewed authorizationJSON
	p.do(http.MethodPost, renew, map[string]any{"notice_sha256": got.Changes[0].ToSHA256}).want(http.StatusOK).into(&renewed)
	if renewed.Supersedes != got.Changes[0].Authorizations[0].ID || renewed.State != consent.AuthorizationGranted {
		t.Errorf("renewed %+v", renewed)
	}
}

// The candidate's page hears who begins to watch, and who was cut off after how long.
func TestCandidateSeesViewersAndCutOffs(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, p)
	s.share(id, watcher, consent.ScopeRatings)
	page := p.listen(sessionPathOf(id, "events"))
	page.want("results")
	events := watcher.listen(sharedPath(id, "events"))
	var now viewersJSON // and nothing else: the page need not load the rest anew
	if err := json.Unmarshal([]byte(page.want("viewers")), &now); err != nil || len(now.Viewers) != 1 || now.Viewers[0].OrgName != "Acme" || now.Viewers[0].Stream != consent.StreamEvents {
		t.Fatalf("viewers %+v, %v", now, err)
	}
	s.set(func(w *world) { w.authorizations[id][0].State = consent.AuthorizationWithdrawn; w.notify(id) })
	events.want("access.ended")
	events.wantEnd()
	for {
		event, ok := page.next()
		name, data, _ := strings.Cut(event, " ")
		if !ok {
			t.Fatal("the candidate's stream ended")
		}
		if name != "viewers" {
			continue
		}
		now = viewersJSON{} // absent fields would keep what was there
		if err := json.Unmarshal([]byte(data), &now); err != nil {
			t.Fatal(err)
		}
		if len(now.CutOffs) > 0 {
			break
		}
	}
	if len(now.Viewers) != 0 || len(now.CutOffs) != 1 || now.CutOffs[0].AfterMS == nil || *now.CutOffs[0].AfterMS != 40 || now.CutOffs[0].Cause != "withdrawn" {
		t.Errorf("after the cut-off the page shows %+v", now)
	}
	var listed viewersJSON
	p.get(sessionPathOf(id, "viewers")).want(http.StatusOK).into(&listed)
	if len(listed.CutOffs) != 1 || listed.Viewers == nil {
		t.Errorf("listed %+v", listed)
	}
	s.candidate(t).get(sessionPathOf(id, "viewers")).want(http.StatusNotFound)
}

// What is noted of a stream: an employer's that was refused, with the last moment at which it was not;
// nothing of one that its reader left, or whose log-in ended, and nothing of a candidate's.
func TestOnlyRefusedStreamsAreNotedAsCutOff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		end  func(*stage, consent.SessionID, *person)
		want bool
	}{
		"withdrawn": {func(s *stage, id consent.SessionID, _ *person) { s.withdrawAll(id) }, true},
		"the database is away": {func(s *stage, _ consent.SessionID, _ *person) {
			s.set(func(w *world) { w.broken = io.ErrUnexpectedEOF })
		}, true},
		"logged out": {func(_ *stage, _ consent.SessionID, p *person) {
			p.do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
		}, false},
		"the server stops": {func(s *stage, _ consent.SessionID, _ *person) { s.server.EndStreams() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			watcher := s.employer(t, "Acme")
			id := s.interview(t, s.candidate(t))
			s.share(id, watcher, consent.ScopeRatings)
			events := watcher.listen(sharedPath(id, "events"))
			s.await(t, "the stream is noted", func(w *world) bool { return slices.Contains(w.noted, "watching events") })
			c.end(s, id, watcher)
			events.want("access.ended")
			events.wantEnd()
			s.await(t, "the stream is closed", func(*world) bool { return s.openStreams() == 0 })
			s.set(func(w *world) {
				if got := slices.Contains(w.noted, "cut off events"); got != c.want {
					t.Errorf("noted %v, want a cut-off: %v", w.noted, c.want)
				}
				if c.want && (!w.lastCut.permitted.Equal(testNow) || w.lastCut.ago < 0 || w.lastCut.ago > time.Second) {
					t.Errorf("noted %+v, want the time of the last decision", w.lastCut)
				}
			})
		})
	}
}

// await waits until the world is as it should be; the stores it fakes call it under its lock.
func (s *stage) await(t *testing.T, what string, is func(*world) bool) {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		done := false
		s.set(func(w *world) { done = is(w) })
		if done {
			return
		}
		select {
		case <-late:
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(time.Millisecond):
		}
	}
}
