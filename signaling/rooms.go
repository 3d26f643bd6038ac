package signaling

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"greenroom/consent"
)

const (
	openLimit    = 10 * time.Second
	abandonAfter = 5 * time.Minute  // without a connection
	longest      = 90 * time.Minute // of one room
)

// Config is what [Rooms] need.
type Config struct {
	API  *API
	Desk Desk
	// AllowedOrigin says whether a page of that exact origin may connect; nil: only of the same host.
	AllowedOrigin func(origin string) bool
	Voice         bool // the server says questions aloud; pages are told
	Log           *slog.Logger
}

// Rooms are the live sessions of this process. They are safe for concurrent use.
type Rooms struct {
	config       Config
	feedback     *feedback
	conns        connCounts
	abandonAfter time.Duration
	longest      time.Duration
	helloLimit   time.Duration

	open sync.WaitGroup // rooms and connections; counted up only under mu while not closed

	mu       sync.Mutex
	draining bool // no new rooms
	closed   bool // no new connections either
	rooms    map[consent.SessionID]*Room
	live     map[*conn]struct{}
}

// NewRooms returns an empty set; nothing happens before [Rooms.Run].
func NewRooms(config Config) *Rooms {
	return &Rooms{
		config: config, feedback: newFeedback(), rooms: map[consent.SessionID]*Room{},
		live: map[*conn]struct{}{}, abandonAfter: abandonAfter, longest: longest, helloLimit: helloLimit,
	}
}

// Run sends feedback to all peers and watches over consents and log-ins until ctx ends. Rooms end by
// [Rooms.Close], which comes before.
func (rs *Rooms) Run(ctx context.Context) error {
	var watch sync.WaitGroup
	watch.Go(func() { rs.watch(ctx) }) // owner: Run, which waits; ends with ctx
	rs.feedback.run(ctx)
	watch.Wait()
	return nil
}

// Drain refuses new rooms from now on; those that are live go on.
func (rs *Rooms) Drain() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	rs.draining = true
}

// Close refuses new rooms, tells every page, closes peers and finishes captures. It waits for all of
// it or for ctx. The sessions stay live: another process goes on with them.
func (rs *Rooms) Close(ctx context.Context) error {
	rs.mu.Lock()
	rs.draining, rs.closed = true, true
	for c := range rs.live {
		c.end(EndServerStopping, CloseStopping)
	}
	for _, room := range rs.rooms {
		room.stop(EndServerStopping)
	}
	rs.mu.Unlock()
	done := make(chan struct{})
	go func() { // owner: Close, which stops waiting when ctx ends
		defer close(done)
		rs.open.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return errors.Join(errors.New("rooms did not close in time"), ctx.Err())
	}
}

// Live is how many rooms there are.
func (rs *Rooms) Live() int {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	return len(rs.rooms)
}

// LostPackets is [API.LostPackets] of the API that the rooms use.
func (rs *Rooms) LostPackets() uint64 { return rs.config.API.LostPackets() }

// Check is [API.Check] of the API that the rooms use.
func (rs *Rooms) Check() error { return rs.config.API.Check() }

// ConsentsChanged re-reads the consents of a session, if it is live here, and applies them.
func (rs *Rooms) ConsentsChanged(ctx context.Context, id consent.SessionID) {
	if room := rs.find(id); room != nil {
		rs.refresh(ctx, []*Room{room}, (*Room).atOnce)
	}
}

// LogInsEnded asks anew whether the pages of an account are still logged in, or those of all for the
// empty account, and puts out those that are not.
func (rs *Rooms) LogInsEnded(ctx context.Context, account consent.AccountID) {
	rs.readmit(ctx, rs.watched(func(room *Room) bool { return account == "" || room.account == account }), (*Room).atOnce)
}

// Caption shows recognised text to the candidate, if the session is live here.
func (rs *Rooms) Caption(c Caption) {
	if room := rs.find(c.Session); room != nil {
		room.caption(&CaptionMessage{
			Epoch: c.Epoch, Sequence: c.Sequence,
			StartMS: InMilliseconds(c.Start), EndMS: InMilliseconds(c.End), Text: c.Text,
			Doubtful: c.Doubtful, Repaired: c.Repaired,
		})
	}
}

// CaptionPartial shows what was said so far to the candidate, if the session is live here. A page that is
// behind with reading does without.
func (rs *Rooms) CaptionPartial(c PartialCaption) {
	if room := rs.find(c.Session); room != nil {
		room.captionPartial(&CaptionPartialMessage{
			Epoch: c.Epoch, Sequence: c.Sequence,
			StartMS: InMilliseconds(c.Start), EndMS: InMilliseconds(c.End), Stable: c.Stable, Unstable: c.Unstable,
		})
	}
}

// CaptionFailed tells the candidate that an utterance has no text, if the session is live here.
func (rs *Rooms) CaptionFailed(c CaptionFailure) {
	if room := rs.find(c.Session); room != nil {
		room.caption(&CaptionFailedMessage{
			Epoch: c.Epoch, Sequence: c.Sequence,
			StartMS: InMilliseconds(c.Start), EndMS: InMilliseconds(c.End), Message: c.Message,
		})
	}
}

// find returns the room of a session once it is open.
func (rs *Rooms) find(id consent.SessionID) *Room {
	rs.mu.Lock()
	room := rs.rooms[id]
	rs.mu.Unlock()
	if room == nil {
		return nil
	}
	select {
	case <-room.ready:
	default:
		return nil
	}
	if room.refused != nil {
		return nil
	}
	return room
}

// join returns the session's room and opens it if there is none. Two pages that join at once get one.
func (rs *Rooms) join(ctx context.Context, session consent.Session) (*Room, *Refusal) {
	room, first, refusal := rs.reserve(session)
	if refusal != nil {
		return nil, refusal
	}
	if first {
		rs.openRoom(ctx, room, session)
	}
	select {
	case <-room.ready:
	case <-ctx.Done():
		return nil, tryLater("cannot_open", ctx.Err())
	}
	return room, room.refused
}

// reserve finds the room or puts an unopened one in its place.
func (rs *Rooms) reserve(session consent.Session) (_ *Room, first bool, _ *Refusal) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if room := rs.rooms[session.ID]; room != nil {
		return room, false, nil
	}
	if rs.draining {
		return nil, false, &Refusal{
			Code: "server_stopping", Message: "This server is about to stop and takes no new interviews.",
			Next: "Try again in a minute; nothing was started.",
		}
	}
	room := newRoom(rs, session)
	rs.rooms[session.ID] = room
	rs.open.Add(1)
	return room, true, nil
}

func (rs *Rooms) openRoom(ctx context.Context, room *Room, session consent.Session) {
	defer close(room.ready)
	opening, cancel := context.WithTimeout(ctx, openLimit)
	defer cancel()
	capture, interviewer, err := rs.config.Desk.Open(opening, session, room.events())
	if err != nil {
		room.log.Warn("a room could not be opened", "error", err)
		room.refused = tryLater("cannot_open", err)
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			room.refused = refusal
		}
		rs.forget(room)
		rs.open.Done()
		return
	}
	room.capture, room.interviewer, room.turn = capture, interviewer, interviewer.Turn()
	life := context.WithoutCancel(ctx) // a room outlives the request that opened it
	go func() {                        // owner: Rooms; ends with the session or by Close, which waits
		defer rs.open.Done()
		defer rs.forget(room)
		room.run(life)
	}()
}

// forget takes the room away. The desk hears of it while no other room can take its place.
func (rs *Rooms) forget(room *Room) {
	rs.config.Desk.Close(room.id)
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.rooms, room.id)
	close(room.gone)
}

func tryLater(code string, cause error) *Refusal {
	return &Refusal{
		Code: code, Message: "The interview could not be opened: the server cannot reach what it needs.",
		Next: "Try again in a minute; what was kept before is safe.", Cause: cause,
	}
}

// Handler serves GET /api/v1/sessions/{id}/room.
func Handler(rooms *Rooms) http.Handler {
	return http.HandlerFunc(rooms.serve)
}

func (rs *Rooms) serve(w http.ResponseWriter, r *http.Request) {
	if !originAllowed(r, rs.config.AllowedOrigin) {
		refuse(w, http.StatusForbidden, "This page may not join a room here.")
		return
	}
	id, err := consent.ParseID[consent.SessionID](r.PathValue("id"))
	if err != nil {
		refuse(w, http.StatusNotFound, "There is no such session.")
		return
	}
	session, err := rs.config.Desk.Admit(r, id)
	switch {
	case errors.Is(err, ErrUnauthenticated):
		refuse(w, http.StatusUnauthorized, "Log in first.")
		return
	case errors.Is(err, consent.ErrNotFound):
		refuse(w, http.StatusNotFound, "There is no such session.")
		return
	case err != nil:
		rs.config.Log.Warn("admission failed", "error", err)
		refuse(w, http.StatusServiceUnavailable, "The server cannot check who you are at the moment.")
		return
	}
	c, finish, err := upgrade(w, r, rs.config.AllowedOrigin)
	if err != nil {
		return
	}
	if !rs.enter(c) {
		c.end(EndServerStopping, CloseStopping)
		finish()
		return
	}
	defer rs.leave(c)
	defer finish()
	rs.talk(r, c, session)
}

// enter counts a connection, so that Close tells it and waits for it.
func (rs *Rooms) enter(c *conn) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if rs.closed {
		return false
	}
	rs.open.Add(1)
	rs.live[c] = struct{}{}
	return true
}

func (rs *Rooms) leave(c *conn) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	delete(rs.live, c)
	rs.open.Done()
}

// talk is the read pump's goroutine: greeting, room, messages, until the connection ends.
func (rs *Rooms) talk(r *http.Request, c *conn, session consent.Session) {
	account := string(session.Candidate)
	if !rs.conns.take(account) {
		c.fail(CloseTooManyConns, Problem{
			Code: "too_many_conns", Message: "You have this open in too many places.", Next: "Close another page first.",
		})
		return
	}
	defer rs.conns.release(account)
	hello := greet(c, session, rs.helloLimit)
	if hello == nil {
		return
	}
	room := rs.seat(r, c, session, hello.Takeover)
	if room == nil {
		return
	}
	defer room.detach(c)
	for bad := 0; ; {
		message, err := c.read()
		switch {
		case errors.Is(err, ErrBadMessage):
			if bad++; bad > badMessageMax {
				c.fail(CloseBadMessages, badMessage(err))
				return
			}
			problem := badMessage(err)
			c.send(&problem)
		case err != nil:
			return
		default:
			room.handle(r.Context(), c, message)
		}
	}
}

// seat gives the connection to its session's room, or tells why not. A room that closes although its
// session goes on is waited for and opened anew. A page that has the session keeps it from another that
// does not ask for it, if it is still there.
func (rs *Rooms) seat(r *http.Request, c *conn, session consent.Session, takeover bool) *Room {
	arriving := arrival{conn: c, takeover: takeover, page: r}
	for {
		room, refusal := rs.join(r.Context(), session)
		if refusal != nil {
			c.fail(CloseTryLater, *refusal.problem(true))
			return nil
		}
		over, holder := room.attach(arriving)
		switch {
		case holder != nil && holder.answers(aliveWithin):
			c.fail(CloseTaken, taken())
			return nil
		case holder != nil:
			arriving.dead = holder
		case over == "":
			return room
		case over == EndServerStopping:
			select {
			case <-room.gone:
			case <-c.closing:
				return nil
			}
		default:
			c.fail(CloseSessionOver, sessionOver())
			return nil
		}
	}
}

// greet waits for the hello and checks that this session may be talked about at all; nil if not.
func greet(c *conn, session consent.Session, limit time.Duration) *Hello {
	if err := c.keepAlive(limit); err != nil {
		return nil
	}
	message, err := c.read()
	if errors.Is(err, ErrBadMessage) {
		c.fail(CloseBadMessages, badMessage(err))
		return nil
	}
	if err != nil {
		c.close(CloseNoHello)
		return nil
	}
	hello, ok := message.(*Hello)
	if !ok {
		c.fail(CloseNoHello, Problem{
			Code: "hello_first", Message: "The page did not say hello first.", Next: "Reload the page.",
		})
		return nil
	}
	if hello.Version != ProtocolVersion {
		c.fail(CloseBadVersion, Problem{
			Code: "bad_version", Message: "The page and the server speak different versions.", Next: "Reload the page.",
		})
		return nil
	}
	switch session.State { // all the others are over
	case consent.SessionConsented, consent.SessionLive:
	case consent.SessionScheduled:
		c.fail(CloseNoConsent, Problem{
			Code: "consent_required", Message: "This session has no consent yet.",
			Next: "Answer the notice first, then come back.",
		})
		return nil
	default:
		c.fail(CloseSessionOver, sessionOver())
		return nil
	}
	if c.keepAlive(pongWithin) != nil {
		return nil
	}
	c.page = hello.Page
	return hello
}

func taken() Problem {
	return Problem{
		Code: "taken", Message: "This interview is open in another window.",
		Next: "Continue here to take it over; the other window then stops.",
	}
}

func sessionOver() Problem {
	return Problem{Code: "session_over", Message: "This session has ended.", Next: "Open its report."}
}

func badMessage(err error) Problem {
	return Problem{Code: "bad_message", Message: "The server did not understand the page: " + err.Error() + ".", Next: "Reload the page."}
}

// refuse answers before the upgrade, as RFC 9457 problem.
func refuse(w http.ResponseWriter, status int, title string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"title":%q,"status":%d}`, title, status)
}
