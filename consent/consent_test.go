package consent

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseIDTakesOneSpelling(t *testing.T) {
	id := NewID[SessionID]()
	if got, err := ParseID[SessionID](string(id)); err != nil || got != id {
		t.Fatalf("ParseID(%q) = %q, %v", id, got, err)
	}
	for name, text := range map[string]string{
		"empty": "", "short": string(id[:25]), "long": string(id) + "a", "upper case": strings.ToUpper(string(id)),
		"foreign letter": "0" + string(id[1:]), "spare bits set": strings.Repeat("a", 25) + "b",
		"path": "../../../../../../../../..", "zero byte": string(id[:25]) + "\x00",
	} {
		if text == string(id) {
			continue
		}
		if _, err := ParseID[SessionID](text); !errors.Is(err, ErrBadID) {
			t.Errorf("%s: ParseID(%q) = %v, want ErrBadID", name, text, err)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add(string(NewID[OrgID]()))
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		id, err := ParseID[OrgID](text)
		if err == nil && string(id) != text {
			t.Errorf("ParseID(%q) gave another spelling: %q", text, id)
		}
	})
}

func TestSessionStates(t *testing.T) {
	states := []SessionState{SessionScheduled, SessionConsented, SessionLive, SessionEnded, SessionAssessed, SessionAbandoned, SessionErased}
	steps := []SessionStep{StepConsent, StepGoLive, StepEnd, StepAssess, StepAbandon}
	want := map[SessionState]map[SessionStep]SessionState{
		SessionScheduled: {StepConsent: SessionConsented, StepAbandon: SessionAbandoned},
		SessionConsented: {StepGoLive: SessionLive, StepAbandon: SessionAbandoned},
		SessionLive:      {StepGoLive: SessionLive, StepEnd: SessionEnded, StepAbandon: SessionAbandoned},
		SessionEnded:     {StepAssess: SessionAssessed},
	}
	for _, state := range states {
		for _, step := range steps {
			got, err := state.After(step)
			next, ok := want[state][step]
			if ok && (err != nil || got != next) {
				t.Errorf("%s after %s = %s, %v; want %s", state, step, got, err, next)
			}
			var bad ErrBadStep
			if !ok && (!errors.As(err, &bad) || got != state) {
				t.Errorf("%s after %s = %s, %v; want it unchanged and ErrBadStep", state, step, got, err)
			}
		}
		if got, err := state.After(StepErase); err != nil || got != SessionErased {
			t.Errorf("%s after erase = %s, %v; want erased", state, got, err)
		}
	}
}

func TestWithdrawingTranscriptionTakesAssessmentWithIt(t *testing.T) {
	all := Consents{Recording: true, Transcription: true, Assessment: true}
	got, err := all.Without(ConsentTranscription)
	if want := (Consents{Recording: true}); err != nil || got != want {
		t.Errorf("Without(transcription) = %+v, %v; want %+v", got, err, want)
	}
	if _, err := all.Without("everything"); err == nil {
		t.Error("an unknown consent can be withdrawn")
	}
	if err := (Consents{Assessment: true}).Validate(); err == nil {
		t.Error("an assessment without transcription is accepted")
	}
	if err := (Consents{}).Validate(); err != nil {
		t.Errorf("refusing everything is refused: %v", err)
	}
}

func TestOldEnough(t *testing.T) {
	day := func(text string) time.Time {
		parsed, err := time.Parse(time.DateOnly, text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, c := range []struct {
		born, now string
		want      bool
	}{
		{"2010-11-22", "2026-11-22", true},
		{"2010-11-23", "2026-11-22", false},
		{"2008-02-29", "2024-02-29", true},
		{"2012-02-29", "2028-02-28", false},
		{"2010-02-28", "2026-02-28", true},
		{"2030-01-01", "2026-11-22", false},
	} {
		if got := OldEnough(day(c.born), day(c.now)); got != c.want {
			t.Errorf("OldEnough(born %s, now %s) = %v, want %v", c.born, c.now, got, c.want)
		}
	}
}

func TestParseScopes(t *testing.T) {
	got, err := ParseScopes([]string{"ratings", "recording.audio"})
	if err != nil || len(got) != 2 || got[0] != ScopeRatings || got[1] != ScopeRecordingAudio {
		t.Errorf("ParseScopes = %v, %v", got, err)
	}
	for name, texts := range map[string][]string{
		"none": nil, "unknown": {"ratings", "everything"}, "twice": {"ratings", "ratings"}, "empty": {""},
	} {
		if _, err := ParseScopes(texts); err == nil {
			t.Errorf("%s: ParseScopes(%q) is accepted", name, texts)
		}
	}
}

func TestAuthorizationRequestCheck(t *testing.T) {
	good := AuthorizationRequest{Org: "org", Purpose: PurposeHiring, Scopes: []Scope{ScopeRatings}, ValidUntil: noon.Add(time.Hour)}
	if err := good.Check(noon); err != nil {
		t.Fatalf("a good request is refused: %v", err)
	}
	for name, spoil := range map[string]func(*AuthorizationRequest){
		"no purpose":      func(r *AuthorizationRequest) { r.Purpose = "" },
		"unknown purpose": func(r *AuthorizationRequest) { r.Purpose = "marketing" },
		"nothing shared":  func(r *AuthorizationRequest) { r.Scopes = nil },
		"a resume":        func(r *AuthorizationRequest) { r.Scopes = []Scope{ScopeResume} },
		"ends now":        func(r *AuthorizationRequest) { r.ValidUntil = noon },
		"ends too late":   func(r *AuthorizationRequest) { r.ValidUntil = noon.Add(MaxAuthorizationLife + time.Second) },
	} {
		r := good
		spoil(&r)
		if err := r.Check(noon); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestNoticeHashIsOverTheExactText(t *testing.T) {
	a, b := Notice{Text: "One."}, Notice{Text: "One. "}
	if a.SHA256() == b.SHA256() || len(a.SHA256()) != 64 {
		t.Errorf("hashes %q and %q, want two different ones of 64 characters", a.SHA256(), b.SHA256())
	}
}
