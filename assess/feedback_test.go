package assess

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// advising answers as good does, and to feedback with the text.
func advising(text string) func(ModelRequest) (string, error) {
	return func(r ModelRequest) (string, error) {
		if r.SchemaName == "advice" {
			return text, nil
		}
		return good(r)
	}
}

func TestFeedbackRestsOnEvidenceOrMeasurements(t *testing.T) {
	t.Parallel()
	a, kept, model, _ := bench(t, advising(`{
		"strengths":[{"text":"You name the decision as yours.","marked":[0,0,99,-1],"counted":[]},{"text":"You rest on nothing.","marked":[7],"counted":["charm"]}],
		"gaps":[{"text":"You give no figure for the time before.","marked":[],"counted":["numbers","numbers"]}],
		"drill":[{"text":"Tell it again in four sentences, with one figure.","marked":[0],"counted":[]}]}`))
	evidenceForAll(kept)
	kept.evidence[kept.lines[0].Ref()][0].ID = 41
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.feedback) != 1 {
		t.Fatalf("feedback was saved %d times", len(kept.feedback))
	}
	got := kept.feedback[0]
	want := []FeedbackItem{
		{Kind: FeedbackStrength, Text: "You name the decision as yours.", Evidence: []int64{41}},
		{Kind: FeedbackGap, Text: "You give no figure for the time before.", Measurements: []string{"numbers"}},
		{Kind: FeedbackDrill, Text: "Tell it again in four sentences, with one figure.", Evidence: []int64{41}},
	}
	if fmt.Sprint(got.Items) != fmt.Sprint(want) {
		t.Errorf("kept %+v, want %+v", got.Items, want)
	}
	if got.Rater.Model != "scripted" || got.Rater.PromptSHA256 != raterSHA256(feedbackSystem, feedbackSchema) || got.Rater.BankSHA256 != kept.plan.BankSHA256 {
		t.Errorf("rater %+v", got.Rater)
	}
	last := model.asked[len(model.asked)-1]
	if !strings.Contains(last.User.text, `"level":4`) || !strings.Contains(last.User.text, `"name":"numbers"`) {
		t.Errorf("the model was not told the levels and the counts: %s", last.User.text)
	}
	if !slices.ContainsFunc(kept.calls, func(c consent.AICall) bool {
		return c.For == consent.AIFeedback && c.PromptSHA256 == got.Rater.PromptSHA256
	}) {
		t.Error("the call is not noted")
	}
}

// Whatever the model writes instead: nothing of it is kept that should not be.
func TestFeedbackThatMayNotBeKeptIsDropped(t *testing.T) {
	t.Parallel()
	a, kept, _, _ := bench(t, nil)
	for name, sentence := range map[string]string{
		"about confidence": "You sound confident here.", "about employing": "They should hire you.", "a mark": "That is worth 90/100.",
		"markup": "Good <b>start</b>.", "a link": "See https://evil.example.", "an invented quote": `You said "I led the merger" well.`,
		"too long": strings.Repeat("x", longestSentence+1), "hidden signs": "Good\u200b start.", "empty": " ", "signs only": "...!",
	} {
		raw, err := json.Marshal(sentence)
		must(t, err)
		a.Model = &scriptedModel{answer: advising(`{"strengths":[{"text":` + string(raw) + `,"marked":[0],"counted":[]}],"gaps":[],"drill":[]}`)}
		kept.feedback, kept.ratings = nil, nil
		evidenceForAll(kept)
		must(t, a.Answer(t.Context(), "session", 0, 1))
		if len(kept.feedback) != 1 || len(kept.feedback[0].Items) != 0 {
			t.Errorf("%s: kept %+v", name, kept.feedback)
		}
		clear(kept.evidence)
	}
}

func TestMoreSentencesThanAskedForAreLeftOut(t *testing.T) {
	t.Parallel()
	many := strings.Repeat(`{"text":"You name the decision.","marked":[0],"counted":[]},`, 5)
	many = "[" + strings.TrimSuffix(many, ",") + "]"
	f := toFeedback{evidence: []Evidence{{ID: 3}}}
	items, err := f.parse(`{"strengths":` + many + `,"gaps":` + many + `,"drill":` + many + `}`)
	must(t, err)
	if len(items) != mostStrengths+mostGaps+mostDrills {
		t.Errorf("%d items", len(items))
	}
}

// No model, an answer that cannot be assessed, a model that writes nonsense: nothing is said in its place.
func TestWithoutAUsableModelThereIsNoFeedback(t *testing.T) {
	t.Parallel()
	a, kept, _, _ := bench(t, nil)
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.feedback) != 0 {
		t.Errorf("without a model: %+v", kept.feedback)
	}
	a, kept, model, _ := bench(t, good)
	kept.lines[0].Words = kept.lines[0].Words[:5]
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.feedback) != 0 || len(model.asked) != 0 {
		t.Errorf("about five words: %+v", kept.feedback)
	}
	a, kept, _, _ = bench(t, advising("You did great!"))
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.feedback) != 1 || len(kept.feedback[0].Items) != 0 || !kept.assessed {
		t.Errorf("nonsense: %+v, assessed %t", kept.feedback, kept.assessed)
	}
}

// The model's reasons for a level are held to the same; the level stays.
func TestReasonsAboutThePersonAreLeftOut(t *testing.T) {
	t.Parallel()
	a, kept, _, _ := bench(t, func(r ModelRequest) (string, error) {
		if r.SchemaName == "rating" {
			return `{"observed":true,"level":3,"why_not_higher":"You seem nervous.","why_not_lower":"The decision is their own."}`, nil
		}
		return good(r)
	})
	evidenceForAll(kept)
	must(t, a.Answer(t.Context(), "session", 0, 1))
	for _, r := range kept.ratings {
		if level, ok := r.Level(); !ok || level != 3 || r.WhyNotHigher() != "" || r.WhyNotLower() == "" {
			t.Errorf("rating %+v, want level 3 with one of the two sentences", r)
		}
	}
}

func FuzzFeedback(f *testing.F) {
	f.Add(`{"strengths":[{"text":"You name it.","marked":[0],"counted":["words"]}],"gaps":[],"drill":[]}`)
	f.Add(`{"strengths":[{"text":"You \"one two\".","marked":[-1,0,9],"counted":[]}],"gaps":[],"drill":[]}`)
	line := say(0, time.Second, "one two three")
	given := toFeedback{lines: []Line{line}, evidence: []Evidence{{ID: 7}}, measurements: []Measurement{{Name: "words"}}}
	f.Fuzz(func(t *testing.T, text string) {
		items, err := given.parse(text)
		if err != nil && len(items) > 0 || len(items) > mostStrengths+mostGaps+mostDrills {
			t.Errorf("%d items, %v", len(items), err)
		}
		for _, item := range items {
			if len(item.Evidence)+len(item.Measurements) == 0 || banned(item.Text) || given.source().check(item.Text) != nil {
				t.Errorf("kept %+v", item)
			}
			if slices.ContainsFunc(item.Evidence, func(id int64) bool { return id != 7 }) || slices.ContainsFunc(item.Measurements, func(n string) bool { return n != "words" }) {
				t.Errorf("rests on what is not there: %+v", item)
			}
		}
	})
}
