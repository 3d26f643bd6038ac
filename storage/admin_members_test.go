package storage

import (
	"errors"
	"slices"
	"testing"
	"time"

	"greenroom/consent"
)

// T18: an organization that is suspended loses everything, and gets nothing of it back.
func TestSuspendingAnOrganizationRevokesForGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.bob)
	granted := w.share(t, w.alice, id, w.acme, allShareable()...)
	suspended := w.share(t, w.bob, other, w.acme, consent.ScopeTranscript)
	if _, err := w.sessions.Restrict(t.Context(), w.bob.ID, other); err != nil {
		t.Fatal(err)
	}
	_, secret := w.invite(t, w.alice, id, consent.ScopeRatings)
	asked := w.redeem(t, w.acmes, secret)
	withdrawn := w.share(t, w.alice, w.interview(t, w.alice), w.acme, consent.ScopeRatings)
	if err := w.sessions.WithdrawAuthorization(t.Context(), w.alice.ID, withdrawn.Session, withdrawn.ID); err != nil {
		t.Fatal(err)
	}
	untouched := w.share(t, w.alice, id, w.zenith, consent.ScopeRatings)
	admin := openTestAdmin(t, w.database)
	if n, err := admin.SuspendOrganization(t.Context(), "Acme"); err != nil || n != 3 {
		t.Fatalf("revoked %d, %v; want 3", n, err)
	}
	if n, err := admin.SuspendOrganization(t.Context(), "Acme"); err != nil || n != 0 {
		t.Errorf("suspended again: revoked %d, %v", n, err)
	}
	if _, err := admin.SuspendOrganization(t.Context(), "Nobody"); !errors.Is(err, ErrUnknownOrganization) {
		t.Errorf("an unknown organization: %v", err)
	}
	for _, c := range []struct {
		of      consent.Account
		session consent.SessionID
		id      consent.AuthorizationID
		want    consent.AuthorizationState
	}{
		{w.alice, id, granted.ID, consent.AuthorizationRevoked},
		{w.bob, other, suspended.ID, consent.AuthorizationRevoked},
		{w.alice, id, asked.ID, consent.AuthorizationRevoked},
		{w.alice, withdrawn.Session, withdrawn.ID, consent.AuthorizationWithdrawn},
		{w.alice, id, untouched.ID, consent.AuthorizationGranted},
	} {
		if got := w.recordOf(t, c.of, c.session, c.id).State; got != c.want {
			t.Errorf("a record is %s, want %s", got, c.want)
		}
	}
	request := consent.AuthorizationRequest{
		Org: w.acme.ID, Purpose: consent.PurposePracticeReview, Scopes: []consent.Scope{consent.ScopeRatings},
		ValidUntil: time.Now().Add(time.Hour), NoticeSHA256: testNotice.SHA256(),
	}
	if _, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, request); !errors.Is(err, consent.ErrNotFound) {
		t.Errorf("sharing with a suspended organization: %v", err)
	}
	if listed, err := w.sessions.Organizations(t.Context(), w.alice.ID); err != nil || len(listed) != 1 || listed[0].ID != w.zenith.ID {
		t.Errorf("to choose from: %+v, %v; want the other alone", listed, err)
	}
	// A grant that was on its way commits after the suspension; restoring ends it before it comes to life.
	late := consent.NewID[consent.AuthorizationID]()
	w.ownerExec(t, `INSERT INTO authorizations (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version)
		VALUES ($1, $2, $3, 'hiring', '{transcript}', now() + interval '1 hour', $4, 1)`, late, id, w.acme.ID, testNotice.SHA256())
	w.ownerExec(t, `INSERT INTO authorization_events (authorization_id, org, kind, account) VALUES ($1, $2, 'granted', $3)`, late, w.acme.ID, w.alice.ID)
	if err := admin.RestoreOrganization(t.Context(), "Acme"); err != nil {
		t.Fatal(err)
	}
	if seen := visible(t, w.database, RoleEmployer, employerContext(w.acmes)); seen["sessions"] > 0 {
		t.Errorf("restored, the organization sees %v", seen)
	}
	if _, err := w.sessions.Authorize(t.Context(), w.alice.ID, id, request); err != nil {
		t.Errorf("sharing with it anew: %v", err)
	}
}

// T16, T19: what a member may do is asked at every read, and the nodes are told at once.
func TestMembershipAndRoleEndTheViewAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, all := listening(t, w)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, allShareable()...)
	admin := openTestAdmin(t, w.database)
	reads := func() bool {
		_, err := w.gate.Permit(t.Context(), actorOf(w.acmes), id, consent.ArtefactTranscript)
		return err == nil && visible(t, w.database, RoleEmployer, employerContext(w.acmes))["lines"] > 0
	}
	for _, c := range []struct {
		name   string
		change func() error
		reads  bool
	}{
		{"lowered to billing", func() error { return admin.SetMemberRole(t.Context(), "HR@acme.example", consent.MemberBilling) }, false},
		{"a reviewer again", func() error { return admin.SetMemberRole(t.Context(), "hr@acme.example", consent.MemberReviewer) }, true},
		{"ended", func() error { return admin.EndMember(t.Context(), "hr@acme.example") }, false},
	} {
		for len(all) > 0 { // what was heard before
			<-all
		}
		if err := c.change(); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		await(t, all, func(heard Change) bool { return heard == Change{Session: id, Topic: TopicAuthorizations} })
		if reads() != c.reads {
			t.Errorf("%s: reads = %v", c.name, !c.reads)
		}
	}
	for name, err := range map[string]error{
		"ended twice":         admin.EndMember(t.Context(), "hr@acme.example"),
		"a role after it":     admin.SetMemberRole(t.Context(), "hr@acme.example", consent.MemberReviewer),
		"unknown address":     admin.EndMember(t.Context(), "nobody@acme.example"),
		"a candidate's":       admin.EndMember(t.Context(), "alice@example.org"),
		"a role, unknown one": errors.Join(admin.SetMemberRole(t.Context(), "hr@zenith.example", "boss"), ErrUnknownMember),
	} {
		if !errors.Is(err, ErrUnknownMember) {
			t.Errorf("%s: %v, want ErrUnknownMember", name, err)
		}
	}
	var kinds []consent.LedgerKind
	for _, entry := range wholeLedger(t, w.database) {
		kinds = append(kinds, entry.Kind)
	}
	if !slices.Contains(kinds, consent.LedgerMemberRole) || !slices.Contains(kinds, consent.LedgerMemberEnded) {
		t.Errorf("the ledger has %v", kinds)
	}
}

// Forced policies bind an owner that is no superuser: every command of the administration works for one.
func TestPlainOwnerAdministersTheRecord(t *testing.T) {
	t.Parallel()
	d, url := openAsPlainOwner(t, newWorld(t))
	admin, err := OpenAdmin(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(t.Context()) }()
	w := &world{database: d, accounts: NewAccounts(d, nil), sessions: NewSessions(d), notice: testNotice}
	if err := admin.PublishNotice(t.Context(), testNotice); err != nil {
		t.Fatalf("publish: %v", err)
	}
	w.alice = w.candidate(t, "Alice")
	w.acme, w.acmes = employerOf(t, admin, "Acme")
	id := w.consented(t, w.alice, allConsents)
	granted := w.share(t, w.alice, id, w.acme, consent.ScopeRatings)
	for _, c := range []struct {
		name   string
		change func() error
		want   consent.AuthorizationState
	}{
		{"hold", func() error { return admin.Hold(t.Context(), id, "a case", "a court") }, consent.AuthorizationSuspended},
		{"lift", func() error { return admin.LiftHold(t.Context(), id, "closed") }, consent.AuthorizationGranted},
		{"role", func() error { return admin.SetMemberRole(t.Context(), w.acmes.Email, consent.MemberBilling) }, consent.AuthorizationGranted},
		{"end", func() error { return admin.EndMember(t.Context(), w.acmes.Email) }, consent.AuthorizationGranted},
		{"suspend", func() error { _, err := admin.SuspendOrganization(t.Context(), "Acme"); return err }, consent.AuthorizationRevoked},
		{"restore", func() error { return admin.RestoreOrganization(t.Context(), "Acme") }, consent.AuthorizationRevoked},
	} {
		if err := c.change(); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if got := w.recordOf(t, w.alice, id, granted.ID).State; got != c.want {
			t.Errorf("after %s the record is %s, want %s", c.name, got, c.want)
		}
	}
	w.invite(t, w.alice, id, consent.ScopeRatings)
	if n, err := admin.ReportChild(t.Context(), w.alice.Email); err != nil || n != 1 {
		t.Errorf("report a child: %d interviews, %v", n, err)
	}
	var cancelled int
	if err := admin.conn.QueryRow(t.Context(), `SELECT count(*) FROM invitations WHERE cancelled_at IS NOT NULL`).Scan(&cancelled); err != nil || cancelled != 1 {
		t.Errorf("%d invitations are cancelled, %v; want 1", cancelled, err)
	}
}
