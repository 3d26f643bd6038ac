package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// backUp copies the world's database, as a backup of this moment would, and returns the copy's name. The
// world's own connections end with it.
func (w *world) backUp(t *testing.T) string {
	t.Helper()
	name := w.database.Pool(RoleAudit).Config().ConnConfig.Database
	backup := fmt.Sprintf("t%d", testCluster.count.Add(1))
	w.database.Close()
	testCluster.copying.Lock()
	defer testCluster.copying.Unlock()
	err := withOwner(t.Context(), "postgres", func(conn *pgx.Conn) error {
		const end = `SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = $1`
		if _, err := conn.Exec(t.Context(), end, name); err != nil {
			return err
		}
		_, err := conn.Exec(t.Context(), "CREATE DATABASE "+backup+" TEMPLATE "+name)
		return err
	})
	if err != nil {
		t.Fatalf("back up: %v", err)
	}
	dropAtTheEnd(t, backup)
	return backup
}

// on opens another database with the same people in it.
func (w *world) on(t *testing.T, name string) *world {
	t.Helper()
	d, err := OpenDatabase(t.Context(), testURL(name), filepath.Join(testCluster.base, "secrets"))
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(d.Close)
	other := *w
	other.database, other.owner, other.gate = d, asOwner(t, d), consent.Gate{Reader: NewSnapshots(d), Notice: w.gate.Notice}
	other.accounts, other.sessions, other.shared = NewAccounts(d, nil), NewSessions(d), NewShared(d)
	return &other
}

// recordAsOwner appends what the administration commands would.
func (w *world) recordAsOwner(t *testing.T, event consent.LedgerEvent) {
	t.Helper()
	err := pgx.BeginFunc(t.Context(), w.owner, func(tx pgx.Tx) error {
		_, err := record(t.Context(), tx, event)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (w *world) name() string { return w.database.Pool(RoleAudit).Config().ConnConfig.Database }

// sees reports whether acme's employer is let in by the gate, and how many sessions its policies show.
func (w *world) sees(t *testing.T, id consent.SessionID) (permitted bool, rows int) {
	t.Helper()
	_, refused := w.gate.Permit(t.Context(), actorOf(w.acmes), id, consent.ArtefactRatings)
	if errors.Is(refused, consent.ErrFacts) {
		t.Fatal(refused)
	}
	err := w.database.in(t.Context(), RoleEmployer, employerContext(w.acmes), func(tx pgx.Tx) error {
		const count = `SELECT count(*) FROM sessions WHERE id = $1`
		return tx.QueryRow(t.Context(), count, id).Scan(&rows)
	})
	if err != nil && !hasCode(err, policyViolation) {
		t.Fatal(err)
	}
	return refused == nil, rows
}

// T50: yesterday's backup is restored. What was withdrawn since is withdrawn again before anything is
// served, what was granted since is not there, and the ledger is the journal's to the last entry.
func TestRestoredBackupForgetsNoEnding(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	j := w.keepJournal(t, dir)
	w.reconcile(t, j)
	withdrawn, erased, kept := w.consented(t, w.alice, allConsents), w.consented(t, w.alice, allConsents), w.consented(t, w.bob, allConsents)
	restricted, held := w.consented(t, w.alice, allConsents), w.consented(t, w.bob, allConsents)
	later := w.share(t, w.alice, withdrawn, w.acme, consent.ScopeRatings)
	w.share(t, w.alice, erased, w.acme, consent.ScopeRatings)
	w.share(t, w.alice, restricted, w.acme, consent.ScopeRatings)
	w.share(t, w.bob, held, w.acme, consent.ScopeRatings)
	w.share(t, w.bob, kept, w.acme, consent.ScopeRatings)
	w.share(t, w.bob, kept, w.zenith, consent.ScopeRatings)
	carol := w.candidate(t, "Carol")
	closed := w.consented(t, carol, allConsents)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	original, backup := w.name(), w.backUp(t)

	w = w.on(t, original) // a day passes
	j = w.keepJournal(t, dir)
	w.reconcile(t, j)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, withdrawn, later.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, withdrawn, consent.ConsentAssessment); err != nil {
		t.Fatal(err)
	}
	if _, err := w.sessions.ObjectToAI(t.Context(), w.bob.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := NewErasures(w.database).CloseAccount(t.Context(), carol.ID); err != nil {
		t.Fatal(err)
	}
	again := w.share(t, w.alice, withdrawn, w.acme, consent.ScopeRatings) // given anew, and forgotten by the backup
	for _, e := range []consent.LedgerEvent{
		{Kind: consent.LedgerSessionErased, Account: w.alice.ID, Session: erased},
		restrictedBy(w.alice, restricted),
		{Kind: consent.LedgerSessionHeld, Account: w.bob.ID, Session: held},
	} {
		w.recordAsOwner(t, e)
	}
	if _, err := openTestAdmin(t, w.database).SuspendOrganization(t.Context(), w.zenith.Name); err != nil {
		t.Fatal(err)
	}
	if err := j.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := wholeLedger(t, w.database)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	w = w.on(t, backup)
	if permitted, rows := w.sees(t, withdrawn); !permitted || rows != 1 {
		t.Fatalf("the backup does not have the authorization that was withdrawn later: %t, %d rows", permitted, rows)
	}
	assessor := consent.Actor{Kind: consent.ActorAssessor}
	w.permit(t, assessor, closed, consent.ArtefactModel) // and does not know that carol closed her account
	j = w.keepJournal(t, dir)
	if restored := w.reconcile(t, j); restored != 9 {
		t.Errorf("%d entries were put back, want 9", restored)
	}
	if _, err := w.gate.Permit(t.Context(), assessor, closed, consent.ArtefactModel); !errors.Is(err, consent.ErrNotFound) || errors.Is(err, consent.ErrFacts) {
		t.Errorf("a restored job sends a closed account's interview to a model: %v", err)
	}
	if err := w.accounts.Reopen(t.Context(), carol.ID); err != nil {
		t.Errorf("opening the account again: %v", err)
	}
	w.permit(t, assessor, closed, consent.ArtefactModel)
	if since, err := w.sessions.AIObjection(t.Context(), w.bob.ID); err != nil || since.IsZero() {
		t.Errorf("the objection to AI that the backup lacks: %s, %v", since, err)
	}
	for name, c := range map[string]struct {
		session consent.SessionID
		rows    int
	}{"withdrawn": {withdrawn, 0}, "erased": {erased, 0}, "restricted": {restricted, 0}, "held": {held, 0}, "untouched": {kept, 1}} {
		if permitted, rows := w.sees(t, c.session); permitted != (c.rows == 1) || rows != c.rows {
			t.Errorf("%s: permitted %t, %d rows; want %d", name, permitted, rows, c.rows)
		}
	}
	if got := states(t, w, w.alice, withdrawn); len(got) != 1 || got[consent.AuthorizationWithdrawn] != 1 {
		t.Errorf("states %v, want the one record withdrawn and %s not there", got, again.ID)
	}
	if got := states(t, w, w.alice, restricted); got[consent.AuthorizationSuspended] != 1 {
		t.Errorf("states of the restricted session %v, want it suspended", got)
	}
	if got := states(t, w, w.bob, kept); got[consent.AuthorizationGranted] != 1 || got[consent.AuthorizationRevoked] != 1 {
		t.Errorf("states of what two organizations were shared %v, want it revoked for the one that was suspended", got)
	}
	session, err := w.sessions.Session(t.Context(), w.alice.ID, withdrawn)
	if err != nil || session.Consents != (consent.Consents{}) {
		t.Errorf("consents %+v, %v; want none where one was withdrawn", session.Consents, err)
	}
	after := wholeLedger(t, w.database)
	if len(after) != len(before)+2 || !slices.Equal(after[:len(before)], before) || after[len(before)].Kind != consent.LedgerRestored {
		t.Errorf("the ledger has %d entries, want the %d of before, one that says so and carol's return", len(after), len(before))
	}
	if entries, _ := journalled(t, dir); !slices.Equal(entries, after) {
		t.Errorf("the journal has %d entries, the ledger %d", len(entries), len(after))
	}
	if restored := w.reconcile(t, j); restored != 0 {
		t.Errorf("the second time %d entries were put back", restored)
	}
	w.share(t, w.alice, withdrawn, w.acme, consent.ScopeRatings) // only the candidate can, and it works
	if permitted, _ := w.sees(t, withdrawn); !permitted {
		t.Error("a new grant after the restore shows nothing")
	}
}

// A backup that was used for a while without its journal has another story from there on.
func TestBackupThatWasUsedAloneIsRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := t.TempDir()
	j := w.keepJournal(t, dir)
	w.reconcile(t, j)
	id := w.consented(t, w.alice, allConsents)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	original, backup := w.name(), w.backUp(t)
	w = w.on(t, original)
	j = w.keepJournal(t, dir)
	w.reconcile(t, j)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}

	w = w.on(t, backup)
	w.consented(t, w.bob, allConsents)
	before := wholeLedger(t, w.database)
	j = w.keepJournal(t, dir)
	_, err := j.Reconcile(t.Context(), w.url())
	if !errors.Is(err, ErrFork) || !strings.Contains(err.Error(), "entry 4") || !strings.Contains(err.Error(), "greenroom verify "+dir) {
		t.Errorf("reconcile: %v; want ErrFork at entry 4 that says what to do", err)
	}
	if after := wholeLedger(t, w.database); !slices.Equal(before, after) {
		t.Error("a database that was refused was changed")
	}
}

// An empty database beside a journal is the oldest backup there is.
func TestEmptyDatabaseTakesTheJournalsStory(t *testing.T) {
	t.Parallel()
	w, d := newWorld(t), newTestDatabase(t) // as the server does it: nothing is published before the two are compared
	empty := &world{database: d, owner: asOwner(t, d)}
	dir := t.TempDir()
	j := w.keepJournal(t, dir)
	w.reconcile(t, j)
	id := w.consented(t, w.alice, allConsents)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	want := wholeLedger(t, w.database)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if restored := empty.reconcile(t, empty.keepJournal(t, dir)); restored != len(want) {
		t.Errorf("%d entries were put back, want %d", restored, len(want))
	}
	if got := wholeLedger(t, empty.database); !slices.Equal(got[:len(want)], want) {
		t.Error("the ledger is not the journal's")
	}
}

// Every kind of entry either has an effect on a restored database, or it is said here why it needs none.
func TestEveryKindOfEntryIsReplayedOrNeedsNot(t *testing.T) {
	t.Parallel()
	without := map[consent.LedgerKind]string{
		consent.LedgerConsentsAnswered:       "gives",
		consent.LedgerAuthorizationRequested: "gives nothing before it is granted",
		consent.LedgerAuthorizationGranted:   "gives",
		consent.LedgerAuthorizationExpired:   "the time has passed in every backup",
		consent.LedgerCorrection:             "no right",
		consent.LedgerExportMade:             "no right",
		consent.LedgerRestored:               "about the ledger itself",
		consent.LedgerNoticePublished:        "published anew at the start, by its hash",
		consent.LedgerAuthorizationSuspended: "the session's own entry suspends",
		consent.LedgerAuthorizationResumed:   "gives",
		consent.LedgerSessionUnrestricted:    "gives",
		consent.LedgerSessionReleased:        "gives",
		consent.LedgerOrganizationRestored:   "gives",
		consent.LedgerAIObjectionLifted:      "gives",
	}
	for _, kind := range consent.LedgerKinds() {
		_, replayed := effects()[kind]
		if _, needsNot := without[kind]; replayed == needsNot {
			t.Errorf("%s: replayed %t, said to need nothing %t", kind, replayed, needsNot)
		}
	}
}

// The owner of a managed database is no superuser: forced policies bind it while it puts things back.
func TestPlainOwnerReplaysEndings(t *testing.T) {
	t.Parallel()
	w := newWorld(t) // so that the roles exist
	d, url := openAsPlainOwner(t, w)
	admin, err := OpenAdmin(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	if err := admin.PublishNotice(t.Context(), testNotice); err != nil {
		t.Fatal(err)
	}
	other := &world{database: d, accounts: NewAccounts(d, nil), sessions: NewSessions(d), gate: consent.Gate{Reader: NewSnapshots(d)}, notice: testNotice}
	other.alice = other.candidate(t, "Alice")
	other.acme, other.acmes = employerOf(t, admin, "Acme")
	id := other.consented(t, other.alice, allConsents)
	granted := other.share(t, other.alice, id, other.acme, consent.ScopeRatings)
	j, err := OpenJournal(d, t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = j.Close() }()
	if _, err := j.Reconcile(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	// The journal knows of endings that the database does not.
	head := j.head
	for _, kind := range []consent.LedgerKind{
		consent.LedgerSessionHeld, consent.LedgerSessionRestricted, consent.LedgerAuthorizationWithdrawn, consent.LedgerConsentWithdrawn, consent.LedgerSessionErased,
		consent.LedgerOrganizationSuspended, consent.LedgerMemberRole, consent.LedgerMemberEnded,
		consent.LedgerAccountClosing, consent.LedgerAccountReopened,
	} {
		e := consent.LedgerEntry{Seq: head.Seq + 1, At: testOrigin, Kind: kind, Session: id, Authorization: granted.ID, Account: other.alice.ID, Leaf: consent.Digest(consent.NewSalt())}
		switch kind {
		case consent.LedgerOrganizationSuspended:
			e.Session, e.Authorization, e.Account, e.Org = "", "", "", other.acme.ID
		case consent.LedgerMemberRole, consent.LedgerMemberEnded:
			e.Session, e.Authorization, e.Account = "", "", other.acmes.ID
		case consent.LedgerAccountClosing, consent.LedgerAccountReopened:
			e.Session, e.Authorization = "", ""
		default:
		}
		e.Chain = consent.ChainOf(head.Chain, e.Seq, e.Digest())
		if err := j.add([]consent.LedgerEntry{e}); err != nil {
			t.Fatal(err)
		}
		head = j.head
	}
	if restored, err := j.Reconcile(t.Context(), url); err != nil || restored != 10 {
		t.Fatalf("%d entries were put back, %v; want 10", restored, err)
	}
	if permitted, rows := other.sees(t, id); permitted || rows != 0 {
		t.Errorf("after replaying as a plain owner: permitted %t, %d rows", permitted, rows)
	}
	var closed bool
	const out = `SELECT o.suspended_at IS NOT NULL AND m.ended_at IS NOT NULL AND m.role = 'billing'
		FROM organizations o JOIN members m ON m.org = o.id WHERE o.id = $1`
	if err := withURL(t, testURL(d.Pool(RoleAudit).Config().ConnConfig.Database), out, other.acme.ID, &closed); err != nil || !closed {
		t.Errorf("the organization is suspended and its member's role and membership ended: %t, %v", closed, err)
	}
	var ended bool
	const read = `SELECT EXISTS (SELECT FROM authorization_events WHERE authorization_id = $1 AND kind = 'withdrawn')`
	if err := withURL(t, testURL(d.Pool(RoleAudit).Config().ConnConfig.Database), read, granted.ID, &ended); err != nil || !ended {
		t.Errorf("the withdrawal is in the rows: %t, %v", ended, err)
	}
}

// withURL reads one value as the superuser.
func withURL(t *testing.T, url, query string, argument, into any) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(t.Context()) }()
	return conn.QueryRow(t.Context(), query, argument).Scan(into)
}
