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

func (w *world) invite(t *testing.T, of consent.Account, session consent.SessionID, scopes ...consent.Scope) (consent.Invitation, consent.InvitationSecret) {
	t.Helper()
	invitation, secret, err := w.sessions.Invite(t.Context(), of.ID, session, consent.AuthorizationRequest{
		Purpose: consent.PurposeHiring, Scopes: scopes, ValidUntil: time.Now().Add(time.Hour), NoticeSHA256: testNotice.SHA256(),
	})
	if err != nil {
		t.Fatalf("invite: %v", err)
	}
	return invitation, secret
}

func (w *world) redeem(t *testing.T, by consent.Account, secret consent.InvitationSecret) consent.Request {
	t.Helper()
	request, err := w.shared.Redeem(t.Context(), actorOf(by), secret)
	if err != nil {
		t.Fatalf("redeem: %v", err)
	}
	return request
}

// recordOf returns one record as its candidate sees it.
func (w *world) recordOf(t *testing.T, of consent.Account, session consent.SessionID, id consent.AuthorizationID) consent.Authorization {
	t.Helper()
	records, err := w.sessions.Authorizations(t.Context(), of.ID, session)
	if err != nil {
		t.Fatalf("list authorizations: %v", err)
	}
	at := slices.IndexFunc(records, func(a consent.Authorization) bool { return a.ID == id })
	if at < 0 {
		t.Fatalf("authorization %s is not in the list", id)
	}
	return records[at]
}

func TestInvitationShowsNothingUntilTheNamedPersonIsConfirmed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	invitation, secret := w.invite(t, w.alice, id, allShareable()...)
	if invitation.State != consent.InvitationOpen || invitation.ExpiresAt.Sub(invitation.CreatedAt) != consent.InvitationLife {
		t.Errorf("invitation %+v, want an open one for 14 days", invitation)
	}
	request := w.redeem(t, w.acmes, secret)
	if request.State != consent.RequestWaiting || request.Purpose != consent.PurposeHiring || request.At.IsZero() {
		t.Errorf("request %+v", request)
	}
	// Not a row of the session, of its candidate or of the record, whatever the secret is in the context.
	about := employerContext(w.acmes)
	about.invitation = secret.SHA256()
	seen := without(visible(t, w.database, RoleEmployer, about), "authorization_events")
	if want := map[string]int{"accounts": 1, "members": 1}; len(seen) != len(want) || seen["accounts"] != 1 || seen["members"] != 1 {
		t.Errorf("before the confirmation the organization sees %v, want %v", seen, want)
	}
	if list, err := w.shared.SharedWith(t.Context(), actorOf(w.acmes)); err != nil || len(list) != 0 {
		t.Errorf("the list of what is shared has %d lines, %v", len(list), err)
	}
	record := w.recordOf(t, w.alice, id, request.ID)
	if record.State != consent.AuthorizationRequested || record.OrgName != "Acme" || record.RequestedBy != "HR of Acme" || !record.GrantedAt.IsZero() {
		t.Errorf("the candidate sees %+v, want who asked", record)
	}
	w.wantSummary(t, w.alice, id, 0, 1)
	if _, err := w.sessions.ConfirmRequest(t.Context(), w.bob.ID, id, request.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("another candidate confirms: %v", err)
	}
	granted, err := w.sessions.ConfirmRequest(t.Context(), w.alice.ID, id, request.ID)
	if err != nil || granted.State != consent.AuthorizationGranted || !slices.Equal(granted.Scopes, allShareable()) {
		t.Fatalf("confirmed %+v, %v", granted, err)
	}
	w.wantSummary(t, w.alice, id, 1, 0)
	if seen := visible(t, w.database, RoleEmployer, employerContext(w.acmes)); seen["lines"] == 0 {
		t.Errorf("after it the organization sees %v", seen)
	}
	requests, err := w.shared.Requests(t.Context(), actorOf(w.acmes))
	if err != nil || len(requests) != 1 || requests[0].State != consent.RequestShared || requests[0].ID != request.ID {
		t.Errorf("requests %+v, %v; want one that is shared", requests, err)
	}
	var bad consent.ErrBadEvent
	if _, err := w.sessions.ConfirmRequest(t.Context(), w.alice.ID, id, request.ID); !errors.As(err, &bad) {
		t.Errorf("confirmed twice: %v, want ErrBadEvent", err)
	}
}

// wantSummary checks a candidate's only session in their list: who can see it, and who waits.
func (w *world) wantSummary(t *testing.T, candidate consent.Account, id consent.SessionID, shared, requests int) {
	t.Helper()
	list, err := w.sessions.SessionsOf(t.Context(), candidate.ID)
	if err != nil || len(list) != 1 || list[0].ID != id || list[0].SharedWith != shared || list[0].Requests != requests {
		t.Errorf("list %+v, %v; want %s shared with %d and %d asking", list, err, id, shared, requests)
	}
}

func TestInvitationThatIsNotGoodLooksLikeAnUnknownOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	redeemed := func() consent.InvitationSecret {
		_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
		w.redeem(t, w.zeniths, secret)
		return secret
	}
	open := func() consent.InvitationSecret {
		_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
		return secret
	}
	changed := func(set string) consent.InvitationSecret {
		invitation, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
		w.ownerExec(t, `UPDATE invitations SET `+set+` WHERE id = $1`, invitation.ID)
		return secret
	}
	cancelled := func() consent.InvitationSecret {
		invitation, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
		if err := w.sessions.CancelInvitation(t.Context(), w.alice.ID, id, invitation.ID); err != nil {
			t.Fatal(err)
		}
		return secret
	}
	for name, c := range map[string]struct {
		actor  consent.Actor
		secret consent.InvitationSecret
		first  string
	}{
		"unknown":                {actorOf(w.acmes), consent.NewInvitationSecret(), ""},
		"used":                   {actorOf(w.acmes), redeemed(), ""},
		"cancelled":              {actorOf(w.acmes), cancelled(), ""},
		"older than 14 days":     {actorOf(w.acmes), changed(`expires_at = statement_timestamp()`), ""},
		"the record's time over": {actorOf(w.acmes), changed(`created_at = now() - interval '2 hours', valid_until = now() - interval '1 hour'`), ""},
		"a candidate redeems":    {actorOf(w.bob), open(), ""},
		"another organization":   {consent.Actor{Kind: consent.ActorEmployer, Account: w.acmes.ID, Org: w.zenith.ID}, open(), ""},
		"membership ended":       {actorOf(w.acmes), open(), `UPDATE members SET ended_at = now() WHERE account = $1`},
		"billing":                {actorOf(w.acmes), open(), `UPDATE members SET role = 'billing' WHERE account = $1`},
		"organization suspended": {actorOf(w.acmes), open(), `UPDATE organizations SET suspended_at = now() WHERE id = (SELECT org FROM members WHERE account = $1)`},
	} {
		if c.first != "" {
			w.ownerExec(t, c.first, w.acmes.ID)
		}
		_, err := w.shared.Redeem(t.Context(), c.actor, c.secret)
		if !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
		w.ownerExec(t, `UPDATE members SET ended_at = NULL, role = 'reviewer'`)
		w.ownerExec(t, `UPDATE organizations SET suspended_at = NULL`)
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM authorizations WHERE org = $1`, w.acme.ID); n != 0 {
		t.Errorf("%d records were made for refused redemptions", n)
	}
}

func TestOfManyRedemptionsAtOnceOneAsks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	outcomes := make(chan error, 12)
	var all sync.WaitGroup
	for i := range cap(outcomes) {
		by := w.acmes
		if i%2 == 0 {
			by = w.zeniths
		}
		all.Go(func() {
			_, err := w.shared.Redeem(t.Context(), actorOf(by), secret)
			outcomes <- err
		})
	}
	all.Wait()
	close(outcomes)
	asked := 0
	for err := range outcomes {
		if err == nil {
			asked++
		} else if !errors.Is(err, consent.ErrNotFound) {
			t.Errorf("redeem: %v", err)
		}
	}
	if asked != 1 || w.ownerCount(t, `SELECT count(*) FROM authorizations`) != 1 {
		t.Errorf("%d redemptions went through", asked)
	}
}

func TestRefusedAndCancelledLeaveNothingOpen(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.alice)
	invitation, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	if err := w.sessions.CancelInvitation(t.Context(), w.alice.ID, other, invitation.ID); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("cancelled through another session: %v", err)
	}
	request := w.redeem(t, w.acmes, secret)
	if err := w.sessions.CancelInvitation(t.Context(), w.alice.ID, id, invitation.ID); err != nil {
		t.Errorf("cancelling a used invitation: %v, want no error", err)
	}
	for range 2 {
		if err := w.sessions.RefuseRequest(t.Context(), w.alice.ID, id, request.ID); err != nil {
			t.Errorf("refuse: %v", err)
		}
	}
	if got := w.recordOf(t, w.alice, id, request.ID); got.State != consent.AuthorizationRefused || got.EndedAt.IsZero() {
		t.Errorf("the record is %+v, want refused", got)
	}
	if _, err := w.sessions.ConfirmRequest(t.Context(), w.alice.ID, id, request.ID); err == nil {
		t.Error("a refused request was confirmed")
	}
	withdrawn := w.redeem(t, w.acmes, func() consent.InvitationSecret { _, s := w.invite(t, w.alice, id, consent.ScopeRatings); return s }())
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, id, withdrawn.ID); err != nil {
		t.Errorf("withdraw a request: %v", err)
	}
	requests, err := w.shared.Requests(t.Context(), actorOf(w.acmes))
	if err != nil || len(requests) != 2 || requests[0].State != consent.RequestClosed || requests[1].State != consent.RequestClosed {
		t.Errorf("requests %+v, %v; want two that are closed, and no more said", requests, err)
	}
	invitations, err := w.sessions.Invitations(t.Context(), w.alice.ID, id)
	if err != nil || len(invitations) != 2 || invitations[1].State != consent.InvitationRedeemed || invitations[1].Authorization != request.ID {
		t.Errorf("invitations %+v, %v", invitations, err)
	}
}

// What the employer plane could do to the tables with statements of its own.
func TestEmployerRoleCannotGrantItselfAnything(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	request := w.redeem(t, w.acmes, secret)
	_, second := w.invite(t, w.alice, id, consent.ScopeRatings)
	about := employerContext(w.acmes)
	about.invitation = second.SHA256()
	for name, statement := range map[string]string{
		"a granted event":         `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES ('` + string(request.ID) + `', current_org(), 'granted', current_account())`,
		"wider than offered":      `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version, invitation, requested_by) SELECT repeat('a', 26), session, current_org(), purpose, '{transcript}', valid_until, notice_sha256, notice_version, id, current_account() FROM invitations`,
		"longer than offered":     `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version, invitation, requested_by) SELECT repeat('a', 26), session, current_org(), purpose, scopes, valid_until + interval '1 day', notice_sha256, notice_version, id, current_account() FROM invitations`,
		"for another session":     `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version, invitation, requested_by) SELECT repeat('a', 26), repeat('b', 26), current_org(), purpose, scopes, valid_until, notice_sha256, notice_version, id, current_account() FROM invitations`,
		"without an invitation":   `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_version) VALUES (repeat('a', 26), '` + string(id) + `', current_org(), 'hiring', '{ratings}', now() + interval '1 hour', 0)`,
		"an invitation made open": `UPDATE invitations SET cancelled_at = NULL`,
	} {
		err := w.database.in(t.Context(), RoleEmployer, about, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), statement)
			return err
		})
		if !hasCode(err, policyViolation) {
			t.Errorf("%s: %v, want a refusal", name, err)
		}
	}
	// And without the secret there is no invitation at all.
	var n int
	if err := w.database.in(t.Context(), RoleEmployer, employerContext(w.acmes), func(tx pgx.Tx) error {
		return tx.QueryRow(t.Context(), `SELECT count(*) FROM invitations`).Scan(&n)
	}); err != nil || n != 0 {
		t.Errorf("%d invitations are seen without a secret, %v", n, err)
	}
}
