package assess

import (
	"errors"
	"testing"
	"time"

	"greenroom/consent"
)

func selfRating() RatingFields {
	return RatingFields{
		Session: consent.NewID[consent.SessionID](), Question: 2, Take: 1, Competency: "ownership",
		Rater: Rater{Kind: RaterSelf}, Outcome: OutcomeLevel, Level: 3,
		WhyNotHigher: "no result named", WhyNotLower: "own action named", At: time.Unix(1_800_000_000, 0).UTC(),
	}
}

func modelRating() RatingFields {
	f := selfRating()
	f.Rater = Rater{Kind: RaterModel, Model: "m", Pass: PassSecond, PromptSHA256: "p", RubricSHA256: "r"}
	return f
}

func TestNewRatingRefusesWhatNobodyCouldStandBehind(t *testing.T) {
	t.Parallel()
	cases := map[string]func(*RatingFields){
		"no session":                    func(f *RatingFields) { f.Session = "" },
		"negative question":             func(f *RatingFields) { f.Question = -1 },
		"take zero":                     func(f *RatingFields) { f.Take = 0 },
		"no competency":                 func(f *RatingFields) { f.Competency = "" },
		"no time":                       func(f *RatingFields) { f.At = time.Time{} },
		"no rater":                      func(f *RatingFields) { f.Rater = Rater{} },
		"unknown rater":                 func(f *RatingFields) { f.Rater.Kind = "crowd" },
		"self naming a model":           func(f *RatingFields) { f.Rater.Model = "m" },
		"human naming a prompt":         func(f *RatingFields) { f.Rater = Rater{Kind: RaterHuman, PromptSHA256: "p"} },
		"model without name":            func(f *RatingFields) { *f = modelRating(); f.Rater.Model = "" },
		"model without prompt hash":     func(f *RatingFields) { *f = modelRating(); f.Rater.PromptSHA256 = "" },
		"model without rubric hash":     func(f *RatingFields) { *f = modelRating(); f.Rater.RubricSHA256 = "" },
		"model of a fourth pass":        func(f *RatingFields) { *f = modelRating(); f.Rater.Pass = "fourth" },
		"self rating twice":             func(f *RatingFields) { f.Rater.Pass = PassSecond },
		"no outcome":                    func(f *RatingFields) { f.Outcome = "" },
		"unknown outcome":               func(f *RatingFields) { f.Outcome = "hire" },
		"level zero":                    func(f *RatingFields) { f.Level = 0 },
		"level six":                     func(f *RatingFields) { f.Level = 6 },
		"not observed with level":       func(f *RatingFields) { f.Outcome = OutcomeNotObserved },
		"not assessable with level":     func(f *RatingFields) { f.Outcome, f.Reason = OutcomeNotAssessable, "too short" },
		"not assessable without reason": func(f *RatingFields) { f.Outcome, f.Level = OutcomeNotAssessable, 0 },
	}
	for name, spoil := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := selfRating()
			spoil(&f)
			got, err := NewRating(f)
			if !errors.Is(err, ErrRating) {
				t.Errorf("NewRating(%+v) = %+v, %v; want ErrRating", f, got, err)
			}
			if got != (Rating{}) {
				t.Errorf("NewRating(%+v) refused but returned %+v", f, got)
			}
		})
	}
}

func TestNewRatingKeepsEveryField(t *testing.T) {
	t.Parallel()
	notObserved := selfRating()
	notObserved.Rater, notObserved.Outcome, notObserved.Level = Rater{Kind: RaterHuman}, OutcomeNotObserved, 0
	notAssessable := modelRating()
	notAssessable.Outcome, notAssessable.Level, notAssessable.Reason = OutcomeNotAssessable, 0, "too short"
	for name, f := range map[string]RatingFields{
		"self": selfRating(), "model": modelRating(), "not observed": notObserved, "not assessable": notAssessable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, err := NewRating(f)
			if err != nil {
				t.Fatalf("NewRating(%+v): %v", f, err)
			}
			if got := r.Fields(); got != f {
				t.Errorf("Fields() = %+v, want %+v", got, f)
			}
			level, ok := r.Level()
			if level != f.Level || ok != (f.Outcome == OutcomeLevel) {
				t.Errorf("Level() = %d, %t; want %d for outcome %q", level, ok, f.Level, f.Outcome)
			}
			got := RatingFields{
				Session: r.Session(), Question: r.Question(), Take: r.Take(), Competency: r.Competency(),
				Rater: r.Rater(), Outcome: r.Outcome(), Level: level, WhyNotHigher: r.WhyNotHigher(),
				WhyNotLower: r.WhyNotLower(), Reason: r.Reason(), At: r.At(),
			}
			if got != f {
				t.Errorf("accessors gave %+v, want %+v", got, f)
			}
		})
	}
}

func TestZeroRatingHasNoLevel(t *testing.T) {
	t.Parallel()
	if level, ok := (Rating{}).Level(); ok {
		t.Errorf("zero Rating has level %d", level)
	}
}
