package signaling

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"greenroom/consent"
	"greenroom/media"
)

// whip is a program of the candidate that speaks WHIP, with Pion as its media.
type whip struct {
	*publisher
	server   *server
	resource string // the path of what it was given
	etag     string
}

func (s *server) newProgram(o publisherOptions) *whip {
	s.t.Helper()
	return &whip{publisher: newPublisher(s.t, o), server: s}
}

// said is what a program is answered.
type said struct {
	status int
	header http.Header
	body   string
}

// ask makes a request with the token, unless the header says another.
func (s *server) ask(method, path, body string, header map[string]string) said {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.origin()+path, strings.NewReader(body))
	must(s.t, err)
	r.Header.Set("Authorization", "Bearer "+programToken)
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(r)
	must(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(s.t, err)
	return said{response.StatusCode, response.Header, string(text)}
}

func (s *server) endpoint() string { return "/api/v1/sessions/" + string(s.desk.session.ID) + "/whip" }

// offerTo posts an offer and returns the status; a good one is answered and connected.
func (w *whip) offerTo(path string) int {
	w.t.Helper()
	response := w.server.ask(http.MethodPost, path, w.offer(), map[string]string{"Content-Type": "application/sdp"})
	if response.status != http.StatusCreated {
		if got := response.header.Get("Content-Type"); got != "application/problem+json" {
			w.t.Errorf("refused as %q", got)
		}
		return response.status
	}
	w.resource, w.etag = response.header.Get("Location"), response.header.Get("ETag")
	if got := response.header.Get("Content-Type"); got != "application/sdp" || !strings.HasPrefix(w.resource, w.server.endpoint()+"/") || len(w.etag) < 10 {
		w.t.Errorf("Content-Type %q, Location %q, ETag %q", got, w.resource, w.etag)
	}
	w.accept(&Answer{SDP: response.body})
	select {
	case <-w.connected:
	case <-time.After(patience):
		w.t.Fatalf("not connected within %v", patience)
	}
	w.publish()
	return response.status
}

// start is offerTo where nothing may be in the way.
func (w *whip) start() {
	w.t.Helper()
	if status := w.offerTo(w.server.endpoint()); status != http.StatusCreated {
		w.t.Fatalf("got %d, want 201", status)
	}
}

// patch sends a fragment to the program's resource.
func (w *whip) patch(fragment, ifMatch string) said {
	w.t.Helper()
	return w.server.ask(http.MethodPatch, w.resource, fragment,
		map[string]string{"Content-Type": "application/trickle-ice-sdpfrag", "If-Match": ifMatch})
}

func (s *server) kept(kind media.Kind, more int) {
	s.t.Helper()
	s.desk.store.mu.Lock()
	before := s.desk.store.blocks[kind]
	s.desk.store.mu.Unlock()
	s.desk.store.wait(s.t, string(kind)+" kept", func() bool { return s.desk.store.blocks[kind] >= before+more })
}

func programSending(sending bool) func(*ProgramMessage) bool {
	return func(m *ProgramMessage) bool { return m.Sending == sending }
}

func TestProgramSendsWhileThePageSteers(t *testing.T) {
	s := serve(t)
	page := s.join()
	obs := s.newProgram(publisherOptions{})
	obs.start()
	page.expectAll(
		func(m Message) bool { p, ok := m.(*ProgramMessage); return ok && p.Sending },
		func(m Message) bool { state, ok := m.(*MediaMessage); return ok && receiving(state) },
	)
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	s.kept(media.KindAudio, 10)
	s.kept(media.KindVideo, 10)
	s.rooms.Caption(Caption{Session: s.desk.session.ID, Epoch: 1, Text: "the plan"})
	expect[*CaptionMessage](page)

	page.send(&Muted{Kind: "audio", Muted: true}) // its own microphone, which does not send
	again := s.join()                             // a reload: the program goes on
	expect(again, receiving)
	s.kept(media.KindAudio, 10)
	if state := s.rooms.find(s.desk.session.ID).peer.state(media.KindAudio, time.Now()); state != MediaReceiving {
		t.Errorf("the page muted the program: %s", state)
	}

	if response := s.ask(http.MethodDelete, obs.resource, "", nil); response.status != http.StatusOK {
		t.Errorf("DELETE: %d %s", response.status, response.body)
	}
	expect(again, programSending(false))
	expect(again, func(m *MediaMessage) bool { return m.Audio == MediaOff && m.Video == MediaOff })
	if response := s.ask(http.MethodDelete, obs.resource, "", nil); response.status != http.StatusNotFound {
		t.Errorf("DELETE again: %d, want 404", response.status)
	}
	s.waitConns(1) // the program's place is free again
	again.send(&Finish{})
	if e := expect[*Ended](again); e.Reason != EndFinished {
		t.Errorf("got %s", e.Reason)
	}
	if strings.Contains(s.logs.String(), programToken) || strings.Contains(s.logs.String(), "ice-pwd") {
		t.Error("a token or SDP is in the log")
	}
}

// GStreamer offers the picture first, and the sound with port 0 as one that travels with it.
func TestProgramsPartsOfABundleAreTaken(t *testing.T) {
	s := serve(t)
	obs := s.newProgram(publisherOptions{})
	offer := obs.offer()
	at := strings.Index(offer, "m=video")
	response := s.ask(http.MethodPost, s.endpoint(), offer[:at]+bundleOnly(offer[at:]), map[string]string{"Content-Type": "application/sdp"})
	if response.status != http.StatusCreated {
		t.Fatalf("got %d %s", response.status, response.body)
	}
	obs.accept(&Answer{SDP: response.body})
	obs.publish()
	s.kept(media.KindVideo, 10)
}

func TestProgramOpensTheRoomAndThePageJoinsIt(t *testing.T) {
	s := serve(t)
	obs := s.newProgram(publisherOptions{})
	obs.start()
	s.kept(media.KindAudio, 10)
	page := s.connect()
	page.send(&Hello{Version: ProtocolVersion})
	if w := expect[*Welcome](page); !w.Program {
		t.Error("the welcome does not say that a program sends")
	}
	browser := newPublisher(t, publisherOptions{})
	page.send(&Offer{SDP: browser.offer()})
	if p := page.expectProblem("program_sending"); p.Fatal || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	if status := s.newProgram(publisherOptions{}).offerTo(s.endpoint()); status != http.StatusConflict {
		t.Errorf("a second program got %d, want 409", status)
	}
	s.kept(media.KindAudio, 10) // nothing happened to the first
	page.send(&Offer{SDP: browser.pc.LocalDescription().SDP, Takeover: true})
	expect(page, programSending(false))
	browser.accept(expect[*Answer](page))
	browser.publish()
	s.kept(media.KindAudio, 10)
	if response := obs.patch("a=end-of-candidates\r\n", obs.etag); response.status != http.StatusNotFound {
		t.Errorf("the program that lost its place got %d, want 404", response.status)
	}
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if s.desk.opened != 1 {
		t.Errorf("opened %d times", s.desk.opened)
	}
}

func TestProgramTakesOverFromThePageWhenItAsksTo(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	if status := s.newProgram(publisherOptions{}).offerTo(s.endpoint()); status != http.StatusConflict {
		t.Errorf("got %d, want 409", status)
	}
	obs := s.newProgram(publisherOptions{})
	if status := obs.offerTo(s.endpoint() + "?takeover=true"); status != http.StatusCreated {
		t.Fatalf("got %d, want 201", status)
	}
	expect(page, programSending(true))
	s.kept(media.KindAudio, 10)
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
}

// A program whose network went away comes back before the server has given its connection up.
func TestSilentProgramKeepsNobodyOut(t *testing.T) {
	s := serve(t, func(s *server) {
		s.api.limits = limits{200 * time.Millisecond, time.Minute, 50 * time.Millisecond, dtlsConnect}
	})
	page := s.join()
	first := s.newProgram(publisherOptions{})
	first.start()
	expect(page, programSending(true))
	peer := s.rooms.find(s.desk.session.ID).programNamed(first.resource[len(s.endpoint())+1:]).peer
	first.vanish()
	waitUntil(t, "the program is found to be silent", peer.silent)
	s.newProgram(publisherOptions{}).start()
	s.kept(media.KindAudio, 10)
	s.waitConns(2) // the page and one program: the place of the other is free again
}

func TestLostProgramIsToldToThePage(t *testing.T) {
	s := serve(t, func(s *server) {
		s.api.limits = limits{100 * time.Millisecond, 300 * time.Millisecond, 50 * time.Millisecond, dtlsConnect}
	})
	page := s.join()
	obs := s.newProgram(publisherOptions{})
	obs.start()
	expect(page, receiving)
	obs.vanish()
	expect(page, programSending(false))
	s.waitConns(1)
}

func TestProgramRestartsICEAndTheRecordingGoesOn(t *testing.T) {
	s := serve(t)
	page := s.join()
	obs := s.newProgram(publisherOptions{})
	obs.start()
	expect(page, receiving)
	if response := obs.patch("m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n", obs.etag); response.status != http.StatusNoContent || response.body != "" || response.header.Get("ETag") != "" {
		t.Errorf("trickle: %d %q, ETag %q", response.status, response.body, response.header.Get("ETag"))
	}
	before := credentialsOf(t, obs.pc.CurrentRemoteDescription().SDP)
	offer, err := obs.pc.CreateOffer(&webrtc.OfferOptions{ICERestart: true})
	must(t, err)
	must(t, obs.pc.SetLocalDescription(offer))
	ufrag, pwd := credentials(obs.pc.LocalDescription().SDP)
	response := obs.patch("a=ice-ufrag:"+ufrag+"\r\na=ice-pwd:"+pwd+"\r\n", "*")
	if response.status != http.StatusOK || response.header.Get("Content-Type") != "application/trickle-ice-sdpfrag" {
		t.Fatalf("restart: %d %s", response.status, response.body)
	}
	answered, err := readFragment(response.body)
	must(t, err)
	if answered.ufrag == "" || answered.ufrag == before || len(answered.candidates) == 0 {
		t.Errorf("the restart answers %d candidates, new credentials: %v", len(answered.candidates), answered.ufrag != before)
	}
	old := obs.etag
	if obs.etag = response.header.Get("ETag"); obs.etag == old || obs.etag == "" {
		t.Errorf("ETag %q after %q", obs.etag, old)
	}
	obs.accept(&Answer{SDP: withCredentials(obs.pc.CurrentRemoteDescription().SDP, answered)})
	s.kept(media.KindAudio, 50)
	if response := obs.patch("a=end-of-candidates\r\n", old); response.status != http.StatusPreconditionFailed {
		t.Errorf("with the ETag of before: %d, want 412", response.status)
	}
	if response := obs.patch("a=end-of-candidates\r\n", obs.etag); response.status != http.StatusNoContent {
		t.Errorf("with the new ETag: %d, want 204", response.status)
	}
}

func credentialsOf(t *testing.T, sdp string) string {
	t.Helper()
	ufrag, _ := credentials(sdp)
	return ufrag
}

func TestProgramIsRefused(t *testing.T) {
	s := serve(t)
	good := newPublisher(t, publisherOptions{}).offer()
	const sdp = "application/sdp"
	for name, c := range map[string]struct {
		method, path, contentType, body string
		status                          int
		code                            string
	}{
		"not SDP":             {"POST", "", sdp, "hello", 400, "bad_offer"},
		"another type":        {"POST", "", "application/json", good, 415, "bad_type"},
		"no type":             {"POST", "", "", good, 415, "bad_type"},
		"too large":           {"POST", "", sdp, good + strings.Repeat("a=x\r\n", 8000), 413, "too_large"},
		"simulcast":           {"POST", "", sdp, good + "a=rid:h send\r\na=simulcast:send h\r\n", 406, "bad_offer"},
		"two cameras":         {"POST", "", sdp, sdpHead + sdpVP8 + sdpVP8, 406, "bad_offer"},
		"H.264 alone":         {"POST", "", sdp, sdpHead + sdpAudio + sdpH264, 406, "bad_offer"},
		"a data channel":      {"POST", "", sdp, sdpHead + sdpAudio + sdpData, 406, "bad_offer"},
		"no ICE":              {"POST", "", sdp, strings.ReplaceAll(good, "a=ice-ufrag", "a=nothing"), 406, "bad_offer"},
		"an odd takeover":     {"POST", "?takeover=perhaps", sdp, good, 400, "bad_request"},
		"GET of the endpoint": {"GET", "", "", "", 405, "bad_method"},
		"PUT of the endpoint": {"PUT", "", sdp, good, 405, "bad_method"},
		"DELETE of it":        {"DELETE", "", "", "", 405, "bad_method"},
		"POST to a resource":  {"POST", "/x", sdp, good, 405, "bad_method"},
		"GET of a resource":   {"GET", "/x", "", "", 405, "bad_method"},
		"unknown resource":    {"PATCH", "/x", "application/trickle-ice-sdpfrag", "", 404, "not_sending"},
	} {
		t.Run(name, func(t *testing.T) {
			response := s.ask(c.method, s.endpoint()+c.path, c.body, map[string]string{"Content-Type": c.contentType})
			if response.status != c.status || !strings.Contains(response.body, `"code":"`+c.code+`"`) || !strings.Contains(response.body, `"next":"`) {
				t.Errorf("got %d %s, want %d %s", response.status, response.body, c.status, c.code)
			}
			if c.status == http.StatusMethodNotAllowed && response.header.Get("Allow") == "" {
				t.Error("no Allow")
			}
			if strings.Contains(response.body, "ice-pwd") {
				t.Error("the answer repeats the offer")
			}
		})
	}
	if s.rooms.conns.counts[string(s.desk.session.Candidate)] != 0 {
		t.Errorf("places are not given back: %v", s.rooms.conns.counts)
	}
}

func TestProgramNeedsItsToken(t *testing.T) {
	s := serve(t)
	for name, c := range map[string]struct {
		path, authorization string
		err                 error
		status              int
	}{
		"none":              {s.endpoint(), "", nil, 401},
		"wrong":             {s.endpoint(), "Bearer x", nil, 401},
		"a foreign session": {"/api/v1/sessions/" + string(consent.NewID[consent.SessionID]()) + "/whip", "Bearer " + programToken, nil, 401},
		"no session":        {"/api/v1/sessions/x/whip", "Bearer " + programToken, nil, 401},
		"of a resource":     {s.endpoint() + "/x", "Bearer x", nil, 401},
		"store away":        {s.endpoint(), "Bearer " + programToken, errAway, 503},
	} {
		t.Run(name, func(t *testing.T) {
			s.desk.change(func(d *desk) { d.tokenErr = c.err })
			method, contentType := http.MethodPost, "application/sdp"
			if strings.HasSuffix(c.path, "/x") {
				method, contentType = http.MethodPatch, "application/trickle-ice-sdpfrag"
			}
			response := s.ask(method, c.path, "v=0", map[string]string{"Authorization": c.authorization, "Content-Type": contentType})
			if response.status != c.status || c.status == 401 && response.header.Get("WWW-Authenticate") != "Bearer" {
				t.Errorf("got %d, WWW-Authenticate %q; want %d", response.status, response.header.Get("WWW-Authenticate"), c.status)
			}
		})
	}
	for path, accept := range map[string][2]string{
		s.endpoint():        {"Accept-Post", "application/sdp"},
		s.endpoint() + "/x": {"Accept-Patch", "application/trickle-ice-sdpfrag"},
	} { // OPTIONS asks for none, and lets no other site's page in
		response := s.ask(http.MethodOptions, path, "", map[string]string{"Authorization": "", "Origin": "https://elsewhere.example"})
		if response.status != 200 || response.header.Get(accept[0]) != accept[1] || response.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("OPTIONS %s: %d %v", path, response.status, response.header)
		}
	}
}

func TestProgramNeedsConsentAndALiveSession(t *testing.T) {
	for state, want := range map[consent.SessionState]int{
		consent.SessionScheduled: http.StatusForbidden, consent.SessionEnded: http.StatusConflict, consent.SessionErased: http.StatusConflict,
	} {
		t.Run(string(state), func(t *testing.T) {
			s := serve(t, func(s *server) { s.desk.session.State = state })
			response := s.ask(http.MethodPost, s.endpoint(), newPublisher(t, publisherOptions{}).offer(), map[string]string{"Content-Type": "application/sdp"})
			if response.status != want || state == consent.SessionScheduled && !strings.Contains(response.body, "Answer the notice") {
				t.Errorf("got %d %s, want %d", response.status, response.body, want)
			}
			if s.desk.opened != 0 {
				t.Error("a room was opened")
			}
		})
	}
}

func TestFragmentsAreRefused(t *testing.T) {
	s := serve(t)
	obs := s.newProgram(publisherOptions{})
	obs.start()
	const kind = "application/trickle-ice-sdpfrag"
	candidate := "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
	for _, c := range []struct {
		what, body, ifMatch, contentType string
		status                           int
	}{
		{"no If-Match", candidate, "", kind, 428},
		{"another ETag", candidate, `"other"`, kind, 412},
		{"a weak ETag", candidate, "W/" + obs.etag, kind, 412},
		{"SDP", candidate, obs.etag, "application/sdp", 415},
		{"no fragment", "hello", obs.etag, kind, 400},
		{"no candidate", "a=candidate:x\r\n", obs.etag, kind, 400},
		{"half of the credentials", "a=ice-ufrag:abcd\r\n", "*", kind, 400},
		{"a short password", "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n", "*", kind, 400},
		{"too large", strings.Repeat("a=x\r\n", 4000), obs.etag, kind, 413},
		{"one of several tags", candidate, `"other", ` + obs.etag, kind, 204},
		{"31 candidates", strings.Repeat(candidate, 31), obs.etag, kind, 204},
		{"and one more", candidate, obs.etag, kind, 422},
	} {
		header := map[string]string{"Content-Type": c.contentType}
		if c.ifMatch != "" {
			header["If-Match"] = c.ifMatch
		}
		if response := s.ask(http.MethodPatch, obs.resource, c.body, header); response.status != c.status {
			t.Errorf("%s: %d %s, want %d", c.what, response.status, response.body, c.status)
		}
	}
	s.kept(media.KindAudio, 10) // none of it did anything to what is sent
}

func TestProgramEndsWithItsToken(t *testing.T) {
	for name, told := range map[string]bool{"told": true, "not told": false} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			page := s.join()
			obs := s.newProgram(publisherOptions{})
			obs.start()
			expect(page, programSending(true))
			began := time.Now()
			s.desk.change(func(d *desk) { d.tokenErr = consent.ErrNotFound })
			if told {
				s.rooms.LogInsEnded(t.Context(), s.desk.session.Candidate)
			}
			expect(page, programSending(false))
			if took := time.Since(began); took > 1500*time.Millisecond {
				t.Errorf("took %v", took)
			}
			page.send(&Begin{}) // the page has a log-in of its own
			page.expectPhase(PhasePreparing)
		})
	}
}

func TestWithdrawnRecordingStopsAProgramToo(t *testing.T) {
	s := serve(t)
	page := s.join()
	obs := s.newProgram(publisherOptions{})
	obs.start()
	s.kept(media.KindAudio, 10)
	expect(page, func(m *RecordingMessage) bool { return m.State == RecordingOn })
	began := time.Now()
	s.desk.change(func(d *desk) { d.session.Consents.Recording = false })
	expect(page, func(m *RecordingMessage) bool { return m.State == RecordingOff })
	s.desk.watch.Withdraw(s.desk.session.ID)
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("took %v", took)
	}
	s.desk.store.mu.Lock()
	before := s.desk.store.blocks[media.KindAudio]
	s.desk.store.mu.Unlock()
	page.send(&Finish{})
	expect[*Ended](page)
	s.desk.store.mu.Lock()
	defer s.desk.store.mu.Unlock()
	if after := s.desk.store.blocks[media.KindAudio]; after != before {
		t.Errorf("%d blocks were kept after the withdrawal", after-before)
	}
}

func TestErasedSessionEndsItsProgram(t *testing.T) {
	s := serve(t)
	obs := s.newProgram(publisherOptions{})
	obs.start()
	s.kept(media.KindAudio, 10)
	s.desk.change(func(d *desk) { d.sessErr = consent.ErrNotFound })
	<-s.desk.closed
	s.desk.change(func(d *desk) { d.tokenErr = consent.ErrNotFound })
	if response := obs.patch("a=end-of-candidates\r\n", "*"); response.status != http.StatusUnauthorized {
		t.Errorf("got %d, want 401", response.status)
	}
	s.waitConns(0)
}

func TestProgramAloneDoesNotKeepASessionAlive(t *testing.T) {
	s := serve(t, func(s *server) { s.rooms.abandonAfter = 300 * time.Millisecond })
	s.newProgram(publisherOptions{}).start()
	if reason := <-s.desk.ended; reason != "abandoned" {
		t.Errorf("got %q", reason)
	}
	s.waitConns(0)
}

func TestProgramIsOneOfTheAccountsConnections(t *testing.T) {
	s := serve(t)
	for range maxConnsPerAccount {
		s.connect()
	}
	s.waitConns(maxConnsPerAccount)
	if status := s.newProgram(publisherOptions{}).offerTo(s.endpoint()); status != http.StatusTooManyRequests {
		t.Errorf("got %d, want 429", status)
	}
}

func TestStoppingServerRefusesPrograms(t *testing.T) {
	s := serve(t)
	obs := s.newProgram(publisherOptions{})
	obs.start()
	s.kept(media.KindAudio, 10)
	must(t, s.rooms.Close(t.Context()))
	s.desk.store.mu.Lock()
	sealed := s.desk.store.sealed[media.KindAudio]
	s.desk.store.mu.Unlock()
	if sealed == 0 {
		t.Error("what the program sent was not sealed")
	}
	if status := s.newProgram(publisherOptions{}).offerTo(s.endpoint()); status != http.StatusServiceUnavailable {
		t.Errorf("got %d, want 503", status)
	}
}

// FuzzWHIP sends bodies through the handler, up to where Pion would see them: its goroutines would blur
// what the fuzzer learns from. Nothing may panic, or be answered with anything but what the protocol names.
func FuzzWHIP(f *testing.F) {
	f.Add(sdpHead+sdpAudio+sdpVP8, "a=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n")
	f.Add(sdpHead+sdpVP9, "m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\na=end-of-candidates\r\n")
	f.Add("v=0\r\n", "")
	desk := newDesk(nil)
	desk.openErr = errAway
	rooms := NewRooms(Config{Desk: desk, Log: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, offer, fragment string) {
		request := func(method, contentType, body string) *http.Request {
			r := httptest.NewRequestWithContext(t.Context(), method, "/whip", strings.NewReader(body))
			r.SetPathValue("id", string(desk.session.ID))
			r.Header.Set("Authorization", "Bearer "+programToken)
			r.Header.Set("Content-Type", contentType)
			r.Header.Set("If-Match", "*")
			return r
		}
		w := httptest.NewRecorder()
		PublishHandler(rooms).ServeHTTP(w, request(http.MethodPost, typeSDP, offer))
		if !slices.Contains([]int{400, 406, 413, 503}, w.Code) || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("offer %q: %d %s", offer, w.Code, w.Body)
		}
		select {
		case <-desk.closed: // so that its queue never fills
		default:
		}
		rooms.conns.mu.Lock()
		defer rooms.conns.mu.Unlock()
		if len(rooms.conns.counts) != 0 {
			t.Fatalf("offer %q keeps a place", offer)
		}
		w = httptest.NewRecorder()
		g := &program{etag: newETag(), offer: offer, peer: &peer{offers: maxOffers}} // restarts are used up
		g.patch(w, request(http.MethodPatch, typeFragment, fragment))
		if !slices.Contains([]int{204, 400, 413, 422}, w.Code) {
			t.Fatalf("fragment %q: %d %s", fragment, w.Code, w.Body)
		}
	})
}

// FuzzFragment reads fragments alone, which is quick, and what a restart makes of them.
func FuzzFragment(f *testing.F) {
	f.Add("a=ice-ufrag:abcd\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaaaa\r\n", sdpHead+sdpAudio)
	f.Add("m=audio 9 RTP/AVP 0\na=mid:0\na=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\n", "a=ice-ufrag:x\r\nm=a\r\nm=b\r\n")
	f.Fuzz(func(t *testing.T, text, sdp string) {
		got, err := readFragment(text)
		if err != nil {
			return
		}
		if len(got.candidates) > maxFragmentLines || strings.ContainsAny(got.ufrag+got.pwd, "\r\n :") {
			t.Errorf("%q gives %+v", text, got)
		}
		changed := withCredentials(sdp, got)
		if ufrag, _ := credentials(changed); ufrag != "" && ufrag != got.ufrag {
			t.Errorf("%q with %q: %q", sdp, got.ufrag, ufrag)
		}
		_ = answerFragment(changed)
	})
}
