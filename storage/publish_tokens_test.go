package storage

import (
	"crypto/sha256"
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

func TestPublishTokenLetsOneLogInIntoOneSession(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx := t.Context()
	mine := w.logIn(t, "mine", w.alice, time.Hour, time.Hour)
	session, elsewhere := consent.NewID[consent.SessionID](), consent.NewID[consent.SessionID]()
	first, second, other := sha256.Sum256([]byte("first")), sha256.Sum256([]byte("second")), sha256.Sum256([]byte("other"))
	issue := func(token [32]byte, at consent.SessionID) {
		t.Helper()
		if err := w.accounts.IssuePublishToken(ctx, token, mine, at, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(what string, token [32]byte, at consent.SessionID, want error) {
		t.Helper()
		found, err := w.accounts.Publisher(ctx, token, at)
		many, fault := w.accounts.PublishersNow(ctx, [][32]byte{sha256.Sum256([]byte("y")), token}, []consent.SessionID{at, at})
		if again, ok := many[token]; fault != nil || ok != (err == nil) || ok && again.ID != found.ID {
			t.Errorf("%s: among many %v, %v; alone %v", what, many, fault, err)
		}
		if !errors.Is(err, want) || err == nil && found.Account.ID != w.alice.ID {
			t.Errorf("%s: %s, %v; want %v", what, found.Account.ID, err, want)
		}
	}
	issue(first, session)
	issue(other, elsewhere)
	ask("as it was made for", first, session, nil)
	ask("a second time", first, session, nil)
	ask("another session", first, elsewhere, consent.ErrNotFound)
	ask("never made", sha256.Sum256([]byte("x")), session, consent.ErrNotFound)
	if err := w.accounts.RedeemRoomTicket(ctx, first, mine, session); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("it opens the room of a page: %v", err)
	}
	ask("after somebody tried it there", first, session, nil)
	issue(second, session)
	ask("replaced by a newer one", first, session, consent.ErrNotFound)
	ask("the newer one", second, session, nil)
	ask("of another session, which it does not replace", other, elsewhere, nil)

	ticket := sha256.Sum256([]byte("ticket"))
	if err := w.accounts.IssueRoomTicket(ctx, ticket, mine, session, time.Minute); err != nil {
		t.Fatal(err)
	}
	ask("a page's ticket", ticket, session, consent.ErrNotFound)
	w.ownerExec(t, `UPDATE room_tickets SET expires_at = statement_timestamp() WHERE session = $1`, session)
	ask("late", second, session, consent.ErrNotFound)
	if err := w.accounts.EndLogIn(ctx, mine); err != nil {
		t.Fatal(err)
	}
	ask("of a log-in that ended", other, elsewhere, consent.ErrNotFound)
}
