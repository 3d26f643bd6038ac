package signaling

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"greenroom/consent"
	"greenroom/media"
)

const (
	watchEvery  = time.Second     // a withdrawal or a log-out must work within a second, also if a notification is lost
	askLimit    = time.Second     // one question: it is better asked anew, of another connection to the database, than waited for
	deskLimit   = 5 * time.Second // one other call of the desk or the interviewer
	watchBatch  = 500             // rooms in one question
	askAtOnce   = 3               // batches; each takes a connection to the database
	answerQueue = 2               // one answer to each question
)

// Seat is who holds a session: the requests that its page and its program came with, nil where there is none.
type Seat struct {
	Session   consent.SessionID
	Candidate consent.AccountID
	Page      *http.Request
	Program   *http.Request
}

// Admission says whether a seat's page and program may go on, with the errors of [Desk.Admit] and
// [Desk.AdmitPublisher]; nil where nobody was asked about.
type Admission struct {
	Page    error
	Program error
}

// watch asks two questions a second for all rooms, each in its own time: what hinders one does not
// hinder the other, and a question that takes long is not asked a second time meanwhile.
func (rs *Rooms) watch(ctx context.Context) {
	var asking sync.WaitGroup
	for _, ask := range []func(context.Context, []*Room, deliver){rs.refresh, rs.readmit} {
		asking.Go(func() { rs.eachSecond(ctx, ask) }) // owner: watch, which waits; ends with ctx
	}
	asking.Wait()
}

// deliver gives a room what it has to do about an answer.
type deliver func(*Room, func())

// atOnce does it where the question was asked.
func (*Room) atOnce(do func()) { do() }

// later leaves it to the room, so that one that takes long keeps no other waiting. Where the room is not
// even done with what it has, the next answer says the same again.
func (r *Room) later(do func()) {
	select {
	case r.answers <- do:
	default:
	}
}

// follow does what answers ask for until ctx ends.
func (r *Room) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case do := <-r.answers:
			do()
		}
	}
}

func (rs *Rooms) eachSecond(ctx context.Context, ask func(context.Context, []*Room, deliver)) {
	timer := time.NewTimer(media.UntilBeat(time.Now(), watchEvery))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			if ctx.Err() != nil { // both were ready
				return
			}
			timer.Reset(media.UntilBeat(now, watchEvery))
			ask(ctx, rs.watched(func(*Room) bool { return true }), (*Room).later)
		}
	}
}

// watched returns the rooms that are open and not over, of those that which takes.
func (rs *Rooms) watched(which func(*Room) bool) []*Room {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var rooms []*Room
	for _, room := range rs.rooms {
		if which(room) && room.isOpen() {
			rooms = append(rooms, room)
		}
	}
	return rooms
}

// isOpen reports whether the room was opened and takes connections.
func (r *Room) isOpen() bool {
	select {
	case <-r.ready:
	default:
		return false
	}
	if r.refused != nil {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.over == ""
}

// refresh re-reads what the sessions of the rooms are and consent to, and applies it.
func (rs *Rooms) refresh(ctx context.Context, rooms []*Room, to deliver) {
	rs.ask(ctx, "consents", rooms, func(ctx context.Context, batch []*Room) {
		ids := make([]consent.SessionID, len(batch))
		for i, room := range batch {
			ids[i] = room.id
		}
		sessions, err := rs.config.Desk.Sessions(ctx, ids)
		if err != nil {
			if !errors.Is(ctx.Err(), context.Canceled) { // else the server stops
				rs.config.Log.Warn("the consents of sessions could not be read", "sessions", len(ids), "error", err)
			}
			return
		}
		for _, room := range batch {
			if session, known := sessions[room.id]; room.concerns(session, known) {
				to(room, func() { room.apply(session, known) })
			}
		}
	})
}

// readmit asks whether log-ins and tokens still live, and puts out whose do not. What cannot be read is no
// reason to.
func (rs *Rooms) readmit(ctx context.Context, rooms []*Room, to deliver) {
	rs.ask(ctx, "log-ins", rooms, func(ctx context.Context, batch []*Room) {
		seats, holders := make([]Seat, 0, len(batch)), make([]holder, 0, len(batch))
		for _, room := range batch {
			if h := room.holder(); h.conn != nil || h.program != nil {
				seats, holders = append(seats, h.seat()), append(holders, h)
			}
		}
		if len(seats) == 0 {
			return
		}
		for i, a := range rs.config.Desk.AdmitAgain(ctx, seats) {
			if h := holders[i]; notAdmitted(a.Page) || notAdmitted(a.Program) {
				to(h.room, func() { h.putOut(a) })
			}
		}
	})
}

// ask puts a question about the rooms, in batches side by side, each under its limit.
func (rs *Rooms) ask(ctx context.Context, about string, rooms []*Room, question func(context.Context, []*Room)) {
	var asking errgroup.Group
	asking.SetLimit(askAtOnce)
	for batch := range slices.Chunk(rooms, watchBatch) {
		asking.Go(func() error { // owner: ask, which waits; ends by the limit
			rs.askOnce(ctx, about, batch, question)
			return nil
		})
	}
	_ = asking.Wait() // each has logged its own
}

// askOnce: a panic in one question is not the end of those that follow.
func (rs *Rooms) askOnce(ctx context.Context, about string, batch []*Room, question func(context.Context, []*Room)) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	defer func() {
		if cause := recover(); cause != nil {
			rs.config.Log.Error("panic in the watch over rooms", "about", about, "panic", fmt.Sprint(cause), "stack", string(debug.Stack()))
		}
	}()
	question(ctx, batch)
}

// stillGiven returns which consents are left. They can only shrink while a session is live, so that a late
// answer of the store cannot undo a withdrawal that was applied already. The caller holds the mutex.
func (r *Room) stillGiven(session consent.Session) consent.Consents {
	return consent.Consents{
		Recording:     r.consents.Recording && session.Consents.Recording,
		Transcription: r.consents.Transcription && session.Consents.Transcription,
		Assessment:    r.consents.Assessment && session.Consents.Assessment,
	}
}

// concerns reports whether the room has to do something about what its session is now.
func (r *Room) concerns(session consent.Session, known bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !goesOn(session, known) || r.stillGiven(session) != r.consents
}

// goesOn: a session that is not known any more was erased.
func goesOn(session consent.Session, known bool) bool {
	return known && (session.State == consent.SessionLive || session.State == consent.SessionConsented)
}

// apply takes over what the session is now.
func (r *Room) apply(session consent.Session, known bool) {
	defer r.recover("watch")
	if !goesOn(session, known) {
		r.stop(EndErased)
		return
	}
	r.mu.Lock()
	left := r.stillGiven(session)
	changed := left != r.consents
	r.consents = left
	r.mu.Unlock()
	if changed {
		r.withdraw(left)
		r.tell(&ConsentsMessage{Consents: onWire(left)})
	}
}

// withdraw tells the capture what is left. One that cannot take it takes nothing any more, and the room closes
// without ending the session, so that the page comes back to a room that begins with what is left.
func (r *Room) withdraw(left consent.Consents) {
	done := false
	defer func() {
		if !done {
			r.capture.Finish()
			r.stop(EndServerStopping)
		}
	}()
	defer r.recover("withdrawal")
	r.capture.SetConsents(left)
	done = true
}

// holder is who held a room when a question was asked: an answer about them is about nobody who came since.
type holder struct {
	room    *Room
	conn    *conn
	page    *http.Request
	program *program
}

func (r *Room) holder() holder {
	r.mu.Lock()
	defer r.mu.Unlock()
	return holder{r, r.conn, r.page, r.program}
}

func (h holder) seat() Seat {
	seat := Seat{Session: h.room.id, Candidate: h.room.account, Page: h.page}
	if h.program != nil {
		seat.Program = h.program.request
	}
	return seat
}

// putOut closes a connection whose log-in has ended, and ends a program whose token has.
func (h holder) putOut(a Admission) {
	defer h.room.recover("watch")
	if h.conn != nil && notAdmitted(a.Page) {
		h.conn.end(EndLoggedOut, CloseLoggedOut)
	}
	if h.program != nil && notAdmitted(a.Program) {
		h.room.endProgram(h.program)
	}
}
