package signaling

import (
	"errors"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/rtp"

	"greenroom/consent"
	"greenroom/media"
)

func TestInterviewRunsFromHelloToEnded(t *testing.T) {
	s := serve(t)
	page := s.connect()
	page.send(&Hello{Version: ProtocolVersion})
	welcome := expect[*Welcome](page)
	if welcome.Session != string(s.desk.session.ID) || welcome.Total != 2 || welcome.RoleTitle != "Software engineer" ||
		welcome.Consents != (Consents{true, true, true}) {
		t.Errorf("got %+v", welcome)
	}
	page.expectPhase(PhaseWaiting)
	if r := expect[*RecordingMessage](page); r.State != RecordingOff {
		t.Errorf("recording is %s before anything arrived", r.State)
	}
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	page.expectAll(
		func(m Message) bool { state, ok := m.(*MediaMessage); return ok && receiving(state) },
		func(m Message) bool { r, ok := m.(*RecordingMessage); return ok && r.State == RecordingOn },
	)
	page.send(&Begin{})
	turn := page.expectPhase(PhasePreparing)
	if turn.Index == nil || *turn.Index != 0 || turn.Question == nil || turn.RemainingMS == nil || *turn.RemainingMS <= 0 {
		t.Errorf("got %+v", turn)
	}
	page.send(&StartAnswer{})
	page.expectPhase(PhaseAnswering)
	s.desk.store.wait(t, "both tracks kept", func() bool {
		return s.desk.store.blocks[media.KindAudio] > 10 && s.desk.store.blocks[media.KindVideo] > 10
	})
	s.rooms.Caption(Caption{Session: s.desk.session.ID, Epoch: 1, Start: time.Second, End: 2 * time.Second, Text: "the plan"})
	if c := expect[*CaptionMessage](page); c.Text != "the plan" || c.StartMS != 1000 || c.EndMS != 2000 {
		t.Errorf("got %+v", c)
	}
	s.rooms.CaptionPartial(PartialCaption{
		Session: s.desk.session.ID, Epoch: 1, Sequence: 1, Start: 3 * time.Second, End: 4 * time.Second, Stable: "that we", Unstable: "maid",
	})
	want := CaptionPartialMessage{Epoch: 1, Sequence: 1, StartMS: 3000, EndMS: 4000, Stable: "that we", Unstable: "maid"}
	if c := expect[*CaptionPartialMessage](page); *c != want {
		t.Errorf("got %+v", c)
	}
	s.rooms.CaptionFailed(CaptionFailure{Session: s.desk.session.ID, Epoch: 1, Sequence: 1, Message: "no text"})
	expect[*CaptionFailedMessage](page)
	page.send(&Done{})
	page.expectPhase(PhasePreparing)
	page.send(&Skip{})
	page.expectPhase(PhaseFinished)
	if e := expect[*Ended](page); e.Reason != EndFinished {
		t.Errorf("ended by %s", e.Reason)
	}
	page.expectClose(CloseEnded)
	if reason := <-s.desk.ended; reason != "finished" {
		t.Errorf("the desk heard %q", reason)
	}
	s.desk.store.wait(t, "segments sealed", func() bool {
		return s.desk.store.sealed[media.KindAudio] > 0 && s.desk.store.sealed[media.KindVideo] > 0
	})
}

func TestGreetingRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		state consent.SessionState
		frame string
		code  string
		close CloseCode
	}{
		"other version":  {consent.SessionConsented, `{"type":"hello","version":3}`, "bad_version", CloseBadVersion},
		"offer first":    {consent.SessionConsented, `{"type":"offer","sdp":"v=0"}`, "hello_first", CloseNoHello},
		"no JSON first":  {consent.SessionConsented, `hello`, "bad_message", CloseBadMessages},
		"ended session":  {consent.SessionEnded, `{"type":"hello","version":2}`, "session_over", CloseSessionOver},
		"erased session": {consent.SessionErased, `{"type":"hello","version":2}`, "session_over", CloseSessionOver},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(s *server) { s.desk.session.State = c.state })
			page := s.connect()
			page.sendFrame([]byte(c.frame))
			if p := page.expectProblem(c.code); !p.Fatal {
				t.Error("not fatal")
			}
			page.expectClose(c.close)
		})
	}
}

func TestAdmissionIsAnsweredBeforeTheUpgrade(t *testing.T) {
	s := serve(t)
	for name, c := range map[string]struct {
		err    error
		origin string
		status int
	}{
		"foreign origin":   {nil, "https://evil.example", http.StatusForbidden},
		"null origin":      {nil, "null", http.StatusForbidden},
		"no origin":        {nil, "", http.StatusForbidden},
		"not logged in":    {ErrUnauthenticated, s.origin(), http.StatusUnauthorized},
		"not theirs":       {consent.ErrNotFound, s.origin(), http.StatusNotFound},
		"store away":       {errors.New("refused"), s.origin(), http.StatusServiceUnavailable},
		"look-alike":       {nil, s.origin() + ".evil.example", http.StatusForbidden},
		"other port":       {nil, "http://127.0.0.1:1", http.StatusForbidden},
		"the same, wanted": {nil, s.origin(), http.StatusSwitchingProtocols},
	} {
		t.Run(name, func(t *testing.T) {
			s.desk.change(func(d *desk) { d.admitErr = c.err })
			header := http.Header{}
			if c.origin != "" {
				header.Set("Origin", c.origin)
			}
			ws, response, err := s.dial(header)
			if response == nil || response.StatusCode != c.status {
				t.Fatalf("got %v, %v; want %d", response, err, c.status)
			}
			_ = response.Body.Close()
			if ws != nil {
				_ = ws.Close()
			}
		})
	}
	for _, id := range []string{"x", strings.ToUpper(string(s.desk.session.ID)), "..%2f.."} {
		_, response, _ := websocket.DefaultDialer.DialContext(t.Context(), s.url+id+"/room", http.Header{"Origin": {s.origin()}}) //nolint:bodyclose // the dialer closed it
		if response == nil || response.StatusCode != http.StatusNotFound {
			t.Errorf("id %q: got %v", id, response)
		}
	}
}

func (s *server) origin() string {
	return "http" + strings.TrimSuffix(strings.TrimPrefix(s.url, "ws"), "/api/v1/sessions/")
}

func TestConfiguredOriginsReplaceTheSameHost(t *testing.T) {
	s := serve(t, func(s *server) {
		s.rooms.config.AllowedOrigin = func(origin string) bool { return origin == "https://greenroom.example" }
	})
	for origin, status := range map[string]int{
		"https://greenroom.example": http.StatusSwitchingProtocols,
		"http://greenroom.example":  http.StatusForbidden,
		s.origin():                  http.StatusForbidden,
	} {
		ws, response, _ := s.dial(http.Header{"Origin": {origin}}) //nolint:bodyclose // the dialer closed it
		if response == nil || response.StatusCode != status {
			t.Errorf("%s: got %v, want %d", origin, response, status)
		}
		if ws != nil {
			_ = ws.Close()
		}
	}
}

func TestBadMessagesAreToldAndThenEndTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	for range badMessageMax {
		page.sendFrame([]byte(`{"type":"begin","extra":1}`))
		if p := page.expectProblem("bad_message"); p.Fatal {
			t.Fatal("fatal too early")
		}
	}
	page.sendFrame([]byte(`{`))
	if p := page.expectProblem("bad_message"); !p.Fatal {
		t.Error("not fatal")
	}
	page.expectClose(CloseBadMessages)
}

func TestOversizedFrameClosesTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	page.sendFrame([]byte(`{"type":"offer","sdp":"` + strings.Repeat("a", MaxFrame) + `"}`))
	page.expectClose(websocket.CloseMessageTooBig)
}

func TestBinaryFrameIsNotAMessage(t *testing.T) {
	s := serve(t)
	page := s.join()
	must(t, page.ws.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"begin"}`)))
	page.expectProblem("bad_message")
}

func TestTooManyMessagesCloseTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	for range messageBurst + 10 {
		if page.ws.WriteMessage(websocket.TextMessage, []byte(`{"type":"muted","kind":"audio","muted":true}`)) != nil {
			break
		}
	}
	if p := page.expectProblem("too_fast"); !p.Fatal {
		t.Error("not fatal")
	}
	page.expectClose(CloseTooFast)
}

func TestOfferWithThirtyTwoTrickledCandidatesFitsTheRate(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	page.send(&Offer{SDP: browser.offer()})
	candidate := ICECandidateInit{Candidate: "candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", SDPMid: new("0")}
	for range maxCandidates {
		page.send(&ICECandidate{ICECandidate: &candidate})
	}
	browser.accept(expect[*Answer](page))
	page.send(&ICECandidate{ICECandidate: &candidate})
	if p := page.expectProblem("too_many_candidates"); p.Fatal {
		t.Error("fatal")
	}
}

func TestMessagesOutOfOrderAreRefusedAndTheRoomLivesOn(t *testing.T) {
	s := serve(t)
	page := s.join()
	page.send(&ICECandidate{ICECandidate: &ICECandidateInit{Candidate: "candidate:1 1 udp 1 127.0.0.1 9 typ host"}})
	page.expectProblem("out_of_order")
	page.send(&Hello{Version: ProtocolVersion})
	page.expectProblem("out_of_order")
	page.send(&Done{})
	if p := page.expectProblem("wrong_phase"); p.Fatal {
		t.Error("fatal")
	}
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
}

func TestBadOffersAreRefusedAndAGoodOneStillWorks(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	good := browser.offer()
	for _, sdp := range []string{
		"", "v=0", strings.Repeat("v", maxSDP+1),
		strings.ReplaceAll(good, "a=fingerprint", "a=nothing"),
		strings.ReplaceAll(good, "a=ice-ufrag", "a=nothing"),
		strings.ReplaceAll(good, "a=mid:", "a=nothing:"),
	} {
		page.send(&Offer{SDP: sdp})
		if p := page.expectProblem("bad_offer"); p.Fatal {
			t.Error("fatal")
		}
	}
	page.send(&Offer{SDP: good})
	browser.accept(expect[*Answer](page))
	browser.publish()
	expect(page, receiving)
}

func TestSimulcastIsRefused(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	sdp := browser.offer() + "a=rid:h send\r\na=rid:l send\r\na=simulcast:send h;l\r\n"
	page.send(&Offer{SDP: sdp})
	if p := page.expectProblem("bad_offer"); !strings.Contains(p.Message, "simulcast") {
		t.Errorf("got %q", p.Message)
	}
}

func TestAnswerIsReceiveOnlyWithRepairsAndOneVideoCodec(t *testing.T) {
	s := serve(t)
	page := s.join()
	page.send(&Offer{SDP: newPublisher(t, publisherOptions{}).offer()})
	sdp := expect[*Answer](page).SDP
	for _, want := range []string{
		"a=recvonly", "opus/48000/2", "VP8/90000", "rtx/90000", "a=rtcp-fb:111 nack", "a=rtcp-fb:111 transport-cc",
		"a=rtcp-fb:96 nack pli", "a=rtcp-fb:96 transport-cc", "transport-wide-cc-extensions", "a=candidate",
	} {
		if !strings.Contains(sdp, want) {
			t.Errorf("the answer lacks %q", want)
		}
	}
	for _, bad := range []string{"a=sendrecv", "a=sendonly", "VP9", "H264", "AV1", "goog-remb", "red/", ".local"} {
		if strings.Contains(sdp, bad) {
			t.Errorf("the answer has %q", bad)
		}
	}
	if strings.Contains(s.logs.String(), "ice-pwd") || strings.Contains(s.logs.String(), "candidate:") {
		t.Error("SDP is in the log")
	}
}

func TestCodecOfTheFirstPictureHoldsForTheSession(t *testing.T) {
	s := serve(t)
	page := s.join()
	newPublisher(t, publisherOptions{vp9: true}).connect(page)
	both := newPublisher(t, publisherOptions{})
	page.send(&Offer{SDP: both.offer()}) // offers VP8 first and VP9 too: VP9 must be answered
	if sdp := expect[*Answer](page).SDP; strings.Contains(sdp, "VP8") || !strings.Contains(sdp, "VP9") {
		t.Error("the codec changed")
	}
	page.send(&Offer{SDP: sdpHead + sdpAudio + sdpVP8})
	page.expectProblem("bad_offer")
}

func TestICEOverTCPCarriesMedia(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{tcp: true})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
}

func TestMutedAndMissingMediaAreTold(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	page.send(&Muted{Kind: "video", Muted: true})
	expect(page, func(m *MediaMessage) bool { return m.Video == MediaMuted && m.Audio == MediaReceiving })
	page.send(&Muted{Kind: "video", Muted: false})
	expect(page, receiving)
	browser.wire.mu.Lock()
	browser.wire.faults.loss = 1
	browser.wire.mu.Unlock()
	expect(page, func(m *MediaMessage) bool { return m.Audio == MediaMissing && m.Video == MediaMissing })
}

func TestReconnectKeepsInterviewAndRecording(t *testing.T) {
	s := serve(t)
	page := s.join()
	first := newPublisher(t, publisherOptions{})
	first.connect(page)
	first.publish()
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	expect(page, receiving)
	must(t, page.ws.Close()) // no goodbye
	first.close()

	again := s.join()
	if turn := expect[*TurnMessage](again); turn.Phase != PhasePreparing {
		t.Errorf("the interview is %s after a reconnect", turn.Phase)
	}
	second := newPublisher(t, publisherOptions{})
	second.connect(again)
	second.publish()
	expect(again, receiving)
	s.desk.mu.Lock()
	opened := s.desk.opened
	s.desk.mu.Unlock()
	if opened != 1 || s.rooms.Live() != 1 {
		t.Errorf("opened %d times, %d rooms", opened, s.rooms.Live())
	}
	again.send(&Finish{})
	expect[*Ended](again)
}

func TestPageTakesTheSessionOverWhenItAsksTo(t *testing.T) {
	s := serve(t)
	older := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(older)
	browser.publish()
	expect(older, receiving)
	refused := s.connect()
	refused.send(&Hello{Version: ProtocolVersion, Page: "another-page-of-the-test"})
	if p := refused.expectProblem("taken"); !p.Fatal || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	refused.expectClose(CloseTaken)
	older.send(&Begin{})
	older.expectPhase(PhasePreparing) // nothing happened to it
	newer := s.connect()
	newer.send(&Hello{Version: ProtocolVersion, Page: "another-page-of-the-test", Takeover: true})
	expect[*Welcome](newer)
	if e := expect[*Ended](older); e.Reason != EndTakenOver {
		t.Errorf("got %s", e.Reason)
	}
	older.expectClose(CloseTakenOver)
	other := newPublisher(t, publisherOptions{})
	other.connect(newer)
	other.publish()
	expect(newer, receiving)
}

func TestPageThatDoesNotAnswerKeepsNobodyOut(t *testing.T) {
	s := serve(t)
	older := s.join()
	older.deaf.Store(true)
	newer := s.connect()
	newer.send(&Hello{Version: ProtocolVersion}) // no name, as a page of before has none
	expect[*Welcome](newer)
	if e := expect[*Ended](older); e.Reason != EndTakenOver {
		t.Errorf("got %s", e.Reason)
	}
}

func TestSamePageComesBackUnasked(t *testing.T) {
	s := serve(t)
	before := s.join() // and stays, as a connection does that the server does not yet know to be dead
	s.join()
	before.expectClose(CloseTakenOver)
	nameless := s.connect()
	nameless.send(&Hello{Version: ProtocolVersion})
	nameless.expectClose(CloseTaken)
}

func TestNewOfferOfAnotherConnectionReplacesThePeer(t *testing.T) {
	s := serve(t)
	page := s.join()
	first := newPublisher(t, publisherOptions{})
	first.connect(page)
	first.publish()
	expect(page, receiving)
	second := newPublisher(t, publisherOptions{})
	second.connect(page)
	second.publish()
	s.desk.store.wait(t, "media of the second", func() bool { return s.desk.store.blocks[media.KindAudio] > 20 })
}

func TestClosedMediaConnectionIsToldAndTheRoomStays(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	browser.close()
	page.expectProblem("connection_lost")
	expect(page, func(m *MediaMessage) bool { return m.Audio == MediaOff && m.Video == MediaOff })
	next := newPublisher(t, publisherOptions{noVideo: true})
	next.connect(page)
	next.publish()
	expect(page, func(m *MediaMessage) bool { return m.Audio == MediaReceiving && m.Video == MediaOff })
}

func TestGarbageNeitherEndsTheServerNorTheTrack(t *testing.T) {
	s := serve(t)
	page := s.join()
	var n atomic.Int64
	browser := newPublisher(t, publisherOptions{mutate: func(h *rtp.Header) {
		if n.Add(1)%5 == 0 {
			h.PayloadType = 7 // negotiated by nobody
		}
	}})
	browser.connect(page)
	conn, err := net.DialUDP("udp", nil, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.api.UDPPort()})
	must(t, err)
	defer conn.Close()
	for size := range 1500 {
		forged := make([]byte, size)
		for i := range forged {
			forged[i] = byte(size * (i + 1))
		}
		_, _ = conn.Write(forged)
	}
	_ = browser.video.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2}, Payload: nil})
	_ = browser.video.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 1}, Payload: []byte{0xff}})
	_ = browser.video.WriteRTP(&rtp.Packet{Header: rtp.Header{Version: 2, SequenceNumber: 2, PaddingSize: 200}, Payload: []byte{0x90, 0x80}})
	browser.publish()
	expect(page, receiving)
	s.desk.store.wait(t, "audio kept all the same", func() bool { return s.desk.store.blocks[media.KindAudio] > 20 })
}

var errAway = errors.New("connection refused")

// What is heard changes the turn at once, and not with the next beat of the loop.
func TestHurriedTurnIsToldAtOnce(t *testing.T) {
	s := serve(t)
	page := s.join()
	page.send(&Begin{})
	page.send(&StartAnswer{})
	page.expectPhase(PhaseAnswering)
	for range 5 {
		s.desk.change(func(d *desk) { d.heard = true })
		asked := time.Now()
		s.desk.hurry()
		turn := page.expectPhase(PhaseAnswering)
		if turn.ClosingMS == nil || *turn.ClosingMS > 4000 || *turn.ClosingMS < 3000 || turn.HeldMS != nil || turn.Moments != 2 {
			t.Fatalf("got %+v, want a countdown of four seconds", turn)
		}
		if took := time.Since(asked); took > 100*time.Millisecond {
			t.Errorf("it was told after %v", took)
		}
	}
}

func TestProbesAndReviewsTravel(t *testing.T) {
	now := time.Now()
	turn := Turn{
		Phase: PhaseProbing, Index: 1, Total: 2, Take: 1, Question: &Question{Text: "Why?", Kind: "technical"}, Probe: &Probe{Index: 0, Text: "And then?"},
		EndsAt: now.Add(time.Minute), Limit: time.Minute, HeldUntil: now.Add(30 * time.Second),
	}
	if m := turn.message(now); m.Probe == nil || m.Probe.Text != "And then?" || *m.RemainingMS != 60_000 || *m.HeldMS != 30_000 || m.ClosingMS != nil {
		t.Errorf("a probe travels as %+v", m)
	}
	turn = Turn{Phase: PhaseReviewing, Index: 1, Total: 2, Take: 1, TakesLeft: 1, Question: turn.Question}
	if m := turn.message(now); m.RemainingMS != nil || m.TakesLeft != 1 || *m.Index != 1 {
		t.Errorf("a review travels as %+v", m)
	}
}
