package signaling

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/verify"
)

// patience is how long a test waits for a signal before it fails.
const patience = 15 * time.Second

// desk is a Desk in memory with one account. Its fields may be changed under its mutex.
type desk struct {
	t     *testing.T // nil while fuzzing
	store *memoryStore
	watch *verify.Watch // before the store

	mu        sync.Mutex
	session   consent.Session
	admitErr  error
	tokenErr  error // of programs
	sessErr   error
	openErr   error
	endErr    error
	opened    int
	actErr    error
	hold      chan struct{} // if set, Open waits for it
	questions []int         // about how many sessions each was
	asked     chan struct{} // gets a value at each Admit that finds room in it
	phase     Phase
	speaking  bool
	question  int
	acts      []Act
	ends      []string
	ended     chan string
	farewell  chan struct{} // if set, End waits for it
	closes    []consent.SessionID
	closed    chan struct{} // gets a value at each Close
	gaps      []media.Gap
	hurry     func()                              // of the room that was opened last
	heard     bool                                // the next Tick begins a countdown
	voice     func() (media.VoiceActivity, error) // nil: no speech to text
}

func newDesk(t *testing.T) *desk { //nolint:thelper // t may be nil
	store := newMemoryStore()
	return &desk{
		t: t, store: store, watch: verify.NewWatch(store, nil),
		phase: PhaseWaiting, ended: make(chan string, 8), closed: make(chan struct{}, 8),
		session: consent.Session{
			ID: consent.NewID[consent.SessionID](), Candidate: consent.NewID[consent.AccountID](),
			State: consent.SessionConsented, RoleTitle: "Software engineer",
			Consents: consent.Consents{Recording: true, Transcription: true, Assessment: true},
		},
	}
}

func (d *desk) change(f func(*desk)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

func (d *desk) Admit(_ *http.Request, id consent.SessionID) (consent.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	select {
	case d.asked <- struct{}{}:
	default:
	}
	if d.admitErr != nil {
		return consent.Session{}, d.admitErr
	}
	if id != d.session.ID {
		return consent.Session{}, consent.ErrNotFound
	}
	return d.session, nil
}

// programToken is what a program shows.
const programToken = "program-token"

func (d *desk) AdmitPublisher(r *http.Request, id consent.SessionID) (consent.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.tokenErr != nil:
		return consent.Session{}, d.tokenErr
	case r.Header.Get("Authorization") != "Bearer "+programToken:
		return consent.Session{}, ErrUnauthenticated
	case id != d.session.ID:
		return consent.Session{}, consent.ErrNotFound
	}
	return d.session, nil
}

func (d *desk) AdmitAgain(_ context.Context, seats []Seat) []Admission {
	list := make([]Admission, len(seats))
	for i, seat := range seats {
		if seat.Page != nil {
			_, list[i].Page = d.Admit(seat.Page, seat.Session)
		}
		if seat.Program != nil {
			_, list[i].Program = d.AdmitPublisher(seat.Program, seat.Session)
		}
	}
	return list
}

func (d *desk) Sessions(_ context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.questions = append(d.questions, len(ids))
	switch {
	case errors.Is(d.sessErr, consent.ErrNotFound):
		return nil, nil
	case d.sessErr != nil:
		return nil, d.sessErr
	}
	return map[consent.SessionID]consent.Session{d.session.ID: d.session}, nil
}

func (d *desk) Open(ctx context.Context, session consent.Session, events RoomEvents) (*media.Capture, Interviewer, error) {
	d.mu.Lock()
	hold := d.hold
	d.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.openErr != nil {
		return nil, nil, d.openErr
	}
	d.opened++
	d.session.State = consent.SessionLive
	d.hurry = events.Hurry
	capture := media.NewCapture(media.CaptureConfig{
		Session: session.ID, Epoch: d.opened, Consents: session.Consents, Store: d.watch, Permit: d.permit,
		OnGap: d.noteGap(events.OnGap), OnStatus: events.OnStatus, Log: slog.New(slog.DiscardHandler),
		Voice: d.voice, Speech: deaf{},
	})
	return capture, &interviewer{d}, nil
}

// deaf hears nothing.
type deaf struct{}

func (deaf) Hear(media.Utterance) {}

// noteGap notes gaps on their way to the room.
func (d *desk) noteGap(tell func(media.Gap)) func(media.Gap) {
	return func(gap media.Gap) {
		d.change(func(d *desk) { d.gaps = append(d.gaps, gap) })
		tell(gap)
	}
}

// permit asks the real gate about the desk's session.
func (d *desk) permit(context.Context) (consent.Permit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return consent.Decide(consent.Snapshot{
		Actor: consent.Actor{Kind: consent.ActorRecorder}, Session: d.session.ID, Known: true,
		Candidate: d.session.Candidate, State: d.session.State, Consents: d.session.Consents,
		Now: time.Now(), ReadAt: time.Now(),
	}, consent.ArtefactCapture)
}

func (d *desk) Close(id consent.SessionID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closes = append(d.closes, id)
	d.closed <- struct{}{}
}

func (d *desk) End(ctx context.Context, _ consent.SessionID, reason string) error {
	d.mu.Lock()
	farewell := d.farewell
	d.mu.Unlock()
	if farewell != nil {
		select {
		case <-farewell:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.endErr != nil {
		return d.endErr
	}
	d.session.State = consent.SessionEnded
	d.ends = append(d.ends, reason)
	d.ended <- reason
	return nil
}

// interviewer asks two questions.
type interviewer struct{ *desk }

func (i *interviewer) turnLocked() Turn {
	turn := Turn{Phase: i.phase, Total: 2}
	if i.phase == PhasePreparing || i.phase == PhaseAnswering {
		turn.Index, turn.Take, turn.Limit = i.question, 1, time.Minute
		turn.EndsAt = time.Now().Add(time.Minute)
		turn.Question = &Question{Text: "Tell me about a plan.", Kind: "behavioural"}
		if i.speaking {
			turn.SpeakingUntil = time.Now().Add(30 * time.Second)
		}
	}
	return turn
}

func (i *interviewer) Turn() Turn {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.turnLocked()
}

func (i *interviewer) Act(_ context.Context, act Act, _ time.Time, _ time.Duration) (Turn, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if act == "panic" {
		panic("interviewer")
	}
	if act == ActSpeak || act == ActSpoken || act == ActInterrupt {
		i.speaking = act == ActSpeak
		i.acts = append(i.acts, act)
		return i.turnLocked(), nil
	}
	next := map[Act]map[Phase]Phase{
		ActBegin:       {PhaseWaiting: PhasePreparing},
		ActStartAnswer: {PhasePreparing: PhaseAnswering},
		ActDone:        {PhaseAnswering: PhasePreparing},
		ActSkip:        {PhasePreparing: PhasePreparing, PhaseAnswering: PhasePreparing},
		ActFinish:      {PhaseWaiting: PhaseFinished, PhasePreparing: PhaseFinished, PhaseAnswering: PhaseFinished},
		ActDrop:        {PhaseWaiting: PhaseFinished, PhasePreparing: PhaseFinished, PhaseAnswering: PhaseFinished},
	}
	phase, ok := next[act][i.phase]
	if !ok {
		return i.turnLocked(), ErrWrongPhase
	}
	if act == ActDone || act == ActSkip {
		if i.question++; i.question == 2 {
			phase = PhaseFinished
		}
	}
	i.phase = phase
	i.acts = append(i.acts, act)
	return i.turnLocked(), i.actErr
}

func (i *interviewer) Tick(_ context.Context, now time.Time, _ time.Duration) (Turn, bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.heard {
		i.heard = false
		turn := i.turnLocked()
		turn.ClosingAt, turn.Moments = now.Add(4*time.Second), 2
		return turn, true, i.actErr
	}
	return i.turnLocked(), false, i.actErr
}

// server is a whole room server on loopback.
type server struct {
	t     *testing.T
	desk  *desk
	rooms *Rooms
	api   *API
	url   string
	logs  *lockedBuffer
}

// lockedBuffer takes logs.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// serve starts a server; change may set it up before it takes connections. At the end of the test it
// is closed, and nothing of it may be left running.
func serve(t *testing.T, change ...func(*server)) *server {
	t.Helper()
	t.Cleanup(func() { noGoroutinesLeft(t) })
	return serveAmong(t, change...)
}

// serveAmong is serve while others run: nobody can say then whose a goroutine is that is left.
func serveAmong(t *testing.T, change ...func(*server)) *server {
	t.Helper()
	api, err := NewAPI(APIConfig{UDPAddr: "127.0.0.1:0", TCPAddr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{t: t, desk: newDesk(t), api: api, logs: &lockedBuffer{}}
	t.Cleanup(func() { // after the rooms have closed
		for _, fault := range s.desk.watch.Faults() {
			t.Error(fault)
		}
	})
	s.rooms = NewRooms(Config{API: api, Desk: s.desk, Log: slog.New(slog.NewTextHandler(s.logs, nil))})
	for _, f := range change {
		f(s)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /api/v1/sessions/{id}/room", Handler(s.rooms))
	mux.Handle("/api/v1/sessions/{id}/whip", PublishHandler(s.rooms))
	mux.Handle("/api/v1/sessions/{id}/whip/{program}", PublishHandler(s.rooms))
	web := httptest.NewServer(mux)
	s.url = "ws" + strings.TrimPrefix(web.URL, "http") + "/api/v1/sessions/"
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.rooms.Run(ctx) })
	t.Cleanup(func() {
		closing, done := context.WithTimeout(context.WithoutCancel(ctx), patience)
		defer done()
		if err := s.rooms.Close(closing); err != nil {
			t.Error(err)
		}
		cancel()
		running.Wait()
		web.Close()
		if err := s.api.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Log(s.logs)
		}
	})
	return s
}

// waitUntil asks again and again.
func waitUntil(t *testing.T, what string, is func() bool) {
	t.Helper()
	limit := time.After(patience)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !is() {
		select {
		case <-again.C:
		case <-limit:
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

// noGoroutinesLeft waits until nothing of this package or of Pion runs.
func noGoroutinesLeft(t *testing.T) {
	t.Helper()
	limit := time.After(patience)
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		all := make([]byte, 1<<20)
		all = all[:runtime.Stack(all, true)]
		var left []string
		for i, one := range strings.Split(string(all), "\n\n") {
			if i > 0 && !strings.Contains(one, "testing.(*T).Run(") && !strings.Contains(one, "noGoroutinesLeft") &&
				(strings.Contains(one, "greenroom/") || strings.Contains(one, "pion/")) {
				left = append(left, one)
			}
		}
		if len(left) == 0 {
			return
		}
		select {
		case <-again.C:
		case <-limit:
			t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
			return
		}
	}
}

// page is a client of the protocol.
type page struct {
	t    *testing.T
	ws   *websocket.Conn
	in   chan Message
	code chan int    // the close code, once
	deaf atomic.Bool // to pings, as a page whose computer sleeps
}

// dial opens a WebSocket as a page of the server's own origin, unless the header says another.
func (s *server) dial(header http.Header) (*websocket.Conn, *http.Response, error) {
	if header == nil {
		header = http.Header{"Origin": {s.origin()}}
	}
	return websocket.DefaultDialer.DialContext(s.t.Context(), s.url+string(s.desk.session.ID)+"/room", header)
}

// connect opens a WebSocket and says nothing.
func (s *server) connect() *page {
	s.t.Helper()
	ws, response, err := s.dial(nil)
	if err != nil {
		s.t.Fatalf("dial: %v, %v", err, response)
	}
	_ = response.Body.Close()
	p := &page{t: s.t, ws: ws, in: make(chan Message, 256), code: make(chan int, 1)}
	ws.SetPingHandler(func(data string) error {
		if p.deaf.Load() {
			return nil
		}
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(patience))
		return nil
	})
	var reading sync.WaitGroup
	reading.Go(p.read)
	s.t.Cleanup(func() { _ = ws.Close(); reading.Wait() })
	return p
}

// pageName is what join's pages call themselves: each is the page before it, reloaded.
const pageName = "the-page-of-the-test"

// join connects and says hello.
func (s *server) join() *page {
	s.t.Helper()
	p := s.connect()
	p.send(&Hello{Version: ProtocolVersion, Page: pageName})
	expect[*Welcome](p)
	return p
}

func (p *page) read() {
	defer close(p.in)
	for {
		_, frame, err := p.ws.ReadMessage()
		if err != nil {
			code := 0
			if closed, ok := errors.AsType[*websocket.CloseError](err); ok {
				code = closed.Code
			}
			p.code <- code
			return
		}
		m, err := decode(frame, fromServer, true)
		if err != nil {
			p.t.Errorf("the server sent %s: %v", frame, err)
			continue
		}
		p.in <- m
	}
}

func (p *page) send(m Message) {
	p.t.Helper()
	frame, err := Encode(m)
	if err != nil {
		p.t.Fatal(err)
	}
	p.sendFrame(frame)
}

func (p *page) sendFrame(frame []byte) {
	p.t.Helper()
	if err := p.ws.WriteMessage(websocket.TextMessage, frame); err != nil {
		p.t.Fatalf("send %.100s: %v", frame, err)
	}
}

// expect waits for the next message of a type that fits, passing over others.
func expect[M Message](p *page, fits ...func(M) bool) M {
	p.t.Helper()
	return expectWithin(p, patience, fits...)
}

// expectWithin is expect with another patience.
func expectWithin[M Message](p *page, patience time.Duration, fits ...func(M) bool) M {
	p.t.Helper()
	limit := time.After(patience)
	var passed []Message
	for {
		select {
		case m, ok := <-p.in:
			if !ok {
				p.t.Fatalf("the connection closed before a %T that fits; passed over %s", *new(M), describe(passed))
			}
			if wanted, ok := m.(M); ok && (len(fits) == 0 || fits[0](wanted)) {
				return wanted
			}
			passed = append(passed, m)
		case <-limit:
			p.t.Fatalf("no %T that fits within %v; passed over %s", *new(M), patience, describe(passed))
		}
	}
}

// expectAll waits until each condition has held for some message, in any order.
func (p *page) expectAll(conditions ...func(Message) bool) {
	p.t.Helper()
	met := map[int]bool{}
	expect(p, func(m Message) bool {
		for i, holds := range conditions {
			met[i] = met[i] || holds(m)
		}
		return len(slices.DeleteFunc(slices.Collect(maps.Values(met)), func(b bool) bool { return !b })) == len(conditions)
	})
}

func describe(messages []Message) string {
	var b strings.Builder
	for _, m := range messages {
		frame, _ := Encode(m)
		b.Write(frame)
		b.WriteByte(' ')
	}
	return b.String()
}

func (p *page) expectProblem(code string) *Problem {
	p.t.Helper()
	return expect(p, func(m *Problem) bool { return m.Code == code })
}

func (p *page) expectPhase(phase Phase) *TurnMessage {
	p.t.Helper()
	return expect(p, func(m *TurnMessage) bool { return m.Phase == phase })
}

func (p *page) expectClose(want CloseCode) {
	p.t.Helper()
	select {
	case code := <-p.code:
		if CloseCode(code) != want {
			p.t.Errorf("closed with %d, want %d", code, want)
		}
	case <-time.After(patience):
		p.t.Fatalf("not closed within %v, want %d", patience, want)
	}
}
