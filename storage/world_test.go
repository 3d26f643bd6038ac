package storage

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// world is a database with two candidates, two organizations with an employer each, and everything
// that reads and writes it. All goes through the real gate, the real roles and the real keys.
type world struct {
	database *Database
	owner    *pgx.Conn
	keys     *Keys
	gate     consent.Gate
	accounts *Accounts
	sessions *Sessions
	records  *Records
	shared   *Shared
	ingest   *Ingest
	results  *Results

	alice, bob     consent.Account
	acme, zenith   consent.Organization
	acmes, zeniths consent.Account

	notice consent.Notice // that is answered before an interview
}

var (
	testNotice   = consent.Notice{Version: 1, Materiality: consent.MaterialityNotice, Text: "# What happens\n\nWe record."}
	allConsents  = consent.Consents{Recording: true, Transcription: true, Assessment: true}
	secretWords  = "the quick brown canary"
	secretReason = "canary of a reason"
	secretAdvice = "canary of advice"
	testOrigin   = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
)

var testHash = consent.PasswordHash{Hash: "$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA"}

func newWorld(t *testing.T) *world {
	t.Helper()
	d := newTestDatabase(t)
	keys := newTestKeys(t, d)
	logIn, err := OpenLogInKeys(t.Context(), d, filepath.Join(t.TempDir(), "log-in.keys"))
	if err != nil {
		t.Fatalf("open log-in keys: %v", err)
	}
	w := &world{
		database: d, owner: asOwner(t, d), keys: keys, gate: consent.Gate{Reader: NewSnapshots(d), Notice: testNotice.SHA256()},
		accounts: NewAccounts(d, logIn), sessions: NewSessions(d), records: NewRecords(d, keys), shared: NewShared(d),
		ingest: NewIngest(d, keys, true), results: NewResults(d, keys), notice: testNotice,
	}
	w.alice, w.bob = w.candidate(t, "Alice"), w.candidate(t, "Bob")
	admin := openTestAdmin(t, d)
	if err := admin.PublishNotice(t.Context(), testNotice); err != nil {
		t.Fatalf("publish the notice: %v", err)
	}
	w.acme, w.acmes = employerOf(t, admin, "Acme")
	w.zenith, w.zeniths = employerOf(t, admin, "Zenith")
	return w
}

func openTestAdmin(t *testing.T, d *Database) *Admin {
	t.Helper()
	admin, err := OpenAdmin(t.Context(), testURL(d.Pool(RoleAudit).Config().ConnConfig.Database))
	if err != nil {
		t.Fatalf("open admin: %v", err)
	}
	t.Cleanup(func() { _ = admin.Close(context.WithoutCancel(t.Context())) })
	return admin
}

func employerOf(t *testing.T, admin *Admin, name string) (consent.Organization, consent.Account) {
	t.Helper()
	org, err := admin.CreateOrganization(t.Context(), name)
	if err != nil {
		t.Fatalf("create organization: %v", err)
	}
	account, err := admin.CreateAccount(t.Context(), consent.AccountEmployer, "hr@"+strings.ToLower(name)+".example", "HR of "+name, testHash, org.ID)
	if err != nil {
		t.Fatalf("create employer: %v", err)
	}
	return org, account
}

func (w *world) candidate(t *testing.T, name string) consent.Account {
	t.Helper()
	account, err := w.accounts.CreateCandidate(t.Context(), name+"@example.org", name, testHash, consent.AgeRule)
	if err != nil {
		t.Fatalf("create candidate: %v", err)
	}
	return account
}

func actorOf(account consent.Account) consent.Actor {
	return consent.Actor{Kind: consent.ActorKind(account.Kind), Account: account.ID, Org: account.Org}
}

func testPlan() assess.Plan {
	return assess.Plan{
		Role: "go", RoleTitle: "Go engineer", BankVersion: "1", BankSHA256: "abc",
		Questions: []assess.Question{
			{ID: "q1", Kind: "behavioural", Text: "Tell me.", Competencies: []string{"ownership"}, AnswerFor: 2 * time.Minute},
			{ID: "q2", Kind: "technical", Text: "How?", Competencies: []string{"depth"}, AnswerFor: time.Minute},
		},
		Competencies: []assess.Competency{{ID: "ownership", Name: "Ownership", Anchors: map[int]string{1: "a", 3: "b", 5: "c"}}},
	}
}

// consented returns a session whose notice was answered.
func (w *world) consented(t *testing.T, of consent.Account, choices consent.Consents) consent.SessionID {
	t.Helper()
	session, err := w.sessions.CreateSession(t.Context(), of.ID, consent.ModePractice, testPlan())
	if err != nil {
		t.Fatalf("create session: %v", err)
	}
	if _, err := w.sessions.GiveConsents(t.Context(), of.ID, session.ID, choices, w.notice); err != nil {
		t.Fatalf("give consents: %v", err)
	}
	return session.ID
}

// live returns a session that is being held, with its origin set.
func (w *world) live(t *testing.T, of consent.Account, choices consent.Consents) consent.SessionID {
	t.Helper()
	id := w.consented(t, of, choices)
	if _, _, err := w.ingest.GoLive(t.Context(), id); err != nil {
		t.Fatalf("go live: %v", err)
	}
	if err := w.ingest.SetOrigin(t.Context(), id, testOrigin); err != nil {
		t.Fatalf("set origin: %v", err)
	}
	return id
}

// permit asks the real gate.
func (w *world) permit(t *testing.T, actor consent.Actor, session consent.SessionID, artefact consent.Artefact) consent.Permit {
	t.Helper()
	permit, err := w.gate.Permit(t.Context(), actor, session, artefact)
	if err != nil {
		t.Fatalf("permit for %s on %s: %v", actor.Kind, artefact, err)
	}
	return permit
}

func (w *world) part(t *testing.T, kind consent.ActorKind, session consent.SessionID, artefact consent.Artefact) consent.Permit {
	t.Helper()
	return w.permit(t, consent.Actor{Kind: kind}, session, artefact)
}

func testAnswer(session consent.SessionID, question int) assess.Answer {
	return assess.Answer{
		Session: session, Question: question, Take: 1, Start: 10*time.Second + 123*time.Nanosecond, End: 40 * time.Second,
		Limit: 2 * time.Minute, EndedBy: assess.EndedByDone,
	}
}

func testLine(session consent.SessionID, sequence, question int) assess.Line {
	at := time.Duration(sequence) * 5 * time.Second
	line := assess.Line{
		Session: session, Epoch: 1, Sequence: sequence, Question: question, Take: 1, Start: at, End: at + 4*time.Second,
		Engine: "moonshine-tiny", Interpolated: true,
	}
	if sequence > 1 { // the first is as lines were before their sound was looked at
		line.Flaws = &media.Flaws{Lost: 120 * time.Millisecond, Clipped: 7 * time.Millisecond}
	}
	for i, text := range strings.Fields(secretWords) {
		start := at + time.Duration(i)*time.Second
		line.Words = append(line.Words, assess.Word{Text: text, Start: start, End: start + 900*time.Millisecond})
	}
	return line
}

// testFollowUp is a question that holds words of the answer.
func testFollowUp(session consent.SessionID) assess.FollowUp {
	return assess.FollowUp{
		Session: session, Take: 1, Text: "Why " + secretWords + "?", Model: "model-1", PromptSHA256: "p1", BankSHA256: "b1", At: testOrigin,
	}
}

func testEvidence(session consent.SessionID, sequence int) assess.Evidence {
	return assess.Evidence{
		Session: session, Question: 0, Take: 1, Competency: "ownership", Line: assess.LineRef{Epoch: 1, Sequence: sequence},
		First: 1, Last: 2, Polarity: assess.Supports, Part: assess.PartAction, Rater: testModel(),
	}
}

func testFeedback(session consent.SessionID) assess.Feedback {
	return assess.Feedback{
		Session: session, Take: 1, Rater: testModel(), At: testOrigin.Add(time.Hour),
		Items: []assess.FeedbackItem{{Kind: assess.FeedbackStrength, Text: secretAdvice, Measurements: []string{"words_per_minute"}}},
	}
}

func testModel() assess.Rater {
	return assess.Rater{Kind: assess.RaterModel, Model: "model-1", PromptSHA256: "p1", RubricSHA256: "r1", BankSHA256: "b1"}
}

func testRating(t *testing.T, change func(*assess.RatingFields), session consent.SessionID) assess.Rating {
	t.Helper()
	f := assess.RatingFields{
		Session: session, Question: 0, Take: 1, Competency: "ownership", Rater: testModel(), Outcome: assess.OutcomeLevel,
		Level: 4, WhyNotHigher: secretReason, WhyNotLower: "own part is clear", At: testOrigin.Add(time.Hour),
	}
	if change != nil {
		change(&f)
	}
	rating, err := assess.NewRating(f)
	if err != nil {
		t.Fatalf("make rating: %v", err)
	}
	return rating
}

func selfRated(f *assess.RatingFields) {
	f.Rater, f.Level, f.WhyNotHigher, f.WhyNotLower = assess.Rater{Kind: assess.RaterSelf}, 2, "", ""
}

// interview fills a session with one row of everything and ends it.
func (w *world) interview(t *testing.T, of consent.Account) consent.SessionID {
	t.Helper()
	ctx := t.Context()
	id := w.live(t, of, allConsents)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("fill the session: %v", err)
		}
	}
	scribe := w.part(t, consent.ActorScribe, id, consent.ArtefactTranscript)
	must(w.ingest.SaveLine(ctx, scribe, testLine(id, 1, -1)))
	must(w.ingest.SaveLine(ctx, scribe, testLine(id, 2, 0)))
	must(w.ingest.SaveFollowUp(ctx, scribe, testFollowUp(id)))
	must(w.ingest.SaveAnswer(ctx, testAnswer(id, 0)))
	must(w.ingest.SaveGap(ctx, id, media.Gap{Kind: media.KindAudio, Start: time.Second, End: 2 * time.Second, Reason: media.GapNetwork}))
	must(w.ingest.SaveGap(ctx, id, media.Gap{Kind: media.KindVideo, Start: time.Second, End: 3 * time.Second, Reason: media.GapMuted}))
	feedback := w.part(t, consent.ActorAssessor, id, consent.ArtefactFeedback)
	must(w.results.NoteAICall(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactModel), consent.AICall{Session: id, For: consent.AIEvidence, Model: "model-1", Place: "ai.example", PromptSHA256: "p1"}))
	must(w.results.SaveEvidence(ctx, feedback, testLine(id, 2, 0), []assess.Evidence{testEvidence(id, 2)}))
	must(w.results.SaveMeasurements(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactMeasurements), testAnswer(id, 0), []assess.Measurement{
		{Session: id, Question: 0, Take: 1, Name: "words_per_minute", Value: 120.5, Unit: "words/min", Counted: "Words by minutes.", Valid: true},
	}))
	must(w.results.SaveRating(ctx, w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings), testRating(t, nil, id)))
	must(w.results.SaveFeedback(ctx, feedback, testFeedback(id)))
	must(w.results.MarkAnswerAssessed(ctx, testAnswer(id, 0)))
	private := w.permit(t, actorOf(of), id, consent.ArtefactPrivate)
	must(w.sessions.RateSelf(ctx, private, testRating(t, selfRated, id)))
	must(w.ingest.EndSession(ctx, id))
	return id
}

// personRates gives a level as a person of an organization that may.
func (w *world) personRates(t *testing.T, who consent.Account, session consent.SessionID, level int, why string) {
	t.Helper()
	permit := w.permit(t, actorOf(who), session, consent.ArtefactRate)
	if err := NewRaters(w.database, w.keys).RateAnswer(t.Context(), permit, personRating(t, session, level), 0, why); err != nil {
		t.Fatalf("rate as a person: %v", err)
	}
}

// contests contests the level of the only answer, in words that are a canary, and lets a model look.
func (w *world) contests(t *testing.T, of consent.Account, session consent.SessionID) {
	t.Helper()
	contest := assess.Contest{Session: session, Take: 1, Competency: "ownership", Moment: 12 * time.Second, Words: secretReason, ByModel: true}
	private := w.permit(t, actorOf(of), session, consent.ArtefactPrivate)
	if err := NewContests(w.database, w.keys).Contest(t.Context(), private, contest); err != nil {
		t.Fatalf("contest: %v", err)
	}
}

func personRating(t *testing.T, session consent.SessionID, level int) assess.Rating {
	t.Helper()
	return testRating(t, func(f *assess.RatingFields) {
		f.Rater, f.Level, f.WhyNotHigher, f.WhyNotLower = assess.Rater{Kind: assess.RaterHuman}, level, "", ""
	}, session)
}

// share authorizes the organization for an hour.
func (w *world) share(t *testing.T, of consent.Account, session consent.SessionID, with consent.Organization, scopes ...consent.Scope) consent.Authorization {
	t.Helper()
	granted, err := w.sessions.Authorize(t.Context(), of.ID, session, consent.AuthorizationRequest{
		Org: with.ID, Purpose: consent.PurposeHiring, Scopes: scopes, ValidUntil: time.Now().Add(time.Hour), NoticeSHA256: testNotice.SHA256(),
	})
	if err != nil {
		t.Fatalf("authorize: %v", err)
	}
	return granted
}

// permits asks the real gate for every part of a record; parts that are refused stay zero.
func (w *world) permits(t *testing.T, actor consent.Actor, session consent.SessionID) consent.RecordPermits {
	t.Helper()
	ask := func(artefact consent.Artefact) consent.Permit {
		permit, err := w.gate.Permit(t.Context(), actor, session, artefact)
		if err != nil && (!errors.Is(err, consent.ErrNotFound) || errors.Is(err, consent.ErrFacts)) {
			t.Fatalf("permit for %s: %v", artefact, err)
		}
		return permit
	}
	return consent.RecordPermits{
		Session: ask(consent.ArtefactSession), Ratings: ask(consent.ArtefactRatings), Feedback: ask(consent.ArtefactFeedback),
		Quotes: ask(consent.ArtefactQuotes), Measurements: ask(consent.ArtefactMeasurements),
		Transcript: ask(consent.ArtefactTranscript), Private: ask(consent.ArtefactPrivate),
	}
}

// ownerCount counts past every policy.
func (w *world) ownerCount(t *testing.T, query string, args ...any) int {
	t.Helper()
	var n int
	if err := w.owner.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("count: %v", err)
	}
	return n
}

func (w *world) ownerExec(t *testing.T, statement string, args ...any) {
	t.Helper()
	if _, err := w.owner.Exec(t.Context(), statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// deadline bounds how long a test waits for a signal.
func deadline(t *testing.T) <-chan time.Time {
	t.Helper()
	return time.After(20 * time.Second)
}

// shareRequest asks for the ratings to be shared with an organization, for an hour.
func shareRequest(with consent.Organization) consent.AuthorizationRequest {
	return consent.AuthorizationRequest{
		Org: with.ID, Purpose: consent.PurposeHiring, Scopes: []consent.Scope{consent.ScopeRatings}, ValidUntil: time.Now().Add(time.Hour),
		NoticeSHA256: testNotice.SHA256(),
	}
}
