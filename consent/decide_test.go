package consent

import (
	"context"
	"errors"
	"testing"
	"time"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// shared is a snapshot in which an employer may see everything that can be shared.
func shared() Snapshot {
	return Snapshot{
		Actor:     Actor{Kind: ActorEmployer, Account: "employer", Org: "org"},
		ActorLive: true, MemberRole: MemberReviewer, OrgLive: true, Session: "session", Known: true, Candidate: "candidate", State: SessionEnded,
		Consents: Consents{Recording: true, Transcription: true, Assessment: true}, ModelAllowed: true, Notice: "notice", NoticeShown: "notice",
		Authorizations: []Authorization{{
			Session: "session", Org: "org", Scopes: AllScopes(), State: AuthorizationGranted,
			ValidFrom: noon.Add(-time.Hour), ValidUntil: noon.Add(time.Hour), NoticeVersion: 3,
		}},
		MinNotice: 3, Now: noon, ReadAt: time.Now(),
	}
}

// sharedAs is the same of another session.
func sharedAs(session SessionID) Snapshot {
	s := shared()
	s.Session, s.Authorizations[0].Session = session, session
	return s
}

func as(kind ActorKind, account AccountID) Snapshot {
	s := shared()
	s.Actor = Actor{Kind: kind, Account: account}
	s.Authorizations = nil
	return s
}

func TestDecideRefusesEmployerWhenAnyFactIsMissing(t *testing.T) {
	if _, err := Decide(shared(), ArtefactTranscript); err != nil {
		t.Fatalf("the snapshot in which everything holds is refused: %v", err)
	}
	for name, spoil := range map[string]func(*Snapshot){
		"unknown session":         func(s *Snapshot) { s.Known = false },
		"erased session":          func(s *Snapshot) { s.State = SessionErased },
		"account closed":          func(s *Snapshot) { s.ActorLive = false },
		"no organization":         func(s *Snapshot) { s.Actor.Org, s.Authorizations[0].Org = "", "" },
		"membership ended":        func(s *Snapshot) { s.MemberRole = "" },
		"role lowered to billing": func(s *Snapshot) { s.MemberRole = MemberBilling },
		"organization suspended":  func(s *Snapshot) { s.OrgLive = false },
		"session held":            func(s *Snapshot) { s.HeldAt = noon },
		"session restricted":      func(s *Snapshot) { s.RestrictedAt = noon },
		"under an older notice":   func(s *Snapshot) { s.Authorizations[0].NoticeVersion = 2 },
		"no authorization":        func(s *Snapshot) { s.Authorizations = nil },
		"not yet valid":           func(s *Snapshot) { s.Authorizations[0].ValidFrom = noon.Add(time.Nanosecond) },
		"valid until this moment": func(s *Snapshot) { s.Authorizations[0].ValidUntil = noon },
		"of another organization": func(s *Snapshot) { s.Authorizations[0].Org = "other" },
		"of another session":      func(s *Snapshot) { s.Authorizations[0].Session = "other" },
		"no scopes":               func(s *Snapshot) { s.Authorizations[0].Scopes = nil },
		"database time missing":   func(s *Snapshot) { s.Now = time.Time{} },
		"time of reading missing": func(s *Snapshot) { s.ReadAt = time.Time{} },
		"actor kind missing":      func(s *Snapshot) { s.Actor.Kind = "" },
		"an ops account":          func(s *Snapshot) { s.Actor.Kind = "ops" },
	} {
		s := shared()
		spoil(&s)
		if p, err := Decide(s, ArtefactTranscript); !errors.Is(err, ErrNotFound) || p != (Permit{}) {
			t.Errorf("%s: Decide = %v, %v; want the zero Permit and ErrNotFound", name, p, err)
		}
	}
}

func TestOnlyAGrantedRecordOpensAnything(t *testing.T) {
	for _, state := range append(allAuthorizationStates(), "", "unknown") {
		s := shared()
		s.Authorizations[0].State = state
		if _, err := Decide(s, ArtefactTranscript); (err == nil) != (state == AuthorizationGranted) {
			t.Errorf("with a record that is %q: %v", state, err)
		}
	}
}

func TestDecideBoundariesOfTime(t *testing.T) {
	s := shared()
	s.Authorizations[0].ValidFrom = noon
	s.Authorizations[0].ValidUntil = noon.Add(time.Nanosecond)
	if _, err := Decide(s, ArtefactAudio); err != nil {
		t.Errorf("from is inclusive, until exclusive: refused at exactly from: %v", err)
	}
}

func TestScopesOfTwoAuthorizationsAreNotAddedUp(t *testing.T) {
	s := shared()
	feedback, transcript := s.Authorizations[0], s.Authorizations[0]
	feedback.Scopes, transcript.Scopes = []Scope{ScopeFeedback}, []Scope{ScopeTranscript}
	s.Authorizations = []Authorization{feedback, transcript}
	if _, err := Decide(s, ArtefactQuotes); !errors.Is(err, ErrNotFound) {
		t.Errorf("quotes with feedback and transcript in two records: %v, want ErrNotFound", err)
	}
	if _, err := Decide(s, ArtefactTranscript); err != nil {
		t.Errorf("the transcript is in one of the records but refused: %v", err)
	}
}

// The table of the design, row by row: with exactly one scope (or the one pair), exactly these.
func TestEachScopeOpensItsArtefactsAndNoOther(t *testing.T) {
	for _, c := range []struct {
		scopes []Scope
		opens  []Artefact
	}{
		{nil, nil},
		{[]Scope{ScopeRatings}, []Artefact{ArtefactSession, ArtefactRatings}},
		{[]Scope{ScopeFeedback}, []Artefact{ArtefactSession, ArtefactFeedback, ArtefactMeasurements}},
		{[]Scope{ScopeTranscript}, []Artefact{ArtefactSession, ArtefactTranscript}},
		{[]Scope{ScopeFeedback, ScopeTranscript}, []Artefact{ArtefactSession, ArtefactFeedback, ArtefactMeasurements, ArtefactTranscript, ArtefactQuotes}},
		{[]Scope{ScopeRatings, ScopeTranscript}, []Artefact{ArtefactSession, ArtefactRatings, ArtefactTranscript, ArtefactRate}},
		{[]Scope{ScopeRecordingAudio}, []Artefact{ArtefactSession, ArtefactAudio}},
		{[]Scope{ScopeRecordingVideo}, []Artefact{ArtefactSession, ArtefactVideo}},
		{[]Scope{ScopeResume}, []Artefact{ArtefactSession}},
		{[]Scope{ScopeProfile}, []Artefact{ArtefactSession, ArtefactProfile}},
	} {
		s := shared()
		s.Authorizations[0].Scopes = c.scopes
		want := map[Artefact]bool{}
		for _, a := range c.opens {
			want[a] = true
		}
		for _, a := range append(AllArtefacts(), "", "unknown") {
			_, err := Decide(s, a)
			if got := err == nil; got != want[a] {
				t.Errorf("scopes %v, artefact %s: open = %v, want %v", c.scopes, a, got, want[a])
			}
		}
	}
}

// A person rates answers once all of them are there; what they may read before does not change.
func TestPeopleRateOnlyWhatIsOver(t *testing.T) {
	for _, state := range []SessionState{SessionScheduled, SessionConsented, SessionLive, SessionEnded, SessionAssessed, SessionAbandoned} {
		s := shared()
		s.State = state
		if _, err := Decide(s, ArtefactRate); (err == nil) != (state == SessionEnded || state == SessionAssessed) {
			t.Errorf("rating a session that is %s: %v", state, err)
		}
		if _, err := Decide(s, ArtefactTranscript); err != nil {
			t.Errorf("reading a session that is %s: %v", state, err)
		}
	}
}

func TestCandidateSeesOnlyOwnSessions(t *testing.T) {
	for _, a := range AllArtefacts() {
		_, err := Decide(as(ActorCandidate, "candidate"), a)
		if got, want := err == nil, a != ArtefactCapture && a != ArtefactModel && a != ArtefactRate; got != want {
			t.Errorf("own %s: open = %v, want %v", a, got, want)
		}
		if _, err := Decide(as(ActorCandidate, "somebody"), a); err == nil {
			t.Errorf("a stranger may see %s", a)
		}
		if _, err := Decide(as(ActorCandidate, ""), a); err == nil {
			t.Errorf("nobody may see %s", a)
		}
	}
}

func TestCandidateWithoutALiveAccountOrSessionSeesNothing(t *testing.T) {
	for name, spoil := range map[string]func(*Snapshot){
		"account closed":  func(s *Snapshot) { s.ActorLive = false },
		"unknown session": func(s *Snapshot) { s.Known = false },
		"erased session":  func(s *Snapshot) { s.State = SessionErased },
		"no time":         func(s *Snapshot) { s.Now = time.Time{} },
		"nobody's":        func(s *Snapshot) { s.Candidate, s.Actor.Account = "", "" },
	} {
		s := as(ActorCandidate, "candidate")
		spoil(&s)
		if p, err := Decide(s, ArtefactTranscript); !errors.Is(err, ErrNotFound) || p != (Permit{}) {
			t.Errorf("%s: Decide = %v, %v; want the zero Permit and ErrNotFound", name, p, err)
		}
	}
}

// A hold denies every plane, and only the candidate is told.
func TestHoldDeniesEverybodyAndTellsTheCandidate(t *testing.T) {
	for _, actor := range everyActor() {
		for _, a := range AllArtefacts() {
			s := as(actor.Kind, actor.Account)
			s.Actor, s.Authorizations, s.HeldAt = actor, shared().Authorizations, noon
			p, err := Decide(s, a)
			if !errors.Is(err, ErrNotFound) || p != (Permit{}) {
				t.Errorf("%s of a held session to %s: %v, %v", a, actor.Kind, p, err)
			}
			held, told := errors.AsType[ErrHeld](err)
			if owner := actor == (Actor{Kind: ActorCandidate, Account: "candidate"}); told != owner || told && !held.Since.Equal(noon) {
				t.Errorf("%s to %s %q: told of the hold = %v since %s, want %v", a, actor.Kind, actor.Account, told, held.Since, owner)
			}
		}
	}
	erased := as(ActorCandidate, "candidate")
	erased.State, erased.HeldAt = SessionErased, noon
	if _, err := Decide(erased, ArtefactSession); err != ErrNotFound { //nolint:errorlint // nothing beside it
		t.Errorf("an erased session that is held: %v, want ErrNotFound alone", err)
	}
}

func TestRestrictedSessionIsTheCandidatesAlone(t *testing.T) {
	for _, actor := range everyActor() {
		for _, a := range AllArtefacts() {
			s := as(actor.Kind, actor.Account)
			s.Actor, s.Authorizations, s.RestrictedAt = actor, shared().Authorizations, noon
			_, err := Decide(s, a)
			owner := actor == Actor{Kind: ActorCandidate, Account: "candidate"}
			if got, want := err == nil, owner && a != ArtefactCapture && a != ArtefactModel && a != ArtefactRate; got != want {
				t.Errorf("%s of a restricted session to %s %q: open = %v, want %v", a, actor.Kind, actor.Account, got, want)
			}
		}
	}
}

// Restricting stops work on a session, not a copy of it for its candidate.
func TestRestrictedSessionCanBeExported(t *testing.T) {
	s := exporting()
	s.RestrictedAt = noon
	if _, err := Decide(s, ArtefactTranscript); err != nil {
		t.Errorf("the transcript of a restricted session for an export: %v", err)
	}
}

func everyActor() []Actor {
	return []Actor{
		{Kind: ActorCandidate, Account: "candidate"},
		{Kind: ActorCandidate, Account: "somebody"},
		{Kind: ActorCandidate},
		{Kind: ActorEmployer, Account: "candidate", Org: "org"}, // the same person at work
		shared().Actor,
		{Kind: ActorRecorder},
		{Kind: ActorScribe},
		{Kind: ActorAssessor},
		{},
	}
}

func TestPartsOfTheServerNeedTheirConsent(t *testing.T) {
	for _, c := range []struct {
		kind     ActorKind
		artefact Artefact
		consent  Consent
	}{
		{ActorRecorder, ArtefactCapture, ConsentRecording},
		{ActorScribe, ArtefactTranscript, ConsentTranscription},
		{ActorAssessor, ArtefactTranscript, ConsentAssessment},
		{ActorAssessor, ArtefactRatings, ConsentAssessment},
		{ActorAssessor, ArtefactFeedback, ConsentAssessment},
		{ActorAssessor, ArtefactQuotes, ConsentAssessment},
		{ActorAssessor, ArtefactMeasurements, ConsentAssessment},
		{ActorAssessor, ArtefactModel, ConsentAssessment},
		{ActorScribe, ArtefactModel, ConsentTranscription},
	} {
		s := as(c.kind, "")
		if _, err := Decide(s, c.artefact); err != nil {
			t.Errorf("%s for %s with every consent: %v", c.kind, c.artefact, err)
		}
		var err error
		if s.Consents, err = s.Consents.Without(c.consent); err != nil {
			t.Fatal(err)
		}
		if _, err := Decide(s, c.artefact); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s for %s without %s: %v, want ErrNotFound", c.kind, c.artefact, c.consent, err)
		}
		for _, other := range []Artefact{ArtefactPrivate, ArtefactProfile, ArtefactAudio, ArtefactVideo} {
			if _, err := Decide(as(c.kind, ""), other); err == nil {
				t.Errorf("%s may touch %s", c.kind, other)
			}
		}
	}
}

// An objection to AI, and a notice that does not name the server's models, take away what needs a model,
// and nothing else from anybody.
func TestObjectionToAIStopsModelsAndNothingElse(t *testing.T) {
	for name, spoil := range map[string]func(*Snapshot){
		"an objection":                      func(s *Snapshot) { s.ModelAllowed = false },
		"another notice than was answered":  func(s *Snapshot) { s.NoticeShown = "another" },
		"a notice, where none was answered": func(s *Snapshot) { s.Notice = "" },
	} {
		stopsModels(t, name, spoil)
	}
}

func stopsModels(t *testing.T, name string, spoil func(*Snapshot)) {
	t.Helper()
	needsModel := map[ActorKind]map[Artefact]bool{
		ActorScribe:   {ArtefactModel: true},
		ActorAssessor: {ArtefactModel: true, ArtefactRatings: true, ArtefactFeedback: true, ArtefactQuotes: true},
	}
	for _, actor := range everyActor() {
		for _, a := range AllArtefacts() {
			s := as(actor.Kind, actor.Account)
			s.Actor, s.Authorizations = actor, shared().Authorizations
			_, before := Decide(s, a)
			spoil(&s)
			_, after := Decide(s, a)
			if got, want := after == nil, before == nil && !needsModel[actor.Kind][a]; got != want {
				t.Errorf("%s: %s to %s %q: open = %v, want %v", name, a, actor.Kind, actor.Account, got, want)
			}
		}
	}
}

func TestPermitCoversOneThingForSeconds(t *testing.T) {
	p, err := Decide(shared(), ArtefactAudio)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Demand("session", ArtefactAudio); err != nil {
		t.Errorf("a fresh permit is refused: %v", err)
	}
	old := p
	old.readAt = time.Now().Add(-PermitLife - time.Millisecond)
	for name, refused := range map[string]error{
		"zero permit":      Permit{}.Demand("", ""),
		"another session":  p.Demand("other", ArtefactAudio),
		"another artefact": p.Demand("session", ArtefactVideo),
		"too old":          old.Demand("session", ArtefactAudio),
	} {
		if !errors.Is(refused, ErrPermit) {
			t.Errorf("%s: %v, want ErrPermit", name, refused)
		}
	}
}

type factsFunc func(Actor, SessionID) (Snapshot, error)

func (f factsFunc) Snapshot(_ context.Context, a Actor, s SessionID) (Snapshot, error) {
	return f(a, s)
}

func TestGateFailsClosed(t *testing.T) {
	broken := errors.New("connection lost")
	employer := shared().Actor
	for name, facts := range map[string]factsFunc{
		"facts cannot be read":     func(Actor, SessionID) (Snapshot, error) { return shared(), broken },
		"facts of another actor":   func(Actor, SessionID) (Snapshot, error) { return as(ActorCandidate, "candidate"), nil },
		"facts of another session": func(Actor, SessionID) (Snapshot, error) { return sharedAs("other"), nil },
	} {
		_, err := Gate{Reader: facts}.Permit(t.Context(), employer, "session", ArtefactAudio)
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
		if got, want := errors.Is(err, ErrFacts), name == "facts cannot be read"; got != want {
			t.Errorf("%s: ErrFacts = %v, want %v", name, got, want)
		}
	}
	_, err := Gate{Reader: factsFunc(func(Actor, SessionID) (Snapshot, error) { return as(ActorAssessor, ""), nil }), Notice: "another"}.Permit(
		t.Context(), Actor{Kind: ActorAssessor}, "session", ArtefactModel)
	if !errors.Is(err, ErrNotFound) {
		t.Errorf("a gate of a server that shows another notice: %v, want ErrNotFound", err)
	}
	good := factsFunc(func(Actor, SessionID) (Snapshot, error) { return shared(), nil })
	permit, err := (Gate{Reader: good}).Permit(t.Context(), employer, "session", ArtefactAudio)
	if err != nil || permit.Demand("session", ArtefactAudio) != nil {
		t.Errorf("good facts are refused: %v", err)
	}
}

func TestRecorderMayKeepMediaFromTheConsentOn(t *testing.T) {
	for state, want := range map[SessionState]bool{
		SessionScheduled: false, SessionConsented: true, SessionLive: true, SessionEnded: true,
		SessionAssessed: true, SessionAbandoned: true, SessionErased: false,
	} {
		s := as(ActorRecorder, "")
		s.State = state
		if _, err := Decide(s, ArtefactCapture); (err == nil) != want {
			t.Errorf("capture in a session that is %s: %v, want allowed = %v", state, err, want)
		}
	}
}
