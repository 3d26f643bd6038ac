package assess

import (
	"errors"
	"fmt"
	"time"

	"greenroom/consent"
)

// The lowest and the highest level on the written anchors.
const (
	MinLevel = 1
	MaxLevel = 5
)

// ErrRating says that the fields given to [NewRating] do not make a rating.
var ErrRating = errors.New("not a rating")

// RatingFields are the parts of a [Rating] before they were checked together.
type RatingFields struct {
	Session      consent.SessionID
	Question     int // index in the plan
	Take         int // from 1
	Competency   string
	Rater        Rater
	Outcome      Outcome
	Level        int    // MinLevel to MaxLevel with OutcomeLevel, 0 with every other outcome
	WhyNotHigher string // one sentence; empty at the highest level
	WhyNotLower  string
	Reason       string // required when not assessable
	Revision     int    // of the answer's words that were rated; 0 for people, who are not asked about one
	At           time.Time
	Asked        Asked // of a model that was asked; zero where none was, and for people
	Heard        HeardBadly
	PartlyRead   bool // the model could not say of some lines what they show; never of people
}

// NewRating checks the fields together and returns the rating: it has a rater, and a level exactly
// when its outcome says so. It is the only way to make one.
func NewRating(f RatingFields) (Rating, error) {
	if f.Rater.Kind == RaterModel && f.Rater.Pass == "" {
		f.Rater.Pass = PassFirst
	}
	for _, check := range []func(RatingFields) error{checkAddress, checkRater, checkOutcome} {
		if err := check(f); err != nil {
			return Rating{}, fmt.Errorf("%w: %w", ErrRating, err)
		}
	}
	return Rating{
		session: f.Session, question: f.Question, take: f.Take, competency: f.Competency,
		rater: f.Rater, outcome: f.Outcome, level: f.Level,
		whyNotHigher: f.WhyNotHigher, whyNotLower: f.WhyNotLower, reason: f.Reason, revision: f.Revision, at: f.At, asked: f.Asked, heard: f.Heard,
		partlyRead: f.PartlyRead,
	}, nil
}

// Fields returns what the rating was made of.
func (r Rating) Fields() RatingFields {
	return RatingFields{
		Session: r.session, Question: r.question, Take: r.take, Competency: r.competency,
		Rater: r.rater, Outcome: r.outcome, Level: r.level,
		WhyNotHigher: r.whyNotHigher, WhyNotLower: r.whyNotLower, Reason: r.reason, Revision: r.revision, At: r.at, Asked: r.asked, Heard: r.heard,
		PartlyRead: r.partlyRead,
	}
}

// Session returns the session the rating is about.
func (r Rating) Session() consent.SessionID { return r.session }

// Question returns the index in the plan of the question whose answer was rated.
func (r Rating) Question() int { return r.question }

// Take returns which try at the question was rated, from 1.
func (r Rating) Take() int { return r.take }

// Competency returns the id of the competency that was rated.
func (r Rating) Competency() string { return r.competency }

// Rater returns who gave the rating.
func (r Rating) Rater() Rater { return r.rater }

// Outcome returns whether the rating has a level, and if not why.
func (r Rating) Outcome() Outcome { return r.outcome }

// Level returns the level, and false when the rating has none.
func (r Rating) Level() (int, bool) { return r.level, r.outcome == OutcomeLevel }

// WhyNotHigher returns what kept the level from being higher; it may be empty.
func (r Rating) WhyNotHigher() string { return r.whyNotHigher }

// WhyNotLower returns what kept the level from being lower; it may be empty.
func (r Rating) WhyNotLower() string { return r.whyNotLower }

// Reason returns why the answer could not be assessed; it may be empty for other outcomes.
func (r Rating) Reason() string { return r.reason }

// Revision returns how often the words of the answer had been corrected when a model rated them.
func (r Rating) Revision() int { return r.revision }

// At returns when the rating was given.
func (r Rating) At() time.Time { return r.at }

// Asked returns how the model was asked, and what answered.
func (r Rating) Asked() Asked { return r.asked }

// Heard returns what was wrong with the sound of the answer, of a model's rating; people hear it themselves.
func (r Rating) Heard() HeardBadly { return r.heard }

// PartlyRead reports that the model could not say of some lines of the answer what they show.
func (r Rating) PartlyRead() bool { return r.partlyRead }

func checkAddress(f RatingFields) error {
	switch {
	case f.Session == "":
		return errors.New("no session")
	case f.Question < 0:
		return fmt.Errorf("question %d is below 0", f.Question)
	case f.Take < 1:
		return fmt.Errorf("take %d is below 1", f.Take)
	case f.Competency == "":
		return errors.New("no competency")
	case f.At.IsZero():
		return errors.New("no time")
	case f.Revision < 0 || f.Revision > 0 && f.Rater.Kind != RaterModel:
		return fmt.Errorf("revision %d by %q", f.Revision, f.Rater.Kind)
	}
	return nil
}

func checkRater(f RatingFields) error {
	switch f.Rater.Kind {
	case RaterModel:
		if f.Rater.Model == "" || f.Rater.PromptSHA256 == "" || f.Rater.RubricSHA256 == "" {
			return errors.New("a model rates under its name and the hashes of its prompt and rubric")
		}
		if p := f.Rater.Pass; p != PassFirst && p != PassSecond && p != PassThird && p != PassContest && p != PassWithFlagged {
			return fmt.Errorf("unknown pass %q", p)
		}
	case RaterSelf, RaterHuman:
		if f.Rater.Model != "" || f.Rater.PromptSHA256 != "" {
			return fmt.Errorf("rater %q names a model", f.Rater.Kind)
		}
		if f.Rater.Pass != "" {
			return fmt.Errorf("rater %q rates once", f.Rater.Kind)
		}
		if f.Asked != (Asked{}) || f.Heard != (HeardBadly{}) || f.PartlyRead {
			return fmt.Errorf("rater %q was asked as a model is", f.Rater.Kind)
		}
	default:
		return fmt.Errorf("unknown rater kind %q", f.Rater.Kind)
	}
	if f.Asked.Held != "" && !f.Asked.Held.known() {
		return fmt.Errorf("unknown way to hold an answer to its form %q", f.Asked.Held)
	}
	return nil
}

func checkOutcome(f RatingFields) error {
	switch f.Outcome {
	case OutcomeLevel:
		if f.Level < MinLevel || f.Level > MaxLevel {
			return fmt.Errorf("level %d is not %d to %d", f.Level, MinLevel, MaxLevel)
		}
		return nil
	case OutcomeNotObserved, OutcomeNotAssessable:
		if f.Level != 0 {
			return fmt.Errorf("outcome %q has level %d", f.Outcome, f.Level)
		}
		if f.Outcome == OutcomeNotAssessable && f.Reason == "" {
			return errors.New("not assessable without a reason")
		}
		return nil
	default:
		return fmt.Errorf("unknown outcome %q", f.Outcome)
	}
}
