package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"greenroom/consent"
)

// inState puts the session into a state.
func (p *person) inState(session consent.SessionID, state consent.SessionState) consent.SessionID {
	p.t.Helper()
	p.stage.set(func(w *world) {
		changed := w.sessions[session]
		changed.State = state
		w.sessions[session] = changed
	})
	return session
}

// publishToken makes a program's token for the session.
func (p *person) publishToken(session consent.SessionID) publishTokenJSON {
	p.t.Helper()
	var made publishTokenJSON
	p.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/publish-token", nil).want(http.StatusOK).into(&made)
	return made
}

func TestProgramShowsATokenOfItsSession(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, stranger := s.candidate(t), s.candidate(t)
	session, other := p.inState(p.newSession().ID, consent.SessionConsented), p.inState(p.newSession().ID, consent.SessionConsented)
	made := p.publishToken(session)
	if made.Path != "/api/v1/sessions/"+string(session)+"/whip" || len(made.Token) != 43 || !made.ExpiresAt.Equal(testNow.Add(publishLife)) {
		t.Errorf("got %s, a token of %d characters, until %v", made.Path, len(made.Token), made.ExpiresAt)
	}
	ask := func(authorization ...string) func(consent.SessionID) error {
		return func(id consent.SessionID) error {
			r := s.nobody(t).request(http.MethodPost, made.Path, nil)
			for _, value := range authorization {
				r.Header.Add("Authorization", value)
			}
			account, err := s.server.Publisher(r, id)
			again, fault := s.server.PublishersNow(r.Context(), []*http.Request{r, r}, []consent.SessionID{id, id})
			if fault != nil || again[0] != account || again[1] != account {
				t.Errorf("among many: %v, %v; alone %v, %v", again, fault, account, err)
			}
			if err == nil && account.ID != p.account.ID {
				t.Errorf("it is the token of %s, want %s", account.ID, p.account.ID)
			}
			return err
		}
	}
	good := ask("Bearer " + made.Token)
	if err := errors.Join(good(session), good(session), ask("bearer "+made.Token)(session)); err != nil {
		t.Errorf("as it was made for: %v", err)
	}
	for name, err := range map[string]error{
		"another session": good(other),
		"none":            ask()(session),
		"an empty one":    ask("Bearer ")(session),
		"two":             ask("Bearer "+made.Token, "Bearer "+made.Token)(session),
		"another scheme":  ask("Basic " + made.Token)(session),
		"cut short":       ask("Bearer " + made.Token[:42])(session),
		"a room's ticket": ask("Bearer " + p.ticket(session))(session),
	} {
		if !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s: %v, want not found", name, err)
		}
	}
	if p.enter(session, "ticket."+made.Token).status != http.StatusForbidden {
		t.Error("a program's token opens the page's room")
	}
	stranger.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/publish-token", nil).want(http.StatusNotFound)
	newer := p.publishToken(session)
	if err := good(session); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("replaced by a newer one: %v", err)
	}
	p.do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
	if err := ask("Bearer " + newer.Token)(session); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("of a log-in that ended: %v", err)
	}
	if log := s.log.String(); strings.Contains(log, made.Token) || strings.Contains(log, newer.Token) {
		t.Error("the log has a token")
	}
}

func TestPublishTokenNeedsAnAnsweredNoticeAndALiveSession(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	for state, want := range map[consent.SessionState]int{
		consent.SessionScheduled: http.StatusForbidden, consent.SessionConsented: http.StatusOK, consent.SessionLive: http.StatusOK,
		consent.SessionEnded: http.StatusConflict, consent.SessionAbandoned: http.StatusConflict,
	} {
		session := p.inState(p.newSession().ID, state)
		got := p.do(http.MethodPost, "/api/v1/sessions/"+string(session)+"/publish-token", nil).want(want)
		if want != http.StatusOK && got.problem().Next == "" {
			t.Errorf("%s: the refusal does not say what to do", state)
		}
	}
}

// A program has no cookie and no page: it comes through where pages of other sites do not.
func TestProgramsOfOtherSitesPagesAreRefused(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	path := "/api/v1/sessions/" + string(consent.NewID[consent.SessionID]()) + "/whip"
	program := s.nobody(t).request(http.MethodPost, path, nil)
	program.Header.Del("Origin")
	program.Header.Del("Sec-Fetch-Site")
	if got := s.nobody(t).send(program).want(http.StatusOK); string(got.body) != "program" {
		t.Errorf("got %q", got.body)
	}
	page := s.nobody(t).request(http.MethodPost, path, nil)
	page.Header.Set("Origin", "https://elsewhere.example")
	page.Header.Set("Sec-Fetch-Site", "cross-site")
	s.nobody(t).send(page).want(http.StatusForbidden)
}
