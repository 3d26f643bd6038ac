package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// world is an in-memory stand-in for storage: one small struct that implements every store.
type world struct {
	mu             sync.Mutex
	accounts       map[consent.AccountID]consent.Account
	hashes         map[string]consent.PasswordHash // by e-mail
	logIns         map[[32]byte]consent.ActiveLogIn
	secrets        map[consent.AccountID]consent.CodeSecret
	offered        map[consent.AccountID]consent.CodeSecret
	steps          map[consent.AccountID]int64 // the last that was taken
	tickets        map[[32]byte]ticketOfLogIn
	failures       map[string]int
	throttle       consent.Throttle // what TryLogIn answers
	sessions       map[consent.SessionID]consent.Session
	plans          map[consent.SessionID]assess.Plan
	records        map[consent.SessionID]assess.Record
	authorizations map[consent.SessionID][]consent.Authorization
	orgs           []consent.Organization
	accesses       []consent.Access
	erasures       []consent.Erasure
	receipts       []heldReceipt
	ratings        []assess.Rating
	segments       map[consent.SessionID][]media.StoredSegment
	chunks         map[media.SegmentID][][]byte
	recordFakes
	subscribers map[chan struct{}]consent.SessionID
	lookers     map[chan struct{}]consent.SessionID // to who is watching
	writes      []string                            // names of the calls that stored something
	broken      error                               // every snapshot fails with it
	noteFails   error
	snapshots   int
	chunkReads  int
	lookUps     int // of log-ins
	objections  map[consent.AccountID]time.Time
	exports     []consent.Export
	exportFile  func(number int) ([]byte, error) // what a ready export's file holds
	exportFails error                            // every request for an export fails with it
	allAccesses map[consent.AccountID][]consent.SessionAccess
	allCalls    map[consent.AccountID][]consent.SessionAICall
}

func newWorld() *world {
	return &world{
		allAccesses: map[consent.AccountID][]consent.SessionAccess{}, allCalls: map[consent.AccountID][]consent.SessionAICall{},
		accounts: map[consent.AccountID]consent.Account{}, hashes: map[string]consent.PasswordHash{},
		logIns: map[[32]byte]consent.ActiveLogIn{}, failures: map[string]int{}, tickets: map[[32]byte]ticketOfLogIn{},
		secrets: map[consent.AccountID]consent.CodeSecret{}, offered: map[consent.AccountID]consent.CodeSecret{},
		steps:    map[consent.AccountID]int64{},
		sessions: map[consent.SessionID]consent.Session{}, plans: map[consent.SessionID]assess.Plan{},
		records: map[consent.SessionID]assess.Record{}, authorizations: map[consent.SessionID][]consent.Authorization{},
		segments: map[consent.SessionID][]media.StoredSegment{}, chunks: map[media.SegmentID][][]byte{},
		subscribers: map[chan struct{}]consent.SessionID{}, lookers: map[chan struct{}]consent.SessionID{},
	}
}

var _ interface {
	Accounts
	Sessions
	Record
	Viewers
	Records
	Recordings
	Shared
	Changes
	Ops
	Exports
	Erasures
	Receipts
	consent.SnapshotReader
} = (*world)(nil)

func (w *world) wrote(call string) { w.writes = append(w.writes, call) }

func (w *world) CreateCandidate(_ context.Context, email, name string, hash consent.PasswordHash, rule string) (consent.Account, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, taken := w.hashes[email]; taken {
		return consent.Account{}, consent.ErrEmailTaken
	}
	w.wrote("CreateCandidate " + rule)
	account := consent.Account{ID: consent.NewID[consent.AccountID](), Kind: consent.AccountCandidate, Email: email, DisplayName: name}
	w.accounts[account.ID], w.hashes[email] = account, hash
	return account, nil
}

func (w *world) Credentials(_ context.Context, email string) (consent.Credentials, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, account := range w.accounts {
		if account.Email == email {
			return consent.Credentials{Account: account, Password: w.hashes[email], SecondFactor: w.secrets[account.ID] != ""}, nil
		}
	}
	return consent.Credentials{}, consent.ErrNotFound
}

func (w *world) SetPassword(_ context.Context, account consent.AccountID, password consent.PasswordHash) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote("SetPassword")
	w.hashes[w.accounts[account].Email] = password
	return nil
}

func (w *world) Rename(_ context.Context, account consent.AccountID, name string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	renamed := w.accounts[account]
	renamed.DisplayName = name
	w.accounts[account] = renamed
	return nil
}

func (w *world) ChangeEmail(_ context.Context, account consent.AccountID, email string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, other := range w.accounts {
		if other.Email == email && id != account {
			return consent.ErrEmailTaken
		}
	}
	changed := w.accounts[account]
	changed.Email = email
	w.accounts[account] = changed
	return nil
}

func (w *world) CreateLogIn(_ context.Context, token [32]byte, fresh consent.NewLogIn) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote(fmt.Sprintf("CreateLogIn %v %v", fresh.Idle, fresh.Absolute))
	w.logIns[token] = consent.ActiveLogIn{
		ID: consent.NewID[consent.LogInID](), Account: consent.Account{ID: fresh.Account}, Device: fresh.Device, SecondFactor: fresh.SecondFactor, Began: testNow,
		Used: testNow, Until: testNow.Add(fresh.Idle),
	}
	return nil
}

func (w *world) LogIn(ctx context.Context, token [32]byte) (consent.ActiveLogIn, error) {
	w.mu.Lock()
	w.lookUps++
	w.mu.Unlock()
	return w.logIn(token)
}

func (w *world) logIn(token [32]byte) (consent.ActiveLogIn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	logIn, ok := w.logIns[token]
	if !ok {
		return consent.ActiveLogIn{}, consent.ErrNotFound
	}
	logIn.Account = w.accounts[logIn.Account.ID]
	return logIn, nil
}

func (w *world) LogInLives(_ context.Context, token [32]byte) error {
	_, err := w.logIn(token)
	return err
}

func (w *world) LogInsOf(_ context.Context, account consent.AccountID) ([]consent.ActiveLogIn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []consent.ActiveLogIn
	for _, logIn := range w.logIns {
		if logIn.Account.ID == account {
			list = append(list, logIn)
		}
	}
	return list, nil
}

func (w *world) ConfirmLogIn(_ context.Context, token [32]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	logIn := w.logIns[token]
	logIn.Confirmed = 0
	w.logIns[token] = logIn
	return nil
}

func (w *world) EndLogIn(_ context.Context, token [32]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.logIns, token)
	return nil
}

func (w *world) EndLogInOf(_ context.Context, account consent.AccountID, id consent.LogInID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for token, logIn := range w.logIns {
		if logIn.Account.ID == account && logIn.ID == id {
			delete(w.logIns, token)
			return nil
		}
	}
	return consent.ErrNotFound
}

func (w *world) EndLogInsBut(_ context.Context, account consent.AccountID, but [32]byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.logIns, func(token [32]byte, logIn consent.ActiveLogIn) bool {
		return logIn.Account.ID == account && token != but
	})
	return nil
}

func (w *world) SecondFactor(_ context.Context, account consent.AccountID) (consent.CodeSecret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.secrets[account] == "" {
		return "", consent.ErrNotFound
	}
	return w.secrets[account], nil
}

func (w *world) TakeStep(_ context.Context, account consent.AccountID, step int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if step <= w.steps[account] {
		return consent.ErrNotFound
	}
	w.steps[account] = step
	return nil
}

func (w *world) OfferSecondFactor(_ context.Context, account consent.AccountID, secret consent.CodeSecret) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offered[account] = secret
	return nil
}

func (w *world) OfferedSecondFactor(_ context.Context, account consent.AccountID) (consent.CodeSecret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.offered[account] == "" {
		return "", consent.ErrNotFound
	}
	return w.offered[account], nil
}

func (w *world) KeepSecondFactor(_ context.Context, account consent.AccountID, secret consent.CodeSecret, step int64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.secrets[account], w.steps[account] = secret, step
	delete(w.offered, account)
	return nil
}

func (w *world) DropSecondFactor(_ context.Context, account consent.AccountID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.secrets[account] == "" {
		return consent.ErrNotFound
	}
	delete(w.secrets, account)
	return nil
}

type ticketOfLogIn struct {
	token   [32]byte
	session consent.SessionID
}

func (w *world) IssueRoomTicket(_ context.Context, ticket, token [32]byte, session consent.SessionID, _ time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.tickets[ticket] = ticketOfLogIn{token, session}
	return nil
}

func (w *world) RedeemRoomTicket(_ context.Context, ticket, token [32]byte, session consent.SessionID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	issued := w.tickets[ticket]
	delete(w.tickets, ticket)
	if issued != (ticketOfLogIn{token, session}) {
		return consent.ErrNotFound
	}
	return nil
}

func (w *world) TryLogIn(_ context.Context, email string) (consent.Throttle, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.throttle == (consent.Throttle{}) {
		w.failures[email]++
	}
	return w.throttle, nil
}

func (w *world) ExcuseTry(_ context.Context, email string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failures[email]--
	return nil
}

func (w *world) ClearTries(_ context.Context, email string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.failures, email)
	return nil
}

// testPepper has a new key, an old one, and none.
type testPepper struct{}

func (testPepper) Pepper() string { return "new" }

func (testPepper) Season(password, pepper string) (string, error) {
	switch pepper {
	case "":
		return password, nil
	case "old", "new":
		return pepper + " " + password, nil
	default:
		return "", fmt.Errorf("no pepper %s", pepper)
	}
}

func (w *world) CreateSession(_ context.Context, candidate consent.AccountID, mode consent.Mode, plan assess.Plan) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wrote("CreateSession")
	session := consent.Session{
		ID: consent.NewID[consent.SessionID](), Candidate: candidate, State: consent.SessionScheduled,
		Role: plan.Role, RoleTitle: plan.RoleTitle, Mode: mode, CreatedAt: testNow,
	}
	w.sessions[session.ID], w.plans[session.ID] = session, plan
	return session, nil
}

func (w *world) own(candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	session, ok := w.sessions[id]
	if !ok || session.Candidate != candidate {
		return consent.Session{}, consent.ErrNotFound
	}
	return session, nil
}

func (w *world) Session(_ context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own(candidate, id)
}

func (w *world) SessionPlan(_ context.Context, candidate consent.AccountID, id consent.SessionID) (assess.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.plans[id], err
}

func (w *world) SessionsOf(_ context.Context, candidate consent.AccountID) ([]SessionSummary, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []SessionSummary
	for _, session := range w.sessions {
		if session.Candidate == candidate {
			summary := SessionSummary{Session: session}
			for _, a := range w.authorizations[session.ID] {
				if a.State == consent.AuthorizationGranted {
					summary.SharedWith++
				}
				if a.State == consent.AuthorizationRequested {
					summary.Requests++
				}
			}
			list = append(list, summary)
		}
	}
	return list, nil
}

func (w *world) GiveConsents(_ context.Context, candidate consent.AccountID, id consent.SessionID, choices consent.Consents, notice Notice) (consent.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session, err := w.own(candidate, id)
	if err != nil {
		return session, err
	}
	next, err := session.State.After(consent.StepConsent)
	if err != nil {
		return session, err
	}
	w.wrote("GiveConsents")
	session.State, session.Consents, session.NoticeSHA256 = next, choices, notice.SHA256()
	w.sessions[id] = session
	return session, nil
}

func (w *world) WithdrawConsent(_ context.Context, candidate consent.AccountID, id consent.SessionID, which consent.Consent) (consent.Session, error) {
	w.mu.Lock()
	session, err := w.own(candidate, id)
	if err == nil {
		session.Consents, err = session.Consents.Without(which)
		w.sessions[id] = session
	}
	w.mu.Unlock()
	w.changed(id)
	return session, err
}

func (w *world) RateSelf(_ context.Context, permit consent.Permit, rating assess.Rating) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := permit.Demand(rating.Session(), consent.ArtefactPrivate); err != nil {
		return err
	}
	w.ratings = append(w.ratings, rating)
	return nil
}

func (w *world) Organizations(context.Context, consent.AccountID) ([]consent.Organization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.orgs, nil
}

func (w *world) Authorizations(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Authorization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.authorizations[id], err
}

func (w *world) Authorize(_ context.Context, candidate consent.AccountID, id consent.SessionID, request consent.AuthorizationRequest) (consent.Authorization, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, id); err != nil {
		return consent.Authorization{}, err
	}
	at := slices.IndexFunc(w.orgs, func(o consent.Organization) bool { return o.ID == request.Org })
	if at < 0 {
		return consent.Authorization{}, consent.ErrNotFound
	}
	w.wrote("Authorize")
	a := consent.Authorization{
		ID: consent.NewID[consent.AuthorizationID](), Session: id, Org: request.Org, OrgName: w.orgs[at].Name, Purpose: request.Purpose,
		Scopes: request.Scopes, ValidFrom: testNow, ValidUntil: request.ValidUntil, State: consent.AuthorizationGranted, GrantedAt: testNow,
	}
	w.authorizations[id] = append(w.authorizations[id], a)
	return a, nil
}

func (w *world) WithdrawAuthorization(_ context.Context, candidate consent.AccountID, session consent.SessionID, id consent.AuthorizationID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, err := w.own(candidate, session); err != nil {
		return err
	}
	for i, a := range w.authorizations[session] {
		if a.ID == id {
			w.authorizations[session][i].State = consent.AuthorizationWithdrawn
			w.authorizations[session][i].EndedAt = testNow
			w.notify(session)
			return nil
		}
	}
	return consent.ErrNotFound
}

func (w *world) Accesses(_ context.Context, candidate consent.AccountID, id consent.SessionID) ([]consent.Access, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.own(candidate, id)
	return w.accesses, err
}

// Record gives everything, whatever the other Permits are: what must not be shown, web itself must
// leave out.
func (w *world) Record(_ context.Context, permits RecordPermits) (assess.Record, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id := permits.Session.Session()
	if err := permits.Session.Demand(id, consent.ArtefactSession); err != nil {
		return assess.Record{}, err
	}
	record := w.records[id]
	record.Session = w.sessions[id]
	return record, nil
}

func (w *world) SharedWith(_ context.Context, actor consent.Actor) ([]SharedSession, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []SharedSession
	for id, authorizations := range w.authorizations {
		for _, a := range authorizations {
			if a.Org == actor.Org && a.State == consent.AuthorizationGranted {
				shared := SharedSession{
					Session: id, RoleTitle: w.sessions[id].RoleTitle, EndedAt: w.sessions[id].EndedAt, Length: w.records[id].Length,
					Purpose: a.Purpose, Scopes: a.Scopes, ValidUntil: a.ValidUntil,
				}
				if slices.Contains(a.Scopes, consent.ScopeProfile) {
					shared.Candidate = w.accounts[w.sessions[id].Candidate].DisplayName
				}
				list = append(list, shared)
			}
		}
	}
	return list, nil
}

func (w *world) NoteAccess(_ context.Context, actor consent.Actor, _ consent.SessionID, artefacts []consent.Artefact) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.noteFails != nil {
		return w.noteFails
	}
	for _, artefact := range artefacts {
		w.accesses = append(w.accesses, consent.Access{At: testNow, Org: actor.Org, OrgName: "Acme", Artefact: artefact})
	}
	return nil
}

func (w *world) Segments(_ context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, through int64) ([]media.StoredSegment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := permit.Demand(session, kind.Artefact()); err != nil {
		return nil, err
	}
	var list []media.StoredSegment
	for _, segment := range w.segments[session] {
		if segment.ID.Kind == kind && (through == 0 || segment.Index <= through) {
			list = append(list, segment)
		}
	}
	return list, nil
}

func (w *world) ReadChunks(_ context.Context, permit consent.Permit, segment media.StoredSegment, first, last int) ([][]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := permit.Demand(segment.ID.Session, segment.ID.Kind.Artefact()); err != nil {
		return nil, err
	}
	w.chunkReads++
	return w.chunks[segment.ID][first : last+1], nil
}

func (w *world) Subscribe(ctx context.Context, session consent.SessionID) <-chan struct{} {
	return w.subscribe(ctx, session, w.subscribers)
}

func (w *world) SubscribeViewers(ctx context.Context, session consent.SessionID) <-chan struct{} {
	return w.subscribe(ctx, session, w.lookers)
}

func (w *world) subscribe(ctx context.Context, session consent.SessionID, to map[chan struct{}]consent.SessionID) <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	changed := make(chan struct{}, 1)
	to[changed] = session
	context.AfterFunc(ctx, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(to, changed)
		close(changed)
	})
	return changed
}

func (w *world) changed(session consent.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notify(session)
}

func (w *world) notify(session consent.SessionID) { wake(w.subscribers, session) }

func (w *world) notifyViewers(session consent.SessionID) { wake(w.lookers, session) }

func wake(subscribers map[chan struct{}]consent.SessionID, session consent.SessionID) {
	for changed, of := range subscribers {
		if of == session {
			select {
			case changed <- struct{}{}:
			default:
			}
		}
	}
}

func (w *world) Overview(context.Context) (Overview, error) {
	return Overview{
		Sessions: map[consent.SessionState]int{consent.SessionLive: 2}, Jobs: map[string]int{"available": 1}, SpoolFiles: 3,
	}, nil
}

func (w *world) Snapshot(ctx context.Context, actor consent.Actor, id consent.SessionID) (consent.Snapshot, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.snapshots++
	if w.broken != nil {
		return consent.Snapshot{}, w.broken
	}
	if err := ctx.Err(); err != nil {
		return consent.Snapshot{}, err
	}
	session, known := w.sessions[id]
	account, live := w.accounts[actor.Account]
	snapshot := consent.Snapshot{
		Actor: actor, ActorLive: live && account.Org == actor.Org, Session: id, Known: known, Candidate: session.Candidate,
		State: session.State, RestrictedAt: session.RestrictedAt, HeldAt: session.HeldAt, Consents: session.Consents,
		Now: testNow, ReadAt: time.Now(),
	}
	if actor.Kind == consent.ActorEmployer && snapshot.ActorLive {
		snapshot.MemberRole, snapshot.OrgLive = consent.MemberReviewer, true
	}
	snapshot.ExportOpen = actor.Export != "" && slices.ContainsFunc(w.exports, func(e consent.Export) bool {
		return e.ID == actor.Export && e.Account == actor.Account && e.State == consent.ExportReady
	})
	for _, a := range w.authorizations[id] {
		if actor.Kind == consent.ActorEmployer && a.Org == actor.Org {
			snapshot.Authorizations = append(snapshot.Authorizations, a)
		}
	}
	return snapshot, nil
}

// withdrawAll ends every authorization of the session, as the candidate's click does.
func (w *world) withdrawAll(session consent.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.authorizations[session] {
		w.authorizations[session][i].State = consent.AuthorizationWithdrawn
	}
	w.notify(session)
}

func (w *world) set(change func(*world)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(w)
}

// The time of the in-memory database and of the server under test.
var testNow = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// stage is a running server over a world, with people who are logged in.
type stage struct {
	*world
	server *Server
	http   *httptest.Server
	log    *lockedBuffer
}

func newStage(t *testing.T, adjust ...func(*Config)) *stage {
	t.Helper()
	w := newWorld()
	log := &lockedBuffer{}
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatalf("built-in bank: %v", err)
	}
	cfg := Config{
		Accounts: w, Sessions: w, Record: w, Viewers: w, Records: w, Recordings: w, Shared: w, Changes: w, Ops: w, Exports: w, Erasures: w,
		Receipts: w, Ledger: newPublicLedger(t, 0), Gate: consent.Gate{Reader: w}, Pepper: testPepper{},
		Bank: bank, Build: "test", Log: slog.New(slog.NewTextHandler(log, nil)), Now: func() time.Time { return testNow },
		Judge: Judge{TranscriberEngine: "moonshine-tiny", TranscriberPlace: ThisServer, AssessorModel: "judge-1", AssessorPlace: "models.example.org"},
		Mount: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "room") }),
	}
	for _, change := range adjust {
		change(&cfg)
	}
	server, err := New(cfg)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	s := &stage{world: w, server: server, http: httptest.NewUnstartedServer(server), log: log}
	s.http.Config = NewHTTPServer(server, cfg.Log)
	s.http.Start()
	t.Cleanup(s.http.Close)
	return s
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// person is somebody with a browser: the cookie is set by hand where no log-in was made.
type person struct {
	t       *testing.T
	stage   *stage
	account consent.Account
	token   string
}

func (s *stage) nobody(t *testing.T) *person {
	t.Helper()
	return &person{t: t, stage: s}
}

func (s *stage) person(t *testing.T, account consent.Account) *person {
	t.Helper()
	account.ID = consent.NewID[consent.AccountID]()
	if account.DisplayName == "" {
		account.DisplayName = "Somebody"
	}
	account.Email = string(account.ID) + "@example.org"
	token := base64.RawURLEncoding.EncodeToString([]byte(account.ID + "......")) // 32 bytes
	s.set(func(w *world) {
		w.accounts[account.ID] = account
		w.logIns[sha256.Sum256([]byte(token))] = activeLogIn(account)
	})
	return &person{t: t, stage: s, account: account, token: token}
}

func (s *stage) candidate(t *testing.T) *person {
	t.Helper()
	return s.person(t, consent.Account{Kind: consent.AccountCandidate})
}

func (s *stage) employer(t *testing.T, org string) *person {
	t.Helper()
	id := consent.NewID[consent.OrgID]()
	s.set(func(w *world) { w.orgs = append(w.orgs, consent.Organization{ID: id, Name: org}) })
	return s.person(t, consent.Account{Kind: consent.AccountEmployer, Org: id, OrgName: org})
}

// activeLogIn is one that was made as accounts of the kind make it.
func activeLogIn(account consent.Account) consent.ActiveLogIn {
	return consent.ActiveLogIn{
		ID: consent.NewID[consent.LogInID](), Account: account, Began: testNow, Used: testNow, SecondFactor: account.Kind.NeedsSecondFactor(),
	}
}

// again is the same person at another browser, with a log-in of its own.
func (p *person) again() *person {
	p.t.Helper()
	token := base64.RawURLEncoding.EncodeToString([]byte(consent.NewID[string]() + "......"))
	p.stage.set(func(w *world) {
		w.logIns[sha256.Sum256([]byte(token))] = activeLogIn(p.account)
	})
	return &person{t: p.t, stage: p.stage, account: p.account, token: token}
}

// aged lets time pass since the person last proved who they are.
func (p *person) aged(by time.Duration) {
	p.t.Helper()
	p.stage.set(func(w *world) {
		token := sha256.Sum256([]byte(p.token))
		logIn := w.logIns[token]
		logIn.Confirmed += by
		w.logIns[token] = logIn
	})
}

// reply is an answer, read whole.
type reply struct {
	t      *testing.T
	call   string
	status int
	header http.Header
	body   []byte
}

func (p *person) request(method, path string, body any) *http.Request {
	p.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			p.t.Fatalf("encode body: %v", err)
		}
		reader = bytes.NewReader(raw)
	}
	r, err := http.NewRequestWithContext(p.t.Context(), method, p.stage.http.URL+path, reader)
	if err != nil {
		p.t.Fatalf("new request: %v", err)
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	if p.token != "" {
		r.AddCookie(&http.Cookie{Name: cookieName, Value: p.token})
	}
	return r
}

func (p *person) send(r *http.Request) reply {
	p.t.Helper()
	response, err := p.stage.http.Client().Do(r)
	if err != nil {
		p.t.Fatalf("%s %s: %v", r.Method, r.URL.Path, err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		p.t.Fatalf("%s %s: read answer: %v", r.Method, r.URL.Path, err)
	}
	return reply{t: p.t, call: r.Method + " " + r.URL.Path, status: response.StatusCode, header: response.Header, body: raw}
}

func (p *person) do(method, path string, body any) reply {
	p.t.Helper()
	return p.send(p.request(method, path, body))
}

func (p *person) get(path string) reply {
	p.t.Helper()
	return p.do(http.MethodGet, path, nil)
}

// want fails unless the answer has the status; it returns the answer for more questions.
func (r reply) want(status int) reply {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("%s: got %d %s, want %d", r.call, r.status, r.body, status)
	}
	return r
}

// into decodes the JSON answer.
func (r reply) into(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.body, v); err != nil {
		r.t.Fatalf("%s: decode %s: %v", r.call, r.body, err)
	}
}

func (r reply) problem() problem {
	r.t.Helper()
	var p problem
	r.into(&p)
	if got := r.header.Get("Content-Type"); got != problemType {
		r.t.Fatalf("%s: content type %q, want %q", r.call, got, problemType)
	}
	if p.Status != r.status || p.Detail == "" || p.Next == "" {
		r.t.Fatalf("%s: problem %+v for status %d: want the status, a detail and a next step", r.call, p, r.status)
	}
	return p
}

// face is what somebody outside can compare: everything but the request's number and the clock.
func (r reply) face() string {
	header := maps.Clone(r.header)
	delete(header, "X-Request-Id")
	delete(header, "Date")
	return fmt.Sprintf("%d %v %s", r.status, header, r.body)
}
