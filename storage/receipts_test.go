package storage

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

// receiptsOf returns the candidate's receipts of a session, the oldest first, each verified.
func (w *world) receiptsOf(t *testing.T, of consent.Account, session consent.SessionID) []consent.Receipt {
	t.Helper()
	list, err := NewReceipts(w.database).ReceiptsOf(t.Context(), of.ID, session)
	if err != nil {
		t.Fatal(err)
	}
	return w.open(t, actorOf(of), list)
}

func (w *world) receiptsFor(t *testing.T, employer consent.Account) []consent.Receipt {
	t.Helper()
	list, err := NewReceipts(w.database).ReceiptsFor(t.Context(), actorOf(employer))
	if err != nil {
		t.Fatal(err)
	}
	return w.open(t, actorOf(employer), list)
}

func (w *world) open(t *testing.T, actor consent.Actor, list []consent.ReceiptSummary) []consent.Receipt {
	t.Helper()
	keys := mustKeySet(t, w.database.notary)
	receipts := make([]consent.Receipt, 0, len(list))
	for _, summary := range slices.Backward(list) {
		file, err := NewReceipts(w.database).ReceiptFile(t.Context(), actor, summary.ID)
		if err != nil {
			t.Fatal(err)
		}
		receipt, found := file.Verify(keys)
		if !found.Whole() || (file.Opening != nil) != (actor.Kind == consent.ActorCandidate) || file.Notice != testNotice.Text {
			t.Errorf("receipt of %s for the %s: %+v", summary.State, actor.Kind, found)
		}
		if receipt.ReceiptID != summary.ID || receipt.Event.State != summary.State || receipt.Ledger.Seq != summary.Seq || !receipt.Event.Time.Equal(summary.At) {
			t.Errorf("the list says %+v of receipt %+v", summary, receipt)
		}
		receipts = append(receipts, receipt)
	}
	return receipts
}

func told(receipts []consent.Receipt) string {
	var states []string
	for _, r := range receipts {
		states = append(states, string(r.Event.State))
	}
	return strings.Join(states, " ")
}

func TestEveryConsentAndItsEndGiveAReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	for range 2 { // withdrawing twice is one event
		if _, err := w.sessions.WithdrawConsent(t.Context(), w.alice.ID, id, consent.ConsentTranscription); err != nil {
			t.Fatal(err)
		}
	}
	receipts := w.receiptsOf(t, w.alice, id)
	if told(receipts) != "given withdrawn" {
		t.Fatalf("told of %q", told(receipts))
	}
	if want := []string{"recording.audio", "recording.video"}; !slices.Equal(receipts[1].PIITypes, want) {
		t.Errorf("after withdrawing %v are left, want %v", receipts[1].PIITypes, want)
	}
	refused := w.consented(t, w.bob, consent.Consents{})
	if receipts := w.receiptsOf(t, w.bob, refused); told(receipts) != "refused" {
		t.Errorf("whoever ticks nothing is told of %q", told(receipts))
	}
	if receipts := w.receiptsFor(t, w.acmes); len(receipts) != 0 {
		t.Errorf("an organization has receipts of consents: %v", receipts)
	}
}

func TestBothSidesHoldReceiptsOfAnAuthorization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	first := w.share(t, w.alice, id, w.acme, consent.ScopeRatings, consent.ScopeTranscript)
	second := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	for range 2 {
		if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, second.ID); err != nil {
			t.Fatal(err)
		}
	}
	own, theirs := w.receiptsOf(t, w.alice, id)[1:], w.receiptsFor(t, w.acmes)
	if told(own) != "given superseded given withdrawn" || told(theirs) != "given ended given ended" {
		t.Fatalf("the candidate is told of %q, the organization of %q", told(own), told(theirs))
	}
	for i := range own {
		if own[i].Ledger != theirs[i].Ledger || own[i].RecordID != theirs[i].RecordID || !slices.Equal(own[i].PIITypes, theirs[i].PIITypes) ||
			own[i].Purpose != theirs[i].Purpose || !own[i].ValidUntil.Equal(theirs[i].ValidUntil) || own[i].Notice != theirs[i].Notice {
			t.Errorf("receipt %d: %+v and %+v", i, own[i], theirs[i])
		}
		if own[i].PrincipalID == theirs[i].PrincipalID {
			t.Errorf("receipt %d: the organization knows the candidate's own name", i)
		}
	}
	if own[2].Supersedes != first.ID || own[1].RecordID != string(first.ID) || own[3].RecordID != string(second.ID) {
		t.Errorf("records %s, %s, superseding %q", own[1].RecordID, own[3].RecordID, own[2].Supersedes)
	}
	if others := w.receiptsFor(t, w.zeniths); len(others) != 0 {
		t.Errorf("another organization has %d receipts", len(others))
	}
	wholeLedger(t, w.database)
}

// A receipt holds ids, terms and organizations; the ledger and its openings hold not even those names.
func TestReceiptsAndLedgerHoldNoPersonalContent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, allShareable()...)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, query := range []string{`SELECT event FROM ledger_openings`, `SELECT l::text FROM ledger l`} {
		rows, err := w.owner.Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(lines) == 0 {
			t.Fatalf("%s: %d lines, %v", query, len(lines), err)
		}
		text.WriteString(strings.Join(lines, "\n"))
	}
	if strings.Contains(text.String(), "Acme") {
		t.Error("the ledger names an organization")
	}
	theirs := w.receiptsFor(t, w.acmes)
	for _, receipts := range [][]consent.Receipt{w.receiptsOf(t, w.alice, id), theirs} {
		for _, r := range receipts {
			said, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			text.Write(said)
		}
	}
	for _, secret := range []string{"Alice", "alice@", "example.org", "hr@", "HR of", "canary", "Go engineer"} {
		if strings.Contains(text.String(), secret) {
			t.Errorf("%q is in the ledger or a receipt", secret)
		}
	}
	for _, r := range theirs {
		if said, _ := json.Marshal(r); strings.Contains(string(said), string(w.alice.ID)) {
			t.Errorf("the organization is told the candidate's id: %s", said)
		}
	}
}

func TestReceiptsAreRefusedToOthersLikeUnknownOnes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	receipts := NewReceipts(w.database)
	own, err := receipts.ReceiptsOf(t.Context(), w.alice.ID, id)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := receipts.ReceiptsFor(t.Context(), actorOf(w.acmes))
	if err != nil {
		t.Fatal(err)
	}
	asOps := consent.Actor{Kind: consent.ActorKind("ops"), Account: w.alice.ID}
	for name, c := range map[string]struct {
		actor consent.Actor
		id    consent.ReceiptID
	}{
		"another candidate": {actorOf(w.bob), own[0].ID}, "another organization": {actorOf(w.zeniths), theirs[0].ID},
		"the candidate's to the organization": {actorOf(w.acmes), own[0].ID}, "the organization's to the candidate": {actorOf(w.alice), theirs[0].ID},
		"operations": {asOps, own[0].ID}, "unknown": {actorOf(w.alice), consent.NewID[consent.ReceiptID]()},
		"under another organization's name": {consent.Actor{Kind: consent.ActorEmployer, Account: w.zeniths.ID, Org: w.acme.ID}, theirs[0].ID},
	} {
		if file, err := receipts.ReceiptFile(t.Context(), c.actor, c.id); !errors.Is(err, consent.ErrNotFound) || file.Receipt != "" {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	for name, of := range map[string]consent.SessionID{"another's": id, "unknown": consent.NewID[consent.SessionID]()} {
		if list, err := receipts.ReceiptsOf(t.Context(), w.bob.ID, of); !errors.Is(err, consent.ErrNotFound) || list != nil {
			t.Errorf("list of an %s session: %v, %v", name, list, err)
		}
	}
	if _, err := receipts.ReceiptsFor(t.Context(), actorOf(w.alice)); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("a candidate lists an organization's: %v", err)
	}
	for who, change := range map[string]string{"a billing member": `role = 'billing'`, "a former member": `ended_at = now()`} {
		w.ownerExec(t, `UPDATE members SET `+change+` WHERE account = $1`, w.acmes.ID)
		if _, err := receipts.ReceiptFile(t.Context(), actorOf(w.acmes), theirs[0].ID); !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s reads: %v", who, err)
		}
		if list, err := receipts.ReceiptsFor(t.Context(), actorOf(w.acmes)); err != nil || len(list) != 0 {
			t.Errorf("%s lists %v, %v", who, list, err)
		}
		w.ownerExec(t, `UPDATE members SET role = 'reviewer', ended_at = NULL WHERE account = $1`, w.acmes.ID)
	}
}

// TestOrganizationIsToldNothingOfWhatWasNeverGiven: a receipt names the session, so there is none of a request
// that was not confirmed, however it ends. The candidate has one.
func TestOrganizationIsToldNothingOfWhatWasNeverGiven(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	erasures := NewErasures(w.database)
	requested := func(of consent.Account) (consent.SessionID, consent.AuthorizationID) {
		id := w.consented(t, of, allConsents)
		_, secret := w.invite(t, of, id, consent.ScopeRatings)
		return id, w.redeem(t, w.acmes, secret).ID
	}
	for i, c := range []struct {
		how, told string
		end       func(of consent.AccountID, id consent.SessionID, asked consent.AuthorizationID) error
	}{
		{"refused", "given refused", func(of consent.AccountID, id consent.SessionID, asked consent.AuthorizationID) error {
			return w.sessions.RefuseRequest(t.Context(), of, id, asked)
		}},
		{"withdrawn", "given withdrawn", func(of consent.AccountID, id consent.SessionID, asked consent.AuthorizationID) error {
			return w.sessions.WithdrawAuthorization(t.Context(), of, id, asked)
		}},
		{"expired", "given expired", func(_ consent.AccountID, _ consent.SessionID, asked consent.AuthorizationID) error {
			w.expire(t, asked)
			_, _, err := w.database.noteEnds(t.Context(), time.Time{})
			return err
		}},
		{"the session erased", "given withdrawn", func(of consent.AccountID, id consent.SessionID, _ consent.AuthorizationID) error {
			_, err := erasures.Erase(t.Context(), of, id)
			return err
		}},
		{"the account closed", "given withdrawn", func(of consent.AccountID, _ consent.SessionID, _ consent.AuthorizationID) error {
			_, err := erasures.CloseAccount(t.Context(), of)
			return err
		}},
		{"the session erased by the eraser", "given revoked", func(of consent.AccountID, id consent.SessionID, _ consent.AuthorizationID) error {
			eraser := &Eraser{database: w.database}
			return eraser.database.in(t.Context(), RoleErasure, rowContext{session: string(id)}, func(tx pgx.Tx) error {
				return (&erasing{Eraser: eraser, session: id, candidate: of}).mark(t.Context(), tx, consent.SessionConsented)
			})
		}},
		{"the organization suspended", "given revoked", func(consent.AccountID, consent.SessionID, consent.AuthorizationID) error {
			admin := openTestAdmin(t, w.database)
			if _, err := admin.SuspendOrganization(t.Context(), "Acme"); err != nil {
				return err
			}
			if _, _, err := w.database.noteEnds(t.Context(), time.Time{}); err != nil {
				return err
			}
			return admin.RestoreOrganization(t.Context(), "Acme")
		}},
	} {
		of := w.candidate(t, fmt.Sprintf("Candidate%d", i))
		id, asked := requested(of)
		if err := c.end(of.ID, id, asked); err != nil {
			t.Fatalf("%s: %v", c.how, err)
		}
		if own := w.receiptsOf(t, of, id); told(own) != c.told || own[1].RecordID != string(asked) {
			t.Errorf("%s: the candidate is told %q, want %q", c.how, told(own), c.told)
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM receipts WHERE side = 'organization'`); n != 0 {
			t.Errorf("%s: the organization is given %d receipts", c.how, n)
		}
	}

	// What was confirmed ends with one for each.
	id, asked := requested(w.alice)
	if _, err := w.sessions.ConfirmRequest(t.Context(), w.alice.ID, id, asked); err != nil {
		t.Fatal(err)
	}
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, asked); err != nil {
		t.Fatal(err)
	}
	if theirs := told(w.receiptsFor(t, w.acmes)); theirs != "given ended" {
		t.Errorf("of what was given the organization is told %q", theirs)
	}
}

func TestNoPlaneForgesAReceipt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, bobs := w.consented(t, w.alice, allConsents), w.consented(t, w.bob, allConsents)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	const add = `INSERT INTO receipts (id, seq, session, authorization_id, org, account, side, kind, notice_sha256, jws, at)
		SELECT $1, seq, $2, $3, $4, $5, $6, $7, $8, 'x', now() FROM (VALUES (1)) v(seq)`
	for name, c := range map[string]struct {
		role                   Role
		about                  rowContext
		session                consent.SessionID
		authorization, org, of string
		side, kind             string
	}{
		"of another's session":         {RoleCandidate, asAccount(w.bob), id, "", "", string(w.bob.ID), "candidate", "given"},
		"for another":                  {RoleCandidate, asAccount(w.bob), bobs, "", "", string(w.alice.ID), "candidate", "given"},
		"of another's authorization":   {RoleCandidate, asAccount(w.bob), bobs, string(granted.ID), string(w.acme.ID), string(w.bob.ID), "organization", "given"},
		"for an organization not told": {RoleCandidate, asAccount(w.alice), id, string(granted.ID), string(w.zenith.ID), string(w.alice.ID), "organization", "given"},
		"by an organization":           {RoleEmployer, employerContext(w.acmes), id, string(granted.ID), string(w.acme.ID), string(w.alice.ID), "organization", "given"},
		"a worker grants":              {RoleWorker, rowContext{}, id, string(granted.ID), string(w.acme.ID), string(w.alice.ID), "organization", "given"},
		"the eraser grants":            {RoleErasure, rowContext{}, id, string(granted.ID), string(w.acme.ID), string(w.alice.ID), "organization", "given"},
	} {
		err := w.database.in(t.Context(), c.role, c.about, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), add, consent.NewID[consent.ReceiptID](), c.session, c.authorization, c.org, c.of, c.side, c.kind, testNotice.SHA256())
			return err
		})
		if !hasCode(err, policyViolation) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	if _, err := w.owner.Exec(t.Context(), `UPDATE receipts SET jws = 'x'`); !hasCode(err, policyViolation) {
		t.Errorf("a receipt is changed by the owner: %v", err)
	}
}

// An authorization from before there were receipts ends with one all the same.
func TestEndOfAnOldAuthorizationGivesReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.consented(t, w.alice, allConsents)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	w.ownerExec(t, `DELETE FROM receipts WHERE authorization_id = $1`, granted.ID)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, granted.ID); err != nil {
		t.Fatal(err)
	}
	own := w.receiptsOf(t, w.alice, id)
	if told(own) != "given withdrawn" || own[1].RecordID != string(granted.ID) || told(w.receiptsFor(t, w.acmes)) != "ended" {
		t.Errorf("told of %q", told(own))
	}
}

func TestNothingIsSharedBeforeTheNoticeWasAnswered(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session, err := w.sessions.CreateSession(t.Context(), w.alice.ID, consent.ModePractice, testPlan())
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.sessions.Authorize(t.Context(), w.alice.ID, session.ID, shareRequest(w.acme))
	if _, ok := errors.AsType[consent.ErrBadStep](err); !ok {
		t.Errorf("sharing a session without a notice: %v, want ErrBadStep", err)
	}
}
