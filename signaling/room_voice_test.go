package signaling

import (
	"net/http"
	"slices"
	"testing"
)

func speaks(speaking bool) func(*TurnMessage) bool {
	return func(m *TurnMessage) bool { return m.Phase == PhasePreparing && (m.SpeakingMS != nil) == speaking }
}

func TestPageSaysWhenItsVoiceSpeaks(t *testing.T) {
	s := serve(t, func(s *server) { s.rooms.config.Voice = true })
	page := s.connect()
	page.send(&Hello{Version: ProtocolVersion, Page: pageName})
	if !expect[*Welcome](page).Voice {
		t.Error("the page is not told of the server's voice")
	}
	page.send(&Begin{})
	page.send(&VoiceMessage{Speaking: true})
	expect(page, speaks(true))
	page.send(&VoiceMessage{})
	expect(page, speaks(false))
	page.send(&VoiceMessage{Speaking: true})
	expect(page, speaks(true))
	page.send(&VoiceMessage{Interrupted: true})
	expect(page, speaks(false))
	s.wantActs(ActBegin, ActSpeak, ActSpoken, ActSpeak, ActInterrupt)
}

func (s *server) wantActs(want ...Act) {
	s.t.Helper()
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if !slices.Equal(s.desk.acts, want) {
		s.t.Errorf("acts %q, want %q", s.desk.acts, want)
	}
}

// A page that goes or is reloaded in the middle of a question says nothing any more.
func TestPageThatGoesHasNoVoice(t *testing.T) {
	for name, goes := range map[string]func(*page){
		"gone":     func(p *page) { must(t, p.ws.Close()) },
		"reloaded": func(*page) {},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			first := s.join()
			first.send(&Begin{})
			first.send(&VoiceMessage{Speaking: true})
			expect(first, speaks(true))
			goes(first)
			second := s.join()
			expect(second, speaks(false))
			s.wantActs(ActBegin, ActSpeak, ActSpoken)
		})
	}
}

func TestVoiceThatSpeaksWasNotInterrupted(t *testing.T) {
	if _, err := DecodeFromPage([]byte(`{"type":"voice","speaking":true,"interrupted":true}`)); err == nil {
		t.Error("taken")
	}
}

// A program's microphone need not hear what the page plays, and the page plays nothing then: what is said of a
// voice is not believed, or the candidate's words would be taken for it.
func TestNoVoiceWhileAProgramSends(t *testing.T) {
	s := serve(t)
	page := s.join()
	page.send(&Begin{})
	page.send(&VoiceMessage{Speaking: true})
	expect(page, speaks(true))
	obs := s.newProgram(publisherOptions{})
	obs.start() // it takes the page's place in the middle of a question
	expect(page, speaks(false))
	page.send(&VoiceMessage{Speaking: true}) // a page that does not know yet, or lies
	page.send(&VoiceMessage{})
	expect(page, speaks(false))
	s.wantActs(ActBegin, ActSpeak, ActSpoken, ActSpoken)
	s.ask(http.MethodDelete, obs.resource, "", nil)
	expect(page, programSending(false))
	page.send(&VoiceMessage{Speaking: true})
	expect(page, speaks(true))
}
