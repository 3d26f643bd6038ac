package storage

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// logInOf makes a log-in and returns its token's hash.
func (w *world) logInOf(t *testing.T, of consent.Account, token byte) [32]byte {
	t.Helper()
	hash := [32]byte{token}
	if err := w.accounts.CreateLogIn(t.Context(), hash, consent.NewLogIn{Account: of.ID, Idle: time.Hour, Absolute: time.Hour}); err != nil {
		t.Fatal(err)
	}
	return hash
}

// age moves the end of an account's thirty days into the past.
func (w *world) age(t *testing.T, of consent.Account) {
	t.Helper()
	w.ownerExec(t, `UPDATE accounts SET closed_at = closed_at - interval '30 days 1 hour', erase_at = erase_at - interval '30 days 1 hour' WHERE id = $1`, of.ID)
}

func TestClosingCutsEverythingAndCanBeUndone(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	mine, own, others := w.recorded(t, w.alice), w.recorded(t, w.alice), w.recorded(t, w.bob)
	w.ownerExec(t, `UPDATE sessions SET restricted_at = now() - interval '1 day' WHERE id = $1`, own) // by alice herself
	logIn := w.logInOf(t, w.alice, 1)
	before := w.rowsOf(t, mine)

	eraseAt, err := w.erasures.CloseAccount(t.Context(), w.alice.ID)
	if left := time.Until(eraseAt); err != nil || left < consent.CloseUndo-time.Minute || left > consent.CloseUndo+time.Minute {
		t.Fatalf("closed, erased at %v, %v; want in 30 days", eraseAt, err)
	}
	if again, err := w.erasures.CloseAccount(t.Context(), w.alice.ID); err != nil || !again.Equal(eraseAt) {
		t.Errorf("closing again = %v, %v; want %v", again, err, eraseAt)
	}
	if _, err := w.accounts.LogIn(t.Context(), logIn); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the log-in outlives the account: %v", err)
	}
	for _, id := range []consent.SessionID{mine, own} {
		w.everybodyIsRefused(t, id)
	}
	if got := told(w.receiptsFor(t, w.acmes)); got != "given given given ended ended" {
		t.Errorf("acme was told %q", got)
	}
	if _, err := w.gate.Permit(t.Context(), actorOf(w.acmes), others, consent.ArtefactTranscript); err != nil {
		t.Errorf("bob's interview was cut too: %v", err)
	}
	if emptied, err := w.eraser.EraseAccounts(t.Context()); emptied != 0 || err != nil {
		t.Errorf("erased before its time: %d, %v", emptied, err)
	}

	// Logging in is possible, to open it again and for nothing else.
	found, err := w.accounts.Credentials(t.Context(), w.alice.Email)
	if err != nil || found.Account.ClosedAt.IsZero() || !found.Account.EraseAt.Equal(eraseAt) {
		t.Fatalf("credentials of the closed account: %v, %v", found.Account.ClosedAt, err)
	}
	again := w.logInOf(t, w.alice, 2)
	if l, err := w.accounts.LogIn(t.Context(), again); err != nil || l.Account.ClosedAt.IsZero() {
		t.Errorf("the new log-in does not know that the account is closed: %v", err)
	}
	for range 2 {
		err := w.accounts.Reopen(t.Context(), w.alice.ID)
		if errors.Is(err, consent.ErrNotFound) != found.Account.ClosedAt.IsZero() {
			t.Errorf("open again: %v", err)
		}
		found.Account.ClosedAt = time.Time{}
	}
	if _, err := w.gate.Permit(t.Context(), actorOf(w.alice), mine, consent.ArtefactTranscript); err != nil {
		t.Errorf("alice does not see her interview again: %v", err)
	}
	if _, err := w.gate.Permit(t.Context(), actorOf(w.acmes), mine, consent.ArtefactTranscript); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("what was shared came back: %v", err)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM sessions WHERE restricted_at IS NOT NULL`); n != 1 {
		t.Errorf("%d interviews are restricted, want the one that alice had restricted", n)
	}
	if after := w.rowsOf(t, mine); !maps.Equal(before, after) {
		t.Errorf("closing and opening changed rows from %v to %v", before, after)
	}
}

// TestAccountIsNotClosedDuringAnInterview: it is refused and ends nothing, so that what is being said is kept
// and assessed.
func TestAccountIsNotClosedDuringAnInterview(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	erasures := NewErasures(w.database)
	other, id := w.interview(t, w.alice), w.live(t, w.alice, allConsents)
	w.share(t, w.alice, other, w.acme, consent.ScopeRatings)
	w.live(t, w.bob, allConsents) // keeps nobody else's account open
	logIn := w.logInOf(t, w.alice, 8)
	if at, err := erasures.CloseAccount(t.Context(), w.alice.ID); !errors.Is(err, consent.ErrInterviewLive) || !at.IsZero() {
		t.Fatalf("closing during an interview: %v, %v; want ErrInterviewLive", at, err)
	}
	if l, err := w.accounts.LogIn(t.Context(), logIn); err != nil || !l.Account.ClosedAt.IsZero() {
		t.Errorf("after the refusal the log-in is of an account closed at %v, %v", l.Account.ClosedAt, err)
	}
	if permitted, _ := w.sees(t, other); !permitted {
		t.Error("the refusal ended what is shared")
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'account_closing'`); n != 0 {
		t.Errorf("%d entries of a closing that was refused", n)
	}
	for _, err := range []error{w.ingest.SaveAnswer(t.Context(), testAnswer(id, 0)), w.ingest.EndSession(t.Context(), id)} {
		if err != nil {
			t.Errorf("the interview does not end in order: %v", err)
		}
	}
	if _, err := erasures.CloseAccount(t.Context(), w.alice.ID); err != nil {
		t.Fatalf("closing after the interview: %v", err)
	}
	if err := w.accounts.Reopen(t.Context(), w.alice.ID); err != nil {
		t.Fatal(err)
	}
	if got := w.state(t, id); got != consent.SessionEnded {
		t.Errorf("after opening again the interview is %s, want ended: its answer was not assessed", got)
	}
	if err := w.results.MarkAnswerAssessed(t.Context(), testAnswer(id, 0)); err != nil || w.state(t, id) != consent.SessionAssessed {
		t.Errorf("then it is %s, %v; want assessed", w.state(t, id), err)
	}
}

func TestClosedAccountIsErasedAfterThirtyDays(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	first, second := w.recorded(t, w.alice), w.recorded(t, w.alice)
	others := w.rowsOf(t, w.recorded(t, w.bob))
	if len(others) == 0 {
		t.Fatal("bob has nothing")
	}
	if err := w.accounts.ChangeEmail(t.Context(), w.alice.ID, "alice-canary@example.org"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.erasures.CloseAccount(t.Context(), w.alice.ID); err != nil {
		t.Fatal(err)
	}
	w.logInOf(t, w.alice, 3)
	w.age(t, w.alice)
	if _, err := w.accounts.Credentials(t.Context(), "alice-canary@example.org"); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("after 30 days one can still log in: %v", err)
	}
	if err := w.accounts.Reopen(t.Context(), w.alice.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("after 30 days it opens again: %v", err)
	}
	working(t, w.world, JobHandlers{Eraser: w.eraser}, JobOptions{})
	for _, id := range []consent.SessionID{first, second} {
		waitFor(t, time.Minute, "the interviews to be erased", func() bool {
			return w.ownerCount(t, `SELECT count(*) FROM erasures WHERE session = $1 AND state = 'done' AND cause = 'closed'`, id) == 1
		})
		w.nothingLeft(t, id)
	}
	waitFor(t, time.Minute, "the account to be emptied", func() bool {
		_, _ = w.eraser.EraseAccounts(t.Context()) // the job comes once a minute
		return w.ownerCount(t, `SELECT count(*) FROM accounts WHERE id = $1 AND erased_at IS NOT NULL`, w.alice.ID) == 1
	})
	if got := find(t, w.owner, "alice-canary", "Alice"); len(got) > 0 {
		t.Errorf("left of alice: %v", got)
	}
	for _, table := range []string{"log_ins", "second_factors", "exports"} {
		if n := w.ownerCount(t, `SELECT count(*) FROM `+table+` WHERE account = $1`, w.alice.ID); n != 0 {
			t.Errorf("%d rows of %s are left", n, table)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'account_erased' AND account = $1`, w.alice.ID); n != 1 {
		t.Errorf("%d entries of the ledger say that the account was erased, want 1", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ledger_openings WHERE account = $1 AND session = ''`, w.alice.ID); n != 1 {
		t.Errorf("%d events of the account can still be opened, want its erasure alone", n)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM consent_events WHERE account = $1`, w.alice.ID); n == 0 {
		t.Error("the proof of consent went with it")
	}
	if account, err := w.accounts.CreateCandidate(t.Context(), "alice-canary@example.org", "Another", testHash, consent.AgeRule); err != nil || account.ID == w.alice.ID {
		t.Errorf("the address cannot be used again: %v", err)
	}
}

func TestHeldInterviewKeepsItsAccount(t *testing.T) {
	t.Parallel()
	w := newErasingWorld(t, embeddedStore)
	held, free := w.recorded(t, w.alice), w.recorded(t, w.alice)
	w.ownerExec(t, `UPDATE sessions SET held_at = now() WHERE id = $1`, held)
	if _, err := w.erasures.CloseAccount(t.Context(), w.alice.ID); err != nil {
		t.Fatal(err)
	}
	w.age(t, w.alice)
	turn := func() (emptied int) {
		t.Helper()
		emptied, err := w.eraser.EraseAccounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		due, err := w.eraser.Due(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range due {
			w.erase(t, id)
		}
		return emptied
	}
	if n := turn() + turn(); n != 0 {
		t.Errorf("%d accounts were emptied over a hold", n)
	}
	w.nothingLeft(t, free)
	if rows := w.rowsOf(t, held); rows["lines"] == 0 {
		t.Errorf("the held interview has %v", rows)
	}
	w.ownerExec(t, `UPDATE sessions SET held_at = NULL WHERE id = $1`, held)
	if n := turn() + turn(); n != 1 {
		t.Errorf("%d accounts were emptied when the hold was lifted, want 1", n)
	}
	w.nothingLeft(t, held)
}

func TestReportedChildIsErasedAtOnce(t *testing.T) {
	t.Parallel()
	var proxy *storeProxy
	w := newErasingWorld(t, func(t *testing.T) ObjectsConfig {
		t.Helper()
		var through ObjectsConfig
		proxy, through = newStoreProxy(t, embeddedStore(t))
		return through
	})
	id := w.recorded(t, w.alice)
	logIn := w.logInOf(t, w.alice, 4)
	admin := openTestAdmin(t, w.database)
	for _, nobody := range []string{"nobody@example.org", w.acmes.Email} {
		if _, err := admin.ReportChild(t.Context(), nobody); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("report %s: %v, want %v", nobody, err, consent.ErrNotFound)
		}
	}
	proxy.set(proxyDown)
	if n, err := admin.ReportChild(t.Context(), strings.ToUpper(w.alice.Email)); n != 1 || err != nil {
		t.Fatalf("report = %d interviews, %v", n, err)
	}
	w.everybodyIsRefused(t, id)
	if _, err := w.accounts.LogIn(t.Context(), logIn); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the child is still logged in: %v", err)
	}
	if _, err := w.accounts.Credentials(t.Context(), w.alice.Email); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("the child can log in: %v", err)
	}
	working(t, w.world, JobHandlers{Eraser: w.eraser}, JobOptions{})
	waitFor(t, time.Minute, "the keys to go although the object store is away", func() bool {
		return w.ownerCount(t, `SELECT count(*) FROM data_keys WHERE session = $1`, id) == 0
	})
	proxy.set(proxyUp)
	waitFor(t, time.Minute, "everything to go", func() bool {
		_, _ = w.eraser.EraseAccounts(t.Context())
		return w.ownerCount(t, `SELECT count(*) FROM accounts WHERE id = $1 AND erased_at IS NOT NULL`, w.alice.ID) == 1
	})
	w.nothingLeft(t, id)
	if got := find(t, w.owner, w.alice.Email, "Alice"); len(got) > 0 {
		t.Errorf("left of the child: %v", got)
	}
	if told := told(w.receiptsFor(t, w.acmes)); told != "given ended" {
		t.Errorf("acme was told %q", told)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'erasure_requested' AND account = $1 AND session = ''`, w.alice.ID); n != 1 {
		t.Errorf("%d entries of the ledger, want 1", n)
	}
}

// TestOnlyTheClosedCanBeEmptied speaks raw SQL as the planes that closing gave something to.
func TestOnlyTheClosedCanBeEmptied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.logInOf(t, w.alice, 5)
	if _, err := NewErasures(w.database).CloseAccount(t.Context(), w.bob.ID); err != nil {
		t.Fatal(err)
	}
	as := func(role Role, about rowContext, statement string, arguments ...any) (int64, error) {
		var n int64
		err := w.database.in(t.Context(), role, about, func(tx pgx.Tx) error {
			done, err := tx.Exec(t.Context(), statement, arguments...)
			n = done.RowsAffected()
			return err
		})
		return n, err
	}
	alice, bob := rowContext{account: string(w.alice.ID)}, rowContext{account: string(w.bob.ID)}
	for name, c := range map[string]struct {
		role      Role
		about     rowContext
		statement string
		of        consent.AccountID
	}{
		"the eraser empties an open account":           {RoleErasure, alice, `UPDATE accounts SET email = id || '@x', erased_at = now() WHERE id = $1`, w.alice.ID},
		"the eraser empties one before its time":       {RoleErasure, bob, `UPDATE accounts SET email = id || '@x', erased_at = now() WHERE id = $1`, w.bob.ID},
		"the eraser ends log-ins of an open account":   {RoleErasure, alice, `DELETE FROM log_ins WHERE account = $1`, w.alice.ID},
		"a candidate opens a closed account":           {RoleCandidate, bob, `UPDATE accounts SET closed_at = NULL, erase_at = NULL, erase_cause = NULL WHERE id = $1`, w.bob.ID},
		"a candidate closes somebody else's":           {RoleCandidate, bob, `UPDATE accounts SET closed_at = now(), erase_at = now() + interval '31 days', erase_cause = 'closed' WHERE id = $1`, w.alice.ID},
		"a candidate ends somebody else's log-ins":     {RoleCandidate, bob, `DELETE FROM log_ins WHERE account = $1`, w.alice.ID},
		"log-in lifts restrictions of somebody else's": {RoleLogin, bob, `UPDATE sessions SET restricted_at = NULL WHERE candidate = $1`, w.alice.ID},
	} {
		if n, err := as(c.role, c.about, c.statement, c.of); err != nil || n != 0 {
			t.Errorf("%s: %d rows, %v; want none", name, n, err)
		}
	}
	for name, c := range map[string]struct {
		role      Role
		statement string
	}{
		"a candidate has itself erased at once": {RoleCandidate, `UPDATE accounts SET closed_at = now(), erase_at = now(), erase_cause = 'closed' WHERE id = $1`},
		"log-in closes an account":              {RoleLogin, `UPDATE accounts SET closed_at = now() WHERE id = $1`},
	} {
		if n, err := as(c.role, alice, c.statement, w.alice.ID); !hasCode(err, policyViolation) {
			t.Errorf("%s: %d rows, %v; want it refused", name, n, err)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM sessions WHERE id = $1 AND restricted_at IS NULL`, id); n != 1 {
		t.Error("alice's interview changed")
	}
}

// TestRestoredAccountsGoTheirWay applies what the journal tells a database that has forgotten it. The account
// has an interview of before, and one that its candidate restricted.
func TestRestoredAccountsGoTheirWay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	now := time.Now().UTC().Truncate(time.Microsecond)
	open, own, others := w.interview(t, w.alice), w.interview(t, w.alice), w.interview(t, w.bob)
	w.ownerExec(t, `UPDATE sessions SET restricted_at = $2 WHERE id = $1`, own, now.AddDate(0, 0, -50))
	state := func() (closed, due, worked bool) {
		t.Helper()
		const read = `SELECT closed_at IS NOT NULL, coalesce(erase_at <= statement_timestamp(), false) FROM accounts WHERE id = $1`
		if err := w.owner.QueryRow(t.Context(), read, w.alice.ID).Scan(&closed, &due); err != nil {
			t.Fatal(err)
		}
		_, err := w.gate.Permit(t.Context(), consent.Actor{Kind: consent.ActorAssessor}, open, consent.ArtefactModel)
		if errors.Is(err, consent.ErrFacts) {
			t.Fatal(err)
		}
		return closed, due, err == nil
	}
	for _, c := range []struct {
		name        string
		told        []consent.LedgerEntry
		closed, due bool
	}{
		{"closed", []consent.LedgerEntry{{Kind: consent.LedgerAccountClosing, At: now}}, true, false},
		{"closed long ago", []consent.LedgerEntry{{Kind: consent.LedgerAccountClosing, At: now.AddDate(0, 0, -31)}}, true, true},
		{"closed and opened again", []consent.LedgerEntry{
			{Kind: consent.LedgerAccountClosing, At: now.AddDate(0, 0, -40)}, {Kind: consent.LedgerAccountReopened, At: now.AddDate(0, 0, -39)},
		}, false, false},
		{"a child", []consent.LedgerEntry{{Kind: consent.LedgerErasureRequested, At: now}}, true, true},
		{"erased", []consent.LedgerEntry{{Kind: consent.LedgerAccountClosing, At: now}, {Kind: consent.LedgerAccountErased, At: now}}, true, true},
	} {
		w.ownerExec(t, `UPDATE accounts SET closed_at = NULL, erase_at = NULL, erase_cause = NULL WHERE id = $1`, w.alice.ID)
		w.ownerExec(t, `UPDATE sessions SET restricted_at = NULL WHERE id = $1`, open)
		err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
			for _, e := range slices.Concat(c.told, c.told) { // telling twice is harmless
				e.Account = w.alice.ID
				if err := effects()[e.Kind](t.Context(), tx, e); err != nil {
					return err
				}
			}
			return nil
		})
		if closed, due, worked := state(); err != nil || closed != c.closed || due != c.due || worked == c.closed {
			t.Errorf("%s: closed %v, due %v, worked on %v, %v; want %v, %v, %v", c.name, closed, due, worked, err, c.closed, c.due, !c.closed)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM sessions WHERE id = $1 AND restricted_at = $2`, own, now.AddDate(0, 0, -50)); n != 1 {
			t.Errorf("%s: the candidate's own restriction changed", c.name)
		}
	}
	w.part(t, consent.ActorAssessor, others, consent.ArtefactModel) // bob's is worked on
}

// TestAssessorLeavesClosedAccountsAlone: what was queued before an account was closed comes to nothing.
func TestAssessorLeavesClosedAccountsAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	permit := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	if _, err := NewErasures(w.database).CloseAccount(t.Context(), w.alice.ID); err != nil {
		t.Fatal(err)
	}
	err := w.results.SaveEvidence(context.WithoutCancel(t.Context()), permit, testLine(id, 2, 0), []assess.Evidence{testEvidence(id, 2)})
	if err == nil {
		t.Error("evidence was stored for a closed account")
	}
}

// TestLoggingInKeepsAnAccount: who logs in uses the account, and so does who opens it again; otherwise the
// next sweep would close it once more.
func TestLoggingInKeepsAnAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	sweeper := NewSweeper(w.database, nil, nil, slog.New(slog.DiscardHandler))
	sweep := func(want int64) {
		t.Helper()
		w.ownerExec(t, `UPDATE sessions SET held_at = now() WHERE candidate = $1`, w.bob.ID)
		if n, err := sweeper.closeUnused(t.Context(), ""); n != want || err != nil {
			t.Errorf("%d accounts were closed, %v; want %d", n, err, want)
		}
	}
	unused := func() {
		t.Helper()
		w.ownerExec(t, `UPDATE accounts SET used_at = now() - interval '25 months'`)
	}
	w.interview(t, w.bob) // a hold on it keeps bob's account; employers' accounts are not closed for this
	unused()
	w.logInOf(t, w.alice, 6)
	sweep(0)
	unused()
	sweep(1)
	w.logInOf(t, w.alice, 7)
	if err := w.accounts.Reopen(t.Context(), w.alice.ID); err != nil {
		t.Fatalf("open an unused account again: %v", err)
	}
	sweep(0)
}
