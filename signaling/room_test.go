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

func TestSessionWithoutConsentGetsNoAnswer(t *testing.T) {
	s := serve(t, func(s *server) { s.desk.session.State = consent.SessionScheduled })
	page := s.connect()
	page.send(&Hello{Version: ProtocolVersion})
	if p := page.expectProblem("consent_required"); !p.Fatal {
		t.Error("not fatal")
	}
	page.expectClose(CloseNoConsent)
	if s.desk.opened != 0 {
		t.Error("a room was opened")
	}
}

func TestGreetingRefusals(t *testing.T) {
	for name, c := range map[string]struct {
		state consent.SessionState
		frame string
		code  string
		close CloseCode
	}{
		"other version":  {consent.SessionConsented, `{"type":"hello","version":2}`, "bad_version", CloseBadVersion},
		"offer first":    {consent.SessionConsented, `{"type":"offer","sdp":"v=0"}`, "hello_first", CloseNoHello},
		"no JSON first":  {consent.SessionConsented, `hello`, "bad_message", CloseBadMessages},
		"ended session":  {consent.SessionEnded, `{"type":"hello","version":1}`, "session_over", CloseSessionOver},
		"erased session": {consent.SessionErased, `{"type":"hello","version":1}`, "session_over", CloseSessionOver},
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
	browser.wire.loss = 1
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

func TestSecondPageTakesTheSessionOver(t *testing.T) {
	s := serve(t)
	older := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(older)
	browser.publish()
	expect(older, receiving)
	newer := s.join()
	if e := expect[*Ended](older); e.Reason != EndTakenOver {
		t.Errorf("got %s", e.Reason)
	}
	older.expectClose(CloseTakenOver)
	other := newPublisher(t, publisherOptions{})
	other.connect(newer)
	other.publish()
	expect(newer, receiving)
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

func TestWithdrawnRecordingStopsWithinASecond(t *testing.T) {
	for name, notified := range map[string]bool{"notified": true, "notification lost": false} {
		t.Run(name, func(t *testing.T) {
			s := serve(t)
			page := s.join()
			browser := newPublisher(t, publisherOptions{})
			browser.connect(page)
			browser.publish()
			expect(page, receiving)
			s.desk.store.wait(t, "audio kept", func() bool { return s.desk.store.blocks[media.KindAudio] > 10 })
			began := time.Now()
			s.desk.change(func(d *desk) { d.session.Consents.Recording = false })
			if notified {
				s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
			}
			if c := expect[*ConsentsMessage](page).Consents; c != (Consents{false, true, true}) {
				t.Errorf("got %+v", c)
			}
			expect(page, func(m *RecordingMessage) bool { return m.State == RecordingOff })
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
		})
	}
}

func TestWithdrawnTranscriptionStopsCaptions(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.desk.change(func(d *desk) { d.session.Consents.Transcription, d.session.Consents.Assessment = false, false })
	s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
	expect[*ConsentsMessage](page)
	s.rooms.Caption(Caption{Session: s.desk.session.ID, Text: "late"})
	page.send(&Begin{})
	for {
		m := expect[Message](page)
		if _, ok := m.(*CaptionMessage); ok {
			t.Fatal("a caption came after the withdrawal")
		}
		if _, ok := m.(*TurnMessage); ok {
			return
		}
	}
}

func TestLateConsentReadCannotUndoAWithdrawal(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.desk.change(func(d *desk) { d.session.Consents.Recording = false })
	s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
	expect[*ConsentsMessage](page)
	s.desk.change(func(d *desk) { d.session.Consents.Recording = true })
	s.rooms.ConsentsChanged(t.Context(), s.desk.session.ID)
	room := s.rooms.find(s.desk.session.ID)
	room.mu.Lock()
	defer room.mu.Unlock()
	if room.consents.Recording {
		t.Error("recording came back")
	}
}

func TestErasedSessionEndsTheRoomWithoutSealing(t *testing.T) {
	s := serve(t)
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	s.desk.store.wait(t, "audio kept", func() bool { return s.desk.store.blocks[media.KindAudio] > 10 })
	s.desk.change(func(d *desk) { d.sessErr = consent.ErrNotFound })
	if e := expect[*Ended](page); e.Reason != EndErased {
		t.Errorf("got %s", e.Reason)
	}
	s.desk.store.mu.Lock()
	defer s.desk.store.mu.Unlock()
	if s.desk.store.sealed[media.KindAudio] > 0 || len(s.desk.ends) > 0 {
		t.Errorf("sealed %v, ends %v", s.desk.store.sealed, s.desk.ends)
	}
}

func TestLogOutClosesTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	loggedOut := time.Now()
	s.desk.change(func(d *desk) { d.admitErr = ErrUnauthenticated })
	if e := expect[*Ended](page); e.Reason != EndLoggedOut {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseLoggedOut)
	if took := time.Since(loggedOut); took > 3*time.Second { // a second, and what a busy machine adds
		t.Errorf("closed after %v", took)
	}
	if s.rooms.Live() != 1 {
		t.Error("the room went with the connection")
	}
}

// The page is put out as soon as another node says so, not at the next look.
func TestLogOutElsewhereClosesTheConnectionAtOnce(t *testing.T) {
	s := serve(t)
	page := s.join()
	c := s.onlyConn()
	s.desk.change(func(d *desk) { d.admitErr = ErrUnauthenticated })
	s.rooms.LogInsEnded(t.Context(), consent.NewID[consent.AccountID]())
	s.rooms.LogInsEnded(t.Context(), s.desk.session.Candidate)
	select {
	case <-c.closing:
	default:
		t.Error("the connection is not closing when the call returns")
	}
	if e := expect[*Ended](page); e.Reason != EndLoggedOut {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseLoggedOut)
}

func TestLogInThatCannotBeReadKeepsTheConnection(t *testing.T) {
	s := serve(t)
	page := s.join()
	asked := make(chan struct{}, 8)
	s.desk.change(func(d *desk) { d.admitErr, d.asked = errAway, asked })
	for range 2 { // after the second look the first has had its effect
		select {
		case <-asked:
		case <-time.After(patience):
			t.Fatal("the log-in was not looked at again")
		}
	}
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
}

func TestAbandonedRoomEnds(t *testing.T) {
	s := serve(t, func(s *server) { s.rooms.abandonAfter = time.Millisecond })
	page := s.join()
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	must(t, page.ws.Close())
	if reason := <-s.desk.ended; reason != "abandoned" {
		t.Errorf("got %q", reason)
	}
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if last := s.desk.acts[len(s.desk.acts)-1]; last != ActDrop {
		t.Errorf("the open answer ended by %s", last)
	}
}

func TestSessionHasALongestLength(t *testing.T) {
	s := serve(t, func(s *server) { s.rooms.longest = time.Millisecond })
	page := s.join()
	if e := expect[*Ended](page); e.Reason != EndTimeLimit {
		t.Errorf("got %s", e.Reason)
	}
}

func TestStoreThatIsAwayIsToldAndNothingIsLost(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.desk.change(func(d *desk) { d.actErr, d.endErr, d.sessErr = errAway, errAway, errAway })
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	if p := page.expectProblem("store_unreachable"); p.Fatal || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	page.send(&Finish{})
	expect[*Ended](page)
	s.desk.change(func(d *desk) { d.actErr, d.endErr, d.sessErr = nil, nil, nil })
	select {
	case reason := <-s.desk.ended:
		if reason != "finished" {
			t.Errorf("got %q", reason)
		}
	case <-time.After(patience):
		t.Error("the end was not stored after the store came back")
	}
}

var errAway = errors.New("connection refused")

func TestRoomThatCannotOpenSaysWhy(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		code string
	}{
		"store away": {errAway, "cannot_open"},
		"refusal":    {&Refusal{Code: "spool_full", Message: "Full.", Next: "Later.", Cause: errAway}, "spool_full"},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(s *server) { s.desk.openErr = c.err })
			page := s.connect()
			page.send(&Hello{Version: ProtocolVersion})
			if p := page.expectProblem(c.code); !p.Fatal || strings.Contains(p.Message, "refused") {
				t.Errorf("got %+v", p)
			}
			page.expectClose(CloseTryLater)
			s.desk.change(func(d *desk) { d.openErr = nil })
			s.join() // a failed opening does not stay
		})
	}
}

func TestTwoPagesThatJoinAtOnceGetOneRoom(t *testing.T) {
	hold := make(chan struct{})
	s := serve(t, func(s *server) { s.desk.hold = hold })
	a, b := s.connect(), s.connect()
	a.send(&Hello{Version: ProtocolVersion})
	b.send(&Hello{Version: ProtocolVersion})
	close(hold)
	expect[*Welcome](a)
	expect[*Welcome](b)
	s.desk.mu.Lock()
	defer s.desk.mu.Unlock()
	if s.desk.opened != 1 {
		t.Errorf("opened %d times", s.desk.opened)
	}
}

func TestFifthConnectionOfAnAccountIsRefused(t *testing.T) {
	s := serve(t)
	var pages []*page
	for range maxConnsPerAccount {
		p := s.connect() // says nothing, so that nobody takes over
		pages = append(pages, p)
	}
	s.waitConns(maxConnsPerAccount)
	fifth := s.connect()
	fifth.expectProblem("too_many_conns")
	fifth.expectClose(CloseTooManyConns)
	must(t, pages[0].ws.Close())
	s.waitConns(maxConnsPerAccount - 1)
	s.join()
}

func (s *server) waitConns(want int) {
	s.t.Helper()
	limit := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for {
		s.rooms.conns.mu.Lock()
		n := s.rooms.conns.counts[string(s.desk.session.Candidate)]
		s.rooms.conns.mu.Unlock()
		if n == want {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			s.t.Fatalf("%d connections, want %d", n, want)
		}
	}
}

func TestDrainRefusesNewRoomsAndKeepsLiveOnes(t *testing.T) {
	s := serve(t)
	page := s.join()
	s.rooms.Drain()
	page.send(&Begin{})
	page.expectPhase(PhasePreparing)
	again := s.join() // the live session may still come back
	s.desk.change(func(d *desk) { d.session.ID = consent.NewID[consent.SessionID]() })
	other := s.connect()
	other.send(&Hello{Version: ProtocolVersion})
	if p := other.expectProblem("server_stopping"); !p.Fatal || p.Next == "" {
		t.Errorf("got %+v", p)
	}
	other.expectClose(CloseTryLater)
	s.desk.change(func(d *desk) { d.session.State = consent.SessionLive })
	_ = again
}

func TestCloseTellsPagesSealsAndLeavesTheSessionLive(t *testing.T) {
	s := serve(t)
	page := s.join()
	silent := s.connect()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	s.desk.store.wait(t, "audio kept", func() bool { return s.desk.store.blocks[media.KindAudio] > 10 })
	must(t, s.rooms.Close(t.Context()))
	if e := expect[*Ended](page); e.Reason != EndServerStopping {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseStopping)
	silent.expectClose(CloseStopping)
	if s.rooms.Live() != 0 {
		t.Errorf("%d rooms are left", s.rooms.Live())
	}
	s.desk.store.mu.Lock()
	defer s.desk.store.mu.Unlock()
	if s.desk.store.sealed[media.KindAudio] == 0 || len(s.desk.ends) != 0 || s.desk.session.State != consent.SessionLive {
		t.Errorf("sealed %v, ends %v, state %s", s.desk.store.sealed, s.desk.ends, s.desk.session.State)
	}
	late := s.connect()
	late.expectClose(CloseStopping)
}

func TestPanicOfOneRoomEndsNeitherServerNorSession(t *testing.T) {
	s := serve(t)
	page := s.join()
	room := s.rooms.find(s.desk.session.ID)
	room.acts <- request{act: "panic"}
	if e := expect[*Ended](page); e.Reason != EndServerStopping {
		t.Errorf("got %s", e.Reason)
	}
	page.expectClose(CloseStopping)
	s.join()
}

func TestPublisherThatVanishesWithoutAWordIsNoticed(t *testing.T) {
	if iceDisconnected+iceFailed > 30*time.Second {
		t.Error("a vanished publisher would be kept for more than 30 s")
	}
	s := serve(t, func(s *server) {
		s.api.settings.SetICETimeouts(300*time.Millisecond, time.Second, 100*time.Millisecond)
	})
	page := s.join()
	browser := newPublisher(t, publisherOptions{})
	browser.connect(page)
	browser.publish()
	expect(page, receiving)
	browser.vanish()
	page.expectProblem("connection_lost")
	expect(page, func(m *MediaMessage) bool { return m.Audio == MediaOff })
}

func TestPageThatVanishesIsNoticedByItsSilence(t *testing.T) {
	if pongWithin > 30*time.Second || pongWithin <= pingEvery {
		t.Errorf("pings every %v, pong within %v", pingEvery, pongWithin)
	}
	s := serve(t, func(s *server) { s.rooms.helloLimit = time.Millisecond })
	silent := s.connect()
	silent.expectClose(CloseNoHello)
	s.waitConns(0)
}

func (s *server) onlyConn() *conn {
	s.rooms.mu.Lock()
	defer s.rooms.mu.Unlock()
	for c := range s.rooms.live {
		return c
	}
	s.t.Fatal("no connection")
	return nil
}
