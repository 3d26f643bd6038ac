package storage

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// wholeLedger reads the ledger and follows its chain from the beginning.
func wholeLedger(t *testing.T, d *Database) []consent.LedgerEntry {
	t.Helper()
	entries, err := d.ledgerAfter(t.Context(), 0, 10_000)
	if err != nil {
		t.Fatal(err)
	}
	var head consent.LedgerHead
	for _, e := range entries {
		if head, err = head.Follow(e); err != nil {
			t.Fatalf("entry %d: %v", e.Seq, err)
		}
	}
	return entries
}

// appendAs records one event under a role.
func appendAs(t *testing.T, d *Database, role Role, about rowContext, event consent.LedgerEvent) (consent.LedgerPlace, error) {
	t.Helper()
	var place consent.LedgerPlace
	err := d.in(t.Context(), role, about, func(tx pgx.Tx) error {
		var err error
		place, err = record(t.Context(), tx, event)
		return err
	})
	return place, err
}

func restrictedBy(account consent.Account, session consent.SessionID) consent.LedgerEvent {
	return consent.LedgerEvent{Kind: consent.LedgerSessionRestricted, Account: account.ID, Session: session}
}

func asAccount(account consent.Account) rowContext { return rowContext{account: string(account.ID)} }

// The database computes the sums in SQL; consent computes them in Go. Both must agree, to the last entry.
func TestLedgerInTheDatabaseHasTheSumsOfConsent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := consent.NewID[consent.SessionID]()
	before := len(wholeLedger(t, w.database))
	var places []consent.LedgerPlace
	for range 3 {
		place, err := appendAs(t, w.database, RoleCandidate, asAccount(w.alice), restrictedBy(w.alice, session))
		if err != nil {
			t.Fatal(err)
		}
		if err := place.Check(); err != nil {
			t.Error(err)
		}
		places = append(places, place)
	}
	entries := wholeLedger(t, w.database)[before:]
	if len(entries) != len(places) {
		t.Fatalf("%d entries for %d events", len(entries), len(places))
	}
	for i, e := range entries {
		if e.Seq != places[i].Seq || e.Digest() != places[i].Entry || e.Chain != places[i].Chain {
			t.Errorf("entry %+v is not at its place %+v", e, places[i])
		}
		var opening consent.Opening
		const read = `SELECT salt, event FROM ledger_openings WHERE seq = $1`
		if err := w.owner.QueryRow(t.Context(), read, e.Seq).Scan(digest{(*consent.Digest)(&opening.Salt)}, &opening.Event); err != nil {
			t.Fatal(err)
		}
		opened, _, err := opening.EntryOf(e.Seq)
		opened.Chain = e.Chain
		if err != nil || opened != e {
			t.Errorf("the opening gives %+v, %v; the ledger has %+v", opened, err, e)
		}
	}
}

// Many transactions append at once, and some of them fail: places rise without a gap, in the order in
// which they were committed.
func TestLedgerGrowsInOneOrderWithoutAGap(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := len(wholeLedger(t, w.database))
	const writers, each = 8, 5
	failed := errors.New("this transaction fails")
	var all sync.WaitGroup
	for writer := range writers {
		all.Go(func() {
			for i := range each {
				err := w.database.in(t.Context(), RoleCandidate, asAccount(w.alice), func(tx pgx.Tx) error {
					if _, err := record(t.Context(), tx, restrictedBy(w.alice, consent.NewID[consent.SessionID]())); err != nil {
						return err
					}
					if (writer+i)%3 == 0 {
						return failed
					}
					return nil
				})
				if err != nil && !errors.Is(err, failed) {
					t.Errorf("append: %v", err)
				}
			}
		})
	}
	all.Wait()
	var kept int
	for writer := range writers {
		for i := range each {
			if (writer+i)%3 != 0 {
				kept++
			}
		}
	}
	if got := len(wholeLedger(t, w.database)) - before; got != kept {
		t.Errorf("%d entries were added, want %d", got, kept)
	}
}

func TestLedgerTakesOnlyWhatAPlaneMaySay(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.consented(t, w.alice, allConsents)
	asBob, asAcme := asAccount(w.bob), employerContext(w.acmes)
	request := consent.LedgerEvent{
		Kind: consent.LedgerAuthorizationRequested, Session: session, Authorization: consent.NewID[consent.AuthorizationID](), Org: w.acme.ID,
	}
	if _, err := appendAs(t, w.database, RoleEmployer, asAcme, request); err != nil {
		t.Fatalf("an employer cannot ask: %v", err)
	}
	otherOrg, named := request, request
	otherOrg.Org, named.Account = w.zenith.ID, w.alice.ID
	erased := consent.LedgerEvent{Kind: consent.LedgerSessionErased, Session: session, Account: w.alice.ID}
	before := len(wholeLedger(t, w.database))
	for name, c := range map[string]struct {
		role  Role
		about rowContext
		event consent.LedgerEvent
	}{
		"about somebody else":          {RoleCandidate, asBob, restrictedBy(w.alice, session)},
		"about nobody":                 {RoleCandidate, asBob, consent.LedgerEvent{Kind: consent.LedgerSessionRestricted, Session: session}},
		"a candidate erases":           {RoleCandidate, asAccount(w.alice), erased},
		"an employer erases":           {RoleEmployer, asAcme, erased},
		"an employer grants":           {RoleEmployer, asAcme, consent.LedgerEvent{Kind: consent.LedgerAuthorizationGranted, Session: session, Authorization: request.Authorization, Org: w.acme.ID}},
		"for another organization":     {RoleEmployer, asAcme, otherOrg},
		"an employer names the person": {RoleEmployer, asAcme, named},
		"the log-in plane withdraws":   {RoleLogin, rowContext{}, consent.LedgerEvent{Kind: consent.LedgerAuthorizationWithdrawn, Session: session, Authorization: request.Authorization}},
		"the worker erases":            {RoleWorker, rowContext{}, erased},
		"the worker releases":          {RoleWorker, rowContext{}, consent.LedgerEvent{Kind: consent.LedgerSessionReleased, Session: session}},
		"the keys say anything":        {RoleKeys, rowContext{}, erased},
		"the counts say anything":      {RoleAudit, rowContext{}, erased},
	} {
		if _, err := appendAs(t, w.database, c.role, c.about, c.event); !hasCode(err, policyViolation) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	for name, at := range map[string]time.Duration{"earlier": -time.Minute, "later": time.Minute} {
		event := restrictedBy(w.alice, session)
		event.At = time.Now().Add(at)
		if _, err := appendAs(t, w.database, RoleCandidate, asAccount(w.alice), event); !hasCode(err, checkViolation) {
			t.Errorf("an event that happened %s: %v, want a refusal", name, err)
		}
	}
	if got := len(wholeLedger(t, w.database)); got != before {
		t.Errorf("%d entries after refusals, want %d", got, before)
	}
}

func TestLedgerIsOnlyEverAddedTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := appendAs(t, w.database, RoleCandidate, asAccount(w.alice), restrictedBy(w.alice, "s")); err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		`UPDATE ledger SET kind = 'x'`, `DELETE FROM ledger`, `TRUNCATE ledger CASCADE`,
		`UPDATE ledger_openings SET event = ''`, `TRUNCATE ledger_openings`,
	} {
		if _, err := w.owner.Exec(t.Context(), statement); !hasCode(err, policyViolation) {
			t.Errorf("%s as the owner: %v, want a refusal", statement, err)
		}
	}
	for role := range rolePools() {
		for _, statement := range []string{
			`INSERT INTO ledger VALUES (99, now(), 'session_erased', '', '', '', sha256(''), sha256(''))`,
			`INSERT INTO ledger_openings VALUES (1, '', '', sha256(''), '')`, `DELETE FROM ledger`,
			`INSERT INTO ledger_writers VALUES ('greenroom_candidate', 'session_erased')`,
		} {
			if _, err := w.database.Pool(role).Exec(t.Context(), statement); !hasCode(err, policyViolation) {
				t.Errorf("role %s: %s: %v, want permission denied", role, statement, err)
			}
		}
	}
}

// Erasing takes what the entries commit to, and leaves them, and their chain, as they were.
func TestErasingOpeningsLeavesTheChainWhole(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, of := range []consent.Account{w.alice, w.bob} {
		if _, err := appendAs(t, w.database, RoleCandidate, asAccount(of), restrictedBy(of, consent.SessionID("of "+of.DisplayName))); err != nil {
			t.Fatal(err)
		}
	}
	before := wholeLedger(t, w.database)
	openings := func(of consent.Account) (n int) {
		err := w.database.in(t.Context(), RoleCandidate, asAccount(of), func(tx pgx.Tx) error {
			return tx.QueryRow(t.Context(), `SELECT count(*) FROM ledger_openings`).Scan(&n)
		})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if openings(w.alice) != 1 || openings(w.bob) != 1 {
		t.Fatalf("alice sees %d openings and bob %d, want their own one each", openings(w.alice), openings(w.bob))
	}
	err := w.database.in(t.Context(), RoleErasure, rowContext{}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `DELETE FROM ledger_openings WHERE session = $1`, "of "+w.alice.DisplayName)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if openings(w.alice) != 0 || openings(w.bob) != 1 {
		t.Errorf("after erasing alice sees %d openings and bob %d", openings(w.alice), openings(w.bob))
	}
	if after := wholeLedger(t, w.database); !slices.Equal(before, after) {
		t.Errorf("erasing changed the ledger: %d entries before, %d after", len(before), len(after))
	}
	if _, err := w.database.Pool(RoleErasure).Exec(t.Context(), `SELECT salt FROM ledger_openings`); !hasCode(err, policyViolation) {
		t.Errorf("the eraser reads salts: %v", err)
	}
}

// The table of who may say what names kinds that exist, and roles that may call the function.
func TestLedgerWritersAreKnown(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rows, err := w.owner.Query(t.Context(), `SELECT role, kind, has_function_privilege(role, 'ledger_append(bytea,text)', 'EXECUTE') FROM ledger_writers`)
	if err != nil {
		t.Fatal(err)
	}
	var role string
	var kind consent.LedgerKind
	var may bool
	if _, err := pgx.ForEachRow(rows, []any{&role, &kind, &may}, func() error {
		if !slices.Contains(consent.LedgerKinds(), kind) || !may {
			t.Errorf("%s may say %q: known %t, may call %t", role, kind, slices.Contains(consent.LedgerKinds(), kind), may)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}
