package signaling

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// lookout is a Desk that only answers the watch.
type lookout struct {
	Desk
	sessions func(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error)
	admit    func(seats []Seat) []Admission
}

func (l *lookout) Sessions(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
	return l.sessions(ctx, ids)
}

func (l *lookout) AdmitAgain(_ context.Context, seats []Seat) []Admission { return l.admit(seats) }

// watchedRooms are n rooms that are open and have no capture.
func watchedRooms(desk *lookout, n int) (*Rooms, []*Room) {
	rs := NewRooms(Config{Desk: desk, Log: slog.New(slog.DiscardHandler)})
	var rooms []*Room
	for range n {
		room := newRoom(rs, consent.Session{
			ID: consent.NewID[consent.SessionID](), State: consent.SessionLive, Consents: consent.Consents{Transcription: true},
		})
		close(room.ready)
		rs.rooms[room.id] = room
		rooms = append(rooms, room)
	}
	return rs, rooms
}

// sessionsOf answers that everything stands.
func sessionsOf(rooms []*Room) map[consent.SessionID]consent.Session {
	list := map[consent.SessionID]consent.Session{}
	for _, room := range rooms {
		list[room.id] = consent.Session{ID: room.id, State: consent.SessionLive, Consents: consent.Consents{Transcription: true}}
	}
	return list
}

func TestWatchAsksOnceASecondForAllRoomsAndNotAtAllForNone(t *testing.T) {
	for _, n := range []int{0, 1, 20, watchBatch, watchBatch + 1} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			var asked []int
			desk := &lookout{}
			rs, rooms := watchedRooms(desk, n)
			desk.sessions = func(_ context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
				mu.Lock()
				defer mu.Unlock()
				asked = append(asked, len(ids))
				return sessionsOf(rooms), nil
			}
			ctx, cancel := context.WithTimeout(t.Context(), 3*watchEvery+watchEvery/2)
			defer cancel()
			rs.watch(ctx)
			questions := (n + watchBatch - 1) / watchBatch
			most := 0
			for _, of := range asked {
				most = max(most, of)
			}
			if len(asked) != 3*questions && len(asked) != 4*questions || most > watchBatch {
				t.Errorf("%d rooms: asked %v in 3.5 s", n, asked)
			}
		})
	}
}

func TestQuestionThatHangsEndsAtItsLimitAndDoesNotPileUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asking, most, asked, admitted := 0, 0, 0, 0
		desk := &lookout{}
		rs, rooms := watchedRooms(desk, 3)
		rooms[0].conn, rooms[0].page = &conn{}, &http.Request{}
		desk.sessions = func(ctx context.Context, _ []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
			asking++
			asked++
			most = max(most, asking)
			<-ctx.Done()
			asking--
			return nil, ctx.Err()
		}
		desk.admit = func(seats []Seat) []Admission {
			admitted++
			return make([]Admission, len(seats))
		}
		const watched = 20*askLimit - watchEvery/2 // the last question would begin at the end
		ctx, cancel := context.WithTimeout(t.Context(), watched)
		defer cancel()
		rs.watch(ctx)
		if most != 1 || asked < 18 || asked > 20 {
			t.Errorf("asked %d times in %v, %d at once", asked, watched, most)
		}
		if admitted < 19 {
			t.Errorf("log-ins were asked about %d times in %v beside a question that hangs", admitted, watched)
		}
		for _, room := range rooms {
			select {
			case why := <-room.stopping:
				t.Errorf("a room ends with %s by a question without an answer", why)
			default:
			}
		}
	})
}

func TestBatchThatHangsKeepsNoOtherWaiting(t *testing.T) {
	const batches, takes = 5, askLimit / 10
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asking, most, hung := 0, 0, 0
		desk := &lookout{}
		rs, rooms := watchedRooms(desk, batches*watchBatch)
		desk.sessions = func(ctx context.Context, ids []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
			mu.Lock()
			asking++
			most = max(most, asking)
			hangs := slices.Contains(ids, rooms[0].id)
			mu.Unlock()
			defer func() {
				mu.Lock()
				defer mu.Unlock()
				asking--
			}()
			if hangs {
				hung++
				<-ctx.Done()
				return nil, ctx.Err()
			}
			<-time.After(takes)
			return nil, nil // all erased
		}
		begun := time.Now()
		told := map[*Room]time.Duration{}
		rs.refresh(t.Context(), rooms, func(r *Room, _ func()) {
			mu.Lock()
			defer mu.Unlock()
			told[r] = time.Since(begun)
		})
		if took := time.Since(begun); took != askLimit || hung != 1 {
			t.Errorf("took %v, %d hung", took, hung)
		}
		if most != askAtOnce {
			t.Errorf("%d questions at once, want %d", most, askAtOnce)
		}
		if len(told) != (batches-1)*watchBatch {
			t.Errorf("%d rooms were told", len(told))
		}
		for _, after := range told {
			if after > 2*takes { // those of the first turn, and of the second
				t.Fatalf("a room was told after %v", after)
			}
		}
	})
}

func TestRoomThatIsBusyOrPanicsKeepsNoOtherWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &lookout{}
		rs, rooms := watchedRooms(desk, 3)
		given := consent.Consents{Recording: true, Transcription: true}
		var broken atomic.Bool
		rooms[1].consents = given
		rooms[1].capture = media.NewCapture(media.CaptureConfig{
			Session: rooms[1].id, Epoch: 1, Consents: given, Store: newMemoryStore(), Log: slog.New(slog.DiscardHandler),
			Now: func() time.Time {
				if broken.Load() {
					panic("no time to withdraw")
				}
				return time.Now()
			},
		})
		track, err := rooms[1].capture.Attach(media.TrackConfig{Kind: media.KindAudio, Codec: media.CodecOpus, SSRC: 1})
		must(t, err)
		panics := 0
		desk.sessions = func(context.Context, []consent.SessionID) (map[consent.SessionID]consent.Session, error) {
			if panics++; panics == 1 {
				panic("desk")
			}
			broken.Store(true)
			known := sessionsOf(rooms)
			changed := known[rooms[1].id]
			changed.Consents = consent.Consents{}
			known[rooms[1].id] = changed
			delete(known, rooms[2].id)
			return known, nil
		}
		for range answerQueue {
			rooms[0].later(func() { t.Error("nobody follows") })
		}
		ctx, cancel := context.WithTimeout(t.Context(), 4*watchEvery)
		defer cancel()
		for _, room := range rooms[1:] {
			go room.follow(ctx) // owner: the test; ends with ctx
		}
		rs.watch(ctx)
		synctest.Wait()
		if why := <-rooms[2].stopping; why != EndErased {
			t.Errorf("the erased one ends with %s", why)
		}
		broken.Store(false)
		if rooms[1].consents != (consent.Consents{}) {
			t.Error("the panic kept the withdrawal away")
		}
		track.Push([]byte{0x80, 111, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0x78, 1}, time.Now())
		if got := track.Stats().Received; got != 0 {
			t.Errorf("the capture that did not take the withdrawal took %d packets", got)
		}
		select {
		case why := <-rooms[1].stopping:
			if why != EndServerStopping {
				t.Errorf("the room ends with %s", why)
			}
		default:
			t.Error("the room goes on")
		}
	})
}

func TestAnswerAboutAPageIsNotAboutTheOneThatCameAfterIt(t *testing.T) {
	desk := &lookout{}
	rs, rooms := watchedRooms(desk, 1)
	old, fresh := &conn{queue: make(chan []byte, 1), closing: make(chan struct{})}, &conn{queue: make(chan []byte, 1), closing: make(chan struct{})}
	rooms[0].conn, rooms[0].page = old, &http.Request{}
	desk.admit = func(seats []Seat) []Admission {
		rooms[0].conn = fresh
		return slices.Repeat([]Admission{{Page: ErrUnauthenticated}}, len(seats))
	}
	rs.readmit(t.Context(), rooms, (*Room).atOnce)
	select {
	case <-old.closing:
	case <-time.After(patience):
		t.Error("the old page stays")
	}
	select {
	case <-fresh.closing:
		t.Error("the new page was put out")
	default:
	}
}
