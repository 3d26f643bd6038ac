package consent

import (
	"fmt"
	"slices"
)

// Scope is one part of a session that a candidate can let an organization see. Scopes are flat: none
// implies another.
type Scope string

// The scopes of an authorization.
const (
	ScopeRatings        Scope = "ratings"
	ScopeFeedback       Scope = "feedback"
	ScopeTranscript     Scope = "transcript"
	ScopeRecordingAudio Scope = "recording.audio"
	ScopeRecordingVideo Scope = "recording.video"
	ScopeResume         Scope = "resume"
	ScopeProfile        Scope = "profile"
)

// AllScopes lists every scope in the order pages show them.
func AllScopes() []Scope {
	return []Scope{
		ScopeRatings, ScopeFeedback, ScopeTranscript, ScopeRecordingAudio, ScopeRecordingVideo,
		ScopeResume, ScopeProfile,
	}
}

// Artefact is one thing that can be read. A Permit is for one artefact of one session.
type Artefact string

// The artefacts, with what an employer needs for each in [Artefact.Needs].
const (
	ArtefactSession      Artefact = "session" // that it exists; role, date, length
	ArtefactRatings      Artefact = "ratings" // levels, ranges, rater badges
	ArtefactFeedback     Artefact = "feedback"
	ArtefactQuotes       Artefact = "quotes" // evidence words and anything else quoted
	ArtefactMeasurements Artefact = "measurements"
	ArtefactTranscript   Artefact = "transcript"
	ArtefactAudio        Artefact = "recording.audio"
	ArtefactVideo        Artefact = "recording.video"
	ArtefactProfile      Artefact = "profile"
	ArtefactPrivate      Artefact = "private" // self-rating, growth, contests: the candidate's own
	ArtefactRate         Artefact = "rate"    // giving levels, as a person of an organization that may read the answers
	ArtefactCapture      Artefact = "capture" // writing media and transcript while the session is live
	ArtefactModel        Artefact = "model"   // sending words or sound to an AI model
)

// AllArtefacts lists every artefact.
func AllArtefacts() []Artefact {
	return []Artefact{
		ArtefactSession, ArtefactRatings, ArtefactFeedback, ArtefactQuotes, ArtefactMeasurements,
		ArtefactTranscript, ArtefactAudio, ArtefactVideo, ArtefactProfile, ArtefactPrivate, ArtefactRate,
		ArtefactCapture, ArtefactModel,
	}
}

// AllowedBy reports whether an employer holding these scopes may see the artefact.
func (a Artefact) AllowedBy(scopes []Scope) bool {
	has := func(s Scope) bool { return slices.Contains(scopes, s) }
	switch a {
	case ArtefactSession:
		return len(scopes) > 0
	case ArtefactRatings:
		return has(ScopeRatings)
	case ArtefactFeedback, ArtefactMeasurements:
		return has(ScopeFeedback)
	case ArtefactQuotes:
		return has(ScopeFeedback) && has(ScopeTranscript)
	case ArtefactRate: // a person rates what they can read, and sees ratings afterwards
		return has(ScopeRatings) && has(ScopeTranscript)
	case ArtefactTranscript:
		return has(ScopeTranscript)
	case ArtefactAudio:
		return has(ScopeRecordingAudio)
	case ArtefactVideo:
		return has(ScopeRecordingVideo)
	case ArtefactProfile:
		return has(ScopeProfile)
	default: // what is the candidate's own, the recorder's or a model's is never shared
		return false
	}
}

// ParseScopes checks a list of scopes from outside: known, at least one, none twice.
func ParseScopes(texts []string) ([]Scope, error) {
	if len(texts) == 0 {
		return nil, fmt.Errorf("choose at least one part to share")
	}
	all := AllScopes()
	scopes := make([]Scope, 0, len(all))
	for _, text := range texts {
		scope := Scope(text)
		if !slices.Contains(all, scope) {
			return nil, fmt.Errorf("unknown part %q", text)
		}
		if slices.Contains(scopes, scope) {
			return nil, fmt.Errorf("part %q is listed twice", text)
		}
		scopes = append(scopes, scope)
	}
	return scopes, nil
}
