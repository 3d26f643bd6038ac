package storage

import (
	"crypto/sha256"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"greenroom/consent"
)

func TestRoomTicketIsGoodOnceForItsLogInAndSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	mine, other := w.logIn(t, "mine", w.alice, time.Hour, time.Hour), w.logIn(t, "other", w.alice, time.Hour, time.Hour)
	session, elsewhere := consent.NewID[consent.SessionID](), consent.NewID[consent.SessionID]()
	count := 0
	issue := func() [32]byte {
		t.Helper()
		count++
		ticket := sha256.Sum256([]byte{byte(count)})
		if err := w.accounts.IssueRoomTicket(ctx, ticket, mine, session, 30*time.Second); err != nil {
			t.Fatal(err)
		}
		return ticket
	}
	redeem := func(what string, ticket, token [32]byte, at consent.SessionID, want error) {
		t.Helper()
		if err := w.accounts.RedeemRoomTicket(ctx, ticket, token, at); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	good := issue()
	redeem("as it was made for", good, mine, session, nil)
	redeem("a second time", good, mine, session, consent.ErrNotFound)
	redeem("never made", sha256.Sum256([]byte("x")), mine, session, consent.ErrNotFound)
	for what, c := range map[string]struct {
		token [32]byte
		at    consent.SessionID
	}{"another log-in": {other, session}, "another session": {mine, elsewhere}} {
		ticket := issue()
		redeem(what, ticket, c.token, c.at, consent.ErrNotFound)
		redeem(what+", then rightly", ticket, mine, session, consent.ErrNotFound) // it was shown: it is used
	}
	late := issue()
	w.ownerExec(t, `UPDATE room_tickets SET expires_at = statement_timestamp()`)
	redeem("late", late, mine, session, consent.ErrNotFound)

	unused := issue()
	if n := w.ownerCount(t, `SELECT count(*) FROM room_tickets`); n != 1 {
		t.Errorf("%d tickets are stored, want the one that can still be used", n)
	}
	if err := w.accounts.EndLogIn(ctx, mine); err != nil {
		t.Fatal(err)
	}
	redeem("of a log-in that ended", unused, mine, session, consent.ErrNotFound)
	if n := w.ownerCount(t, `SELECT count(*) FROM room_tickets`); n != 0 {
		t.Errorf("%d tickets outlive their log-in", n)
	}
	if err := w.accounts.IssueRoomTicket(ctx, sha256.Sum256([]byte("y")), mine, session, time.Second); err == nil {
		t.Error("a ticket for a log-in that ended")
	}
}

func TestRoomTicketIsTakenByOneOfMany(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	token := w.logIn(t, "mine", w.alice, time.Hour, time.Hour)
	session, ticket := consent.NewID[consent.SessionID](), sha256.Sum256([]byte("ticket"))
	if err := w.accounts.IssueRoomTicket(t.Context(), ticket, token, session, time.Minute); err != nil {
		t.Fatal(err)
	}
	var took atomic.Int64
	var all sync.WaitGroup
	for range 10 {
		all.Go(func() {
			if w.accounts.RedeemRoomTicket(t.Context(), ticket, token, session) == nil {
				took.Add(1)
			}
		})
	}
	all.Wait()
	if took.Load() != 1 {
		t.Errorf("one ticket was taken %d times", took.Load())
	}
}
