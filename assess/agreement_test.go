package assess

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"
)

func goodCard(t *testing.T) (AgreementCard, Bank) {
	t.Helper()
	bank, err := BuiltInBank()
	must(t, err)
	return AgreementCard{
		Card: CardKind, Models: []string{"openai:a", "openai:b"}, At: time.Unix(0, 0).UTC(), LevelsFrom: "human", Raters: 2, N: 60, Questions: 8,
		GoldSHA256: "gold", PromptsSHA256: PromptsSHA256(), RubricSHA256: RubricsSHA256(bank), BankSHA256: bank.SHA256,
		QWK: Interval{.7, .6, .8, 60}, NotMet: []string{}, NotMeasured: []string{"retest"},
	}, bank
}

// A card holds for exactly what it was made with, by people, on enough answers. Each thing that does not
// fit is refused, and named.
func TestACardHoldsOnlyForWhatItWasMadeWith(t *testing.T) {
	t.Parallel()
	models := []string{"openai:a", "openai:b"}
	card, bank := goodCard(t)
	must(t, card.Holds(models, bank))
	other := bank
	other.SHA256 = "other"
	anchors := bank
	anchors.Competencies = map[string]Competency{}
	for id, c := range bank.Competencies {
		c.Definition += " or more"
		anchors.Competencies[id] = c
	}
	for name, c := range map[string]struct {
		change func(*AgreementCard)
		models []string
		bank   Bank
		want   string
	}{
		"another model":       {nil, []string{"openai:a", "openai:c"}, bank, "openai:c"},
		"one of two models":   {nil, []string{"openai:a"}, bank, "rate here"},
		"the other way round": {nil, []string{"openai:b", "openai:a"}, bank, "in this order"},
		"no model":            {func(c *AgreementCard) { c.Models = nil }, nil, bank, "rate here"},
		"other instructions":  {func(c *AgreementCard) { c.PromptsSHA256 = "other" }, models, bank, "instructions"},
		"another bank":        {nil, models, other, "question bank"},
		"other anchors":       {nil, models, anchors, "anchors"},
		"constructed levels":  {func(c *AgreementCard) { c.LevelsFrom, c.Raters = "construction", 0 }, models, bank, "by construction"},
		"one person":          {func(c *AgreementCard) { c.Raters = 1 }, models, bank, "1 people"},
		"too few answers":     {func(c *AgreementCard) { c.N = 59 }, models, bank, "59 answers"},
		"a criterion not met": {func(c *AgreementCard) { c.NotMet = []string{"qwk"} }, models, bank, "qwk"},
	} {
		changed, _ := goodCard(t)
		if c.change != nil {
			c.change(&changed)
		}
		if err := changed.Holds(c.models, c.bank); !errors.Is(err, ErrCard) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q named", name, err, c.want)
		}
	}
}

// Ratings are covered one by one: by the model, the instructions and the bank that they were given with.
func TestACardCoversTheRatingsOfItsModelAndInstructions(t *testing.T) {
	t.Parallel()
	card, bank := goodCard(t)
	card.Answered = map[string][]string{"openai:a": {"", "a-2026"}}
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	fields := RatingFields{
		Session: "session", Take: 1, Competency: "c", Outcome: OutcomeNotObserved, At: at,
		Rater: Rater{Kind: RaterModel, Model: "openai:a", Pass: PassFirst, PromptSHA256: LevelPrompts()[1], RubricSHA256: "rubric"}, Asked: Asked{Held: HeldBySchema},
	}
	for name, c := range map[string]struct {
		change func(*RatingFields, *Plan, *AgreementCard)
		covers bool
	}{
		"its own":                  {func(*RatingFields, *Plan, *AgreementCard) {}, true},
		"another model":            {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Rater.Model = "openai:c" }, false},
		"the second as the second": {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Rater.Model, f.Rater.Pass = "openai:b", PassSecond }, true},
		"the second as the first":  {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Rater.Model = "openai:b" }, false},
		"the first as the second":  {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Rater.Pass = PassSecond }, false},
		"a contest, by the second": {func(f *RatingFields, _ *Plan, _ *AgreementCard) {
			f.Rater.Model, f.Rater.Pass = "openai:b", PassContest
		}, true},
		"the only one, twice": {func(f *RatingFields, _ *Plan, c *AgreementCard) {
			f.Rater.Pass, c.Models = PassSecond, []string{"openai:a"}
		}, true},
		"other instructions": {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Rater.PromptSHA256 = "other" }, false},
		"another bank":       {func(_ *RatingFields, p *Plan, _ *AgreementCard) { p.BankSHA256 = "other" }, false},
		"a person": {func(f *RatingFields, _ *Plan, _ *AgreementCard) {
			f.Rater, f.Asked = Rater{Kind: RaterHuman}, Asked{}
		}, false},
		"a name that it had":          {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Asked.Answered = "a-2026" }, true},
		"a name that it did not have": {func(f *RatingFields, _ *Plan, _ *AgreementCard) { f.Asked.Answered = "a-2027" }, false},
		"nothing, under another name": {func(f *RatingFields, _ *Plan, _ *AgreementCard) {
			f.Outcome, f.Reason, f.Asked.Answered = OutcomeNotAssessable, reasonUnusable, "a-2027"
		}, true},
		"another name, a card without":   {func(f *RatingFields, _ *Plan, c *AgreementCard) { f.Asked.Answered, c.Answered = "a-2026", nil }, false},
		"the configured, a card without": {func(_ *RatingFields, _ *Plan, c *AgreementCard) { c.Answered = nil }, true},
		"a rating that nobody was asked for": {func(f *RatingFields, _ *Plan, c *AgreementCard) {
			f.Asked = Asked{}
			c.Answered = map[string][]string{"openai:a": {"x"}}
		}, true},
	} {
		f, plan, changed := fields, Plan{BankSHA256: bank.SHA256}, card
		c.change(&f, &plan, &changed)
		rating, err := NewRating(f)
		must(t, err)
		if got := changed.Covers(rating, plan); got != c.covers {
			t.Errorf("%s: covers %t, want %t", name, got, c.covers)
		}
	}
}

func TestOnlyCardsAreReadAsCards(t *testing.T) {
	t.Parallel()
	card, _ := goodCard(t)
	text, err := json.Marshal(card)
	must(t, err)
	read, err := ParseAgreementCard(strings.NewReader(string(text)))
	must(t, err)
	if again, _ := json.Marshal(read); string(again) != string(text) {
		t.Errorf("read %s\nwant %s", again, text)
	}
	for name, text := range map[string]string{
		"nothing": "", "no card": "{}", "an unknown field": strings.Replace(string(text), `"n":`, `"m":`, 1), "two": string(text) + string(text),
		"another source": strings.Replace(string(text), `"human"`, `"people"`, 1), "too much": strings.Repeat(" ", maxCard) + string(text),
	} {
		if _, err := ParseAgreementCard(strings.NewReader(text)); !errors.Is(err, ErrCard) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzAgreementCard(f *testing.F) {
	f.Add(`{"card":"greenroom agreement card 1","levels_from":"human","models":["a"],"qwk":{"value":1}}`)
	f.Add(`{"card":`)
	f.Fuzz(func(t *testing.T, text string) {
		card, err := ParseAgreementCard(strings.NewReader(text))
		if err != nil {
			return
		}
		if card.Card != CardKind {
			t.Errorf("read %q as a card", text)
		}
		_ = card.Sentence()
		if card.Holds([]string{"openai:a"}, Bank{}) == nil && card.LevelsFrom != "human" {
			t.Errorf("%q holds", text)
		}
	})
}
