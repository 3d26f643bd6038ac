package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"greenroom/assess"
	"greenroom/consent"
)

// A card replaces the label only where it is about every rating by a model in the report.
func TestTheLabelChangesOnlyWithACardForAllRatings(t *testing.T) {
	t.Parallel()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	card := &assess.AgreementCard{Models: []string{canaryModel}, BankSHA256: bank.SHA256, Raters: 2, N: 60, Questions: 8, QWK: assess.Interval{Value: .71, Low: .6, High: .8, N: 60}}
	for name, c := range map[string]struct {
		card   *assess.AgreementCard
		prompt string
		old    bool // one rating more, with older instructions
		covers bool
	}{
		"no card":                       {nil, assess.LevelPrompts()[1], false, false},
		"a card":                        {card, assess.LevelPrompts()[1], false, true},
		"other instructions":            {card, "aa", false, false},
		"one rating under an older one": {card, assess.LevelPrompts()[1], true, false},
	} {
		s := newStage(t, func(cfg *Config) { cfg.Agreement = c.card })
		p := s.candidate(t)
		id := s.interview(t, p)
		s.rateAs(t, id, c.prompt, c.old)
		got := p.get(sessionPathOf(id, "report")).want(http.StatusOK)
		var report reportJSON
		got.into(&report)
		if c.covers != (report.Agreement != nil) || c.covers == (report.Label == unvalidated) || c.covers && report.Label != card.Sentence() {
			t.Errorf("%s: label %q, agreement %+v", name, report.Label, report.Agreement)
		}
		if c.covers && (report.Agreement.Kappa.Value != .71 || report.Agreement.People != 2 || !strings.Contains(report.Label, "0.71")) {
			t.Errorf("%s: %+v", name, report.Agreement)
		}
	}
}

// rateAs gives the model's ratings of a session the hash of its instructions.
func (s *stage) rateAs(t *testing.T, id consent.SessionID, prompt string, andOld bool) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	record := s.records[id]
	for i := range record.Answers {
		var ratings []assess.Rating
		for _, rating := range record.Answers[i].Ratings {
			fields := rating.Fields()
			if fields.Rater.Kind == assess.RaterModel {
				if andOld {
					ratings = append(ratings, rating)
				}
				fields.Rater.PromptSHA256 = prompt
			}
			again, err := assess.NewRating(fields)
			if err != nil {
				t.Fatal(err)
			}
			ratings = append(ratings, again)
		}
		record.Answers[i].Ratings = ratings
	}
	s.records[id] = record
}

// Where only the words before a correction were rated, the report still says by whom.
func TestWhatWasRatedBeforeACorrectionNamesItsJudge(t *testing.T) {
	t.Parallel()
	by := func(model string) []ratingJSON {
		return []ratingJSON{{Rater: raterJSON{Kind: assess.RaterModel, Model: model, Pass: assess.PassFirst}}}
	}
	twice := append(by("old"), ratingJSON{Rater: raterJSON{Kind: assess.RaterModel, Model: "old second", Pass: assess.PassSecond}})
	for name, c := range map[string]struct {
		takes        []takeJSON
		want, second string
	}{
		"not rated since":                  {[]takeJSON{{Earlier: by("old")}}, "old", ""},
		"rated since, by one":              {[]takeJSON{{Earlier: by("old"), Ratings: by("new")}}, "new", ""},
		"never corrected":                  {[]takeJSON{{Ratings: by("new")}}, "new", ""},
		"never rated":                      {[]takeJSON{{}}, "", ""},
		"one not rated since, another was": {[]takeJSON{{Ratings: by("new")}, {Earlier: by("old")}}, "new", ""},
		"before, by two":                   {[]takeJSON{{Earlier: twice}}, "old", "old second"},
		"before by two, since by one":      {[]takeJSON{{Earlier: twice, Ratings: by("new")}}, "new", ""},
	} {
		got := judgedBy(reportJSON{Questions: []questionJSON{{Takes: c.takes}}}, Judge{})
		if got.Assessor.Model != c.want || got.Assessor.Second != c.second {
			t.Errorf("%s: judged by %q and %q, want %q and %q", name, got.Assessor.Model, got.Assessor.Second, c.want, c.second)
		}
	}
}

// Whoever looked again at what is contested did not judge the rest.
func TestASecondLookDoesNotNameTheJudge(t *testing.T) {
	t.Parallel()
	by := func(passes map[assess.Pass]string, order ...assess.Pass) judgeJSON {
		take := takeJSON{}
		for _, pass := range order {
			take.Ratings = append(take.Ratings, ratingJSON{Rater: raterJSON{Kind: assess.RaterModel, Model: passes[pass], Pass: pass}})
		}
		return judgedBy(reportJSON{Questions: []questionJSON{{Takes: []takeJSON{take}}}}, Judge{AssessorModel: "a", AssessorPlace: "here"})
	}
	models := map[assess.Pass]string{assess.PassFirst: "a", assess.PassSecond: "b", assess.PassContest: "b"}
	without := by(models, assess.PassFirst, assess.PassSecond)
	if got := by(models, assess.PassFirst, assess.PassSecond, assess.PassContest); got != without || !strings.Contains(fmt.Sprintf("%+v", got), "here") {
		t.Errorf("with a second look %+v, without %+v", got, without)
	}
}
