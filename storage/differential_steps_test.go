package storage

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"greenroom/consent"
)

// differential is a world in which histories happen one after the other, each with a candidate, sessions
// and organizations of its own. Notices and the clock are everybody's.
type differential struct {
	*world
	t         *testing.T
	admin     *Admin
	masterKey string
	shared    reference // the hour, and all notices
	made      int       // histories
	compared  int       // answers
	steps     int

	spoil string         // breaks a wall before each comparison
	named map[string]int // then, how often which one disagreed
}

// history is one of them, as it happens and as the words say.
type history struct {
	*differential
	*reference
	r         *rapid.T
	candidate consent.Account
	sessions  []consent.SessionID
	employers []consent.Actor
	orgs      []consent.Organization
	began     int
}

func newDifferential(t *testing.T) *differential {
	t.Helper()
	w := newWorld(t)
	d := &differential{world: w, t: t, admin: openTestAdmin(t, w.database), masterKey: filepath.Join(t.TempDir(), "master.key")}
	d.shared.notices = []refNotice{{testNotice, 0}}
	d.reopen()
	return d
}

// reopen is what a restart does to everything between the database and who asks.
func (d *differential) reopen() {
	d.t.Helper()
	database, err := OpenDatabase(d.t.Context(), testURL(d.database.Pool(RoleAudit).Config().ConnConfig.Database), filepath.Join(testCluster.base, "secrets"))
	if err != nil {
		d.t.Fatalf("open the database again: %v", err)
	}
	d.database.Close()
	d.t.Cleanup(database.Close)
	keys, err := OpenKeys(d.t.Context(), database, d.masterKey)
	if err != nil {
		d.t.Fatalf("open the keys again: %v", err)
	}
	d.database, d.keys, d.gate = database, keys, consent.Gate{Reader: NewSnapshots(database)}
	d.accounts.database = database
	d.sessions, d.records, d.world.shared = NewSessions(database), NewRecords(database, keys), NewShared(database)
	d.ingest, d.results = NewIngest(database, keys, true), NewResults(database, keys)
}

func (d *differential) begin(r *rapid.T) *history {
	d.made++
	name := func(what string) string { return fmt.Sprintf("%s%d", what, d.made) }
	h := &history{differential: d, r: r, began: d.shared.hour, reference: &reference{
		hour: d.shared.hour, notices: slices.Clone(d.shared.notices),
		members: make(map[consent.AccountID]*refMember), closed: make(map[consent.OrgID]bool), sessions: make(map[consent.SessionID]*refSession),
	}}
	d.notice = h.notices[len(h.notices)-1].Notice
	d.gate.Notice = d.notice.SHA256()
	h.candidate = d.candidate(d.t, name("Candidate"))
	for _, org := range []string{name("Acme"), name("Zenith")} {
		made, account := employerOf(d.t, d.admin, org)
		h.orgs = append(h.orgs, made)
		h.join(account, "hr@"+made.Name+".example")
	}
	second, err := d.admin.CreateAccount(d.t.Context(), consent.AccountEmployer, name("second")+"@acme.example", "Second", testHash, h.orgs[0].ID)
	if err != nil {
		d.t.Fatal(err)
	}
	h.join(second, second.Email)
	for range 2 {
		id := d.interview(d.t, h.candidate)
		h.sessions = append(h.sessions, id)
		h.reference.sessions[id] = &refSession{}
	}
	return h
}

func (h *history) join(account consent.Account, email string) {
	h.employers = append(h.employers, actorOf(account))
	h.members[account.ID] = &refMember{email: email, org: account.Org, reviewer: true}
}

// step does one thing to the product and to the reference, which has to agree on whether it may be done.
func (h *history) step() string {
	ctx, r := h.t.Context(), h.r
	session := rapid.SampledFrom(h.sessions).Draw(r, "session")
	org := rapid.SampledFrom(h.orgs).Draw(r, "organization")
	employer := rapid.SampledFrom(h.employers).Draw(r, "employer")
	at := h.reference.sessions[session]
	what := rapid.SampledFrom([]string{
		"grant", "grant", "grant", "withdraw", "ask", "confirm", "refuse", "renew", "restrict", "unrestrict", "hold", "lift", "suspend",
		"restore", "lower", "raise", "leave", "close", "notice", "erase", "sweep", "clock", "clock", "restart",
	}).Draw(r, "step")
	var err error
	allowed := true
	switch what {
	case "grant", "ask":
		allowed, err = h.newRecord(what, session, org, employer)
	case "withdraw", "confirm", "refuse", "renew":
		if len(h.records) == 0 {
			return "nothing"
		}
		allowed, err = h.oldRecord(what, rapid.SampledFrom(h.records).Draw(r, "record"))
	case "restrict":
		_, err = h.world.sessions.Restrict(ctx, h.candidate.ID, session)
		if allowed = !at.erased && !at.held; allowed {
			at.restricted = true
		}
	case "unrestrict":
		_, err = h.world.sessions.Unrestrict(ctx, h.candidate.ID, session)
		if allowed = !at.erased && !at.held; allowed {
			at.restricted = false
		}
	case "hold":
		err = h.admin.Hold(ctx, session, "a reason", "a court")
		allowed = !at.erased
		at.held = at.held || allowed
	case "lift":
		err, allowed = h.admin.LiftHold(ctx, session, "it is over"), at.held
		at.held = false
	case "suspend", "restore":
		if h.closed[org.ID] == (what == "suspend") {
			return "nothing"
		}
		h.endAll("revoked", func(a *refRecord) bool { return a.org == org.ID })
		if h.closed[org.ID] = what == "suspend"; h.closed[org.ID] {
			_, err = h.admin.SuspendOrganization(ctx, org.Name)
		} else {
			err = h.admin.RestoreOrganization(ctx, org.Name)
		}
	case "lower", "raise", "leave", "close":
		allowed, err = h.member(what, employer)
	case "notice":
		err = h.publish()
	case "erase":
		if at.held {
			return "nothing" // it would wait, and nothing change
		}
		_, err = NewErasures(h.database).Erase(ctx, h.candidate.ID, session)
		h.endAll("withdrawn", func(a *refRecord) bool { return a.session == session })
		at.erased = true
	case "sweep":
		_, _, err = h.database.noteEnds(ctx, time.Time{})
		h.sweep()
	case "clock":
		h.jump(rapid.SampledFrom([]int{1, 1, 24 * 10, 24 * 30, -1, -24 * 10}).Draw(r, "hours"))
	case "restart":
		h.reopen()
	}
	if (err == nil) != allowed && h.spoil == "" {
		r.Fatalf("%s: %v, and the words allow it: %t", what, err, allowed)
	}
	return what
}

// terms draws what a record is about.
func (h *history) terms(session consent.SessionID, org consent.OrgID) (*refRecord, consent.AuthorizationRequest) {
	r := h.r
	notice := h.notices[len(h.notices)-1]
	if rapid.IntRange(0, 9).Draw(r, "which notice") == 0 {
		notice = h.notices[0]
	}
	a := &refRecord{
		session: session, org: org, purpose: rapid.SampledFrom([]consent.Purpose{consent.PurposeHiring, consent.PurposePracticeReview}).Draw(r, "purpose"),
		scopes: rapid.SliceOfNDistinct(rapid.SampledFrom(allShareable()), 1, -1, rapid.ID[consent.Scope]).Draw(r, "scopes"),
		notice: notice.Version,
	}
	hours := rapid.SampledFrom([]int{0, 2, 24*12 + 5, 24 * 40}).Draw(r, "for")
	a.until = h.hour + hours
	return a, consent.AuthorizationRequest{
		Org: org, Purpose: a.purpose, Scopes: a.scopes, NoticeSHA256: notice.SHA256(),
		ValidUntil: time.Now().Add(time.Duration(hours)*time.Hour + 30*time.Minute),
	}
}

func (h *history) newRecord(what string, session consent.SessionID, org consent.Organization, employer consent.Actor) (allowed bool, err error) {
	ctx := h.t.Context()
	if what == "grant" {
		a, request := h.terms(session, org.ID)
		granted, err := h.world.sessions.Authorize(ctx, h.candidate.ID, session, request)
		a.id = granted.ID
		return h.grant(a), err
	}
	a, request := h.terms(session, employer.Org)
	_, secret, err := h.world.sessions.Invite(ctx, h.candidate.ID, session, request)
	if err == nil {
		var asked consent.Request
		asked, err = h.world.shared.Redeem(ctx, employer, secret)
		a.id = asked.ID
	}
	return h.ask(a, employer.Account), err
}

func (h *history) oldRecord(what string, a *refRecord) (allowed bool, err error) {
	ctx, of := h.t.Context(), h.candidate.ID
	switch what {
	case "withdraw":
		return h.withdraw(a), h.world.sessions.WithdrawAuthorization(ctx, of, a.session, a.id)
	case "confirm":
		_, err := h.world.sessions.ConfirmRequest(ctx, of, a.session, a.id)
		return h.confirm(a), err
	case "refuse":
		return h.refuse(a), h.world.sessions.RefuseRequest(ctx, of, a.session, a.id)
	default:
		newest := h.notices[len(h.notices)-1]
		renewed, err := h.world.sessions.Renew(ctx, of, a.session, a.id, newest.SHA256())
		if h.reference.sessions[a.session].erased || !h.given(a) {
			return false, err
		}
		if a.notice >= newest.Version {
			return true, err // nothing to agree to
		}
		again := *a
		again.id, again.notice, again.granted = renewed.ID, newest.Version, false
		return h.grant(&again), err
	}
}

func (h *history) member(what string, employer consent.Actor) (allowed bool, err error) {
	ctx, m := h.t.Context(), h.members[employer.Account]
	allowed = !m.gone
	switch what {
	case "lower", "raise":
		role := consent.MemberBilling
		if what == "raise" {
			role = consent.MemberReviewer
		}
		m.reviewer = what == "raise"
		return allowed, h.admin.SetMemberRole(ctx, m.email, role)
	case "leave":
		m.gone = true
		return allowed, h.admin.EndMember(ctx, m.email)
	default:
		m.gone = true
		_, err = h.owner.Exec(ctx, `UPDATE accounts SET closed_at = statement_timestamp() WHERE id = $1`, employer.Account)
		return true, err
	}
}

// publish publishes a notice, which holds at once or in half an hour.
func (h *history) publish() error {
	kind := rapid.SampledFrom([]consent.Materiality{
		consent.MaterialityEditorial, consent.MaterialityNotice, consent.MaterialityReconsent, consent.MaterialityReconsent,
	}).Draw(h.r, "materiality")
	n := refNotice{consent.Notice{Version: h.notices[len(h.notices)-1].Version + 1, Materiality: kind}, h.hour}
	n.Text = fmt.Sprintf("# Notice %d\n\nWe record.", n.Version)
	if rapid.Bool().Draw(h.r, "later") {
		n.EffectiveAt, n.from = time.Now().Add(30*time.Minute), h.hour+1
	}
	h.notices = append(h.notices, n)
	h.shared.notices = h.notices
	return h.admin.PublishNotice(h.t.Context(), n.Notice)
}

// jump moves every stored time the other way, so that the database's clock seems to have moved.
func (h *history) jump(hours int) {
	if h.hour+hours < h.began-24*30 {
		return // a record may not last longer than 180 days
	}
	h.hour += hours
	h.shared.hour = h.hour
	changeUnguarded(h.t, h.world, `WITH moved AS (SELECT $1::int * interval '1 hour' AS by),
		notices AS (UPDATE notices SET effective_at = effective_at - by FROM moved),
		invitations AS (UPDATE invitations SET created_at = created_at - by, expires_at = expires_at - by, valid_until = valid_until - by FROM moved)
		UPDATE authorizations SET valid_from = valid_from - by, valid_until = valid_until - by FROM moved`, hours)
}

// isRefusal reports whether an error is an answer and no fault.
func isRefusal(err error) bool {
	return errors.Is(err, consent.ErrNotFound) && !errors.Is(err, consent.ErrFacts)
}
