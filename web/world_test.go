package web

import (
	"context"
	"fmt"
	"maps"
	"sync"
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
	publish        map[[32]byte]ticketOfLogIn
	failures       map[string]int
	throttle       consent.Throttle // what TryLogIn answers
	sessions       map[consent.SessionID]consent.Session
	plans          map[consent.SessionID]assess.Plan
	afterList      func(consent.SessionID, media.Kind) // after segments were listed, with the lock held
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
	openForms   bool // nobody closed a rating form yet
	given       []assess.PersonRating
	contests    []assess.Contest
	corrected   []assess.Correction
	uncorrected error // what a correction is refused with
	snapshots   int
	chunkReads  int
	lists       int  // of segments, with their tables
	looks       int  // whether a listed segment may still be read
	unreadable  bool // it may not
	lookUps     int  // of log-ins
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
		logIns: map[[32]byte]consent.ActiveLogIn{}, failures: map[string]int{}, tickets: map[[32]byte]ticketOfLogIn{}, publish: map[[32]byte]ticketOfLogIn{},
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
	Raters
	Contests
	Corrections
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

func (w *world) LogInsNow(ctx context.Context, tokens [][32]byte) (map[[32]byte]consent.ActiveLogIn, error) {
	found := map[[32]byte]consent.ActiveLogIn{}
	for _, token := range tokens {
		if l, err := w.LogIn(ctx, token); err == nil {
			found[token] = l
		}
	}
	return found, nil
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

func (w *world) IssuePublishToken(_ context.Context, publish, token [32]byte, session consent.SessionID, _ time.Duration) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.publish, func(_ [32]byte, t ticketOfLogIn) bool { return t.session == session })
	w.publish[publish] = ticketOfLogIn{token, session}
	return nil
}

func (w *world) Publisher(_ context.Context, publish [32]byte, session consent.SessionID) (consent.ActiveLogIn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	issued, ok := w.publish[publish]
	logIn, lives := w.logIns[issued.token]
	if !ok || !lives || issued.session != session {
		return consent.ActiveLogIn{}, consent.ErrNotFound
	}
	logIn.Account = w.accounts[logIn.Account.ID]
	return logIn, nil
}

func (w *world) PublishersNow(ctx context.Context, tokens [][32]byte, sessions []consent.SessionID) (map[[32]byte]consent.ActiveLogIn, error) {
	found := map[[32]byte]consent.ActiveLogIn{}
	for i, token := range tokens {
		if l, err := w.Publisher(ctx, token, sessions[i]); err == nil {
			found[token] = l
		}
	}
	return found, nil
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
