package eval_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"greenroom/assess"
	"greenroom/assess/eval"
	"greenroom/assess/openaitest"
)

func bankAndSet(t *testing.T) (assess.Bank, eval.Set) {
	t.Helper()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	set, err := eval.BuiltIn(bank)
	if err != nil {
		t.Fatal(err)
	}
	return bank, set
}

func tried(t *testing.T, rater openaitest.Rater, options eval.Options) eval.Report {
	t.Helper()
	bank, set := bankAndSet(t)
	server := openaitest.New()
	defer server.Close()
	server.AnswerChat(rater)
	model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: "tried"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := eval.Evaluate(t.Context(), &eval.Runner{Bank: bank, Model: model, Parallel: 4}, set, options)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func knows(t *testing.T) openaitest.Opinion {
	t.Helper()
	_, set := bankAndSet(t)
	return eval.NewOracle(set).Level
}

// Each rater with a known fault is a real server, asked over the wire by the whole pipeline. The harness
// finds exactly the faults that it has, and none in the reference.
func TestRatersWithAKnownFaultAreCaught(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rater openaitest.Rater
		fails []string
	}{
		"reference":       {openaitest.NewRater(knows(t)), nil},
		"constant":        {openaitest.ConstantRater(3), []string{"qwk", "icc", "beats-constant", "beats-length", "pairs"}},
		"length":          {openaitest.LengthRater(), []string{"qwk", "icc", "beats-constant", "beats-length", "pairs"}},
		"gullible":        {openaitest.GullibleRater(knows(t)), []string{"inflation"}},
		"quote-inventing": {openaitest.QuoteInventingRater(knows(t)), []string{"quotes-made-up", "coverage"}},
		"generous":        {openaitest.NewRater(shifted(knows(t))), []string{"icc"}},
		"contrary":        {openaitest.NewRater(contrary(knows(t))), []string{"qwk", "icc", "beats-constant", "pairs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := tried(t, c.rater, eval.Options{Sample: 25, Attacks: true})
			for _, id := range c.fails {
				if !report.Fails(id) {
					t.Errorf("criterion %s is met:\n%s", id, printed(t, report))
				}
				if !strings.Contains(report.Verdict, id) {
					t.Errorf("the verdict does not name %s: %s", id, report.Verdict)
				}
			}
			if c.fails == nil && len(report.Failed()) > 0 {
				t.Errorf("fails %v:\n%s", report.Failed(), printed(t, report))
			}
			if name == "gullible" && !slices.Equal(report.Failed(), c.fails) {
				t.Errorf("fails %v beside its fault:\n%s", report.Failed(), printed(t, report))
			}
			if report.Quotes.Broken != 0 {
				t.Errorf("%d ranges or quotes were kept that are not in the answer", report.Quotes.Broken)
			}
			if !strings.Contains(report.Verdict, "constructed") || strings.Contains(report.Verdict, "people.") && !strings.Contains(report.Verdict, "not measured") {
				t.Errorf("the verdict calls constructed levels human: %s", report.Verdict)
			}
		})
	}
}

// shifted is two levels too high throughout.
func shifted(opinion openaitest.Opinion) openaitest.Opinion {
	return func(answer string) (int, bool) {
		level, ok := opinion(answer)
		return min(5, level+2), ok
	}
}

func contrary(opinion openaitest.Opinion) openaitest.Opinion {
	return func(answer string) (int, bool) {
		level, ok := opinion(answer)
		return 6 - level, ok
	}
}

func printed(t *testing.T, report eval.Report) string {
	t.Helper()
	var b strings.Builder
	if err := report.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// The built-in set is as large as it claims to be, and length says nothing about its levels.
func TestTheBuiltInSet(t *testing.T) {
	t.Parallel()
	_, set := bankAndSet(t)
	spoken := 0
	for _, a := range set.Attacks {
		if a.Spoken {
			spoken++
		}
	}
	if len(set.Answers) < 120 || len(set.Pairs) < 24 || len(set.Attacks) < 60 || spoken < 20 || len(set.LookAlikes) < 40 {
		t.Errorf("%d answers, %d pairs, %d attacks of which %d can be said, %d look-alikes", len(set.Answers), len(set.Pairs), len(set.Attacks), spoken, len(set.LookAlikes))
	}
	byLevel, points := map[int]int{}, make([]eval.Point, 0, len(set.Answers))
	for _, a := range set.Answers {
		byLevel[a.Level]++
		points = append(points, eval.Point{Gold: float64(a.Level), Given: float64(len(strings.Fields(a.Text)))})
	}
	if rho, ok := eval.Spearman(points); !ok || rho > .15 || rho < -.15 {
		t.Errorf("rank correlation of words with levels is %.2f", rho)
	}
	for level := 1; level <= 5; level++ {
		if byLevel[level] < 20 {
			t.Errorf("level %d has %d answers", level, byLevel[level])
		}
	}
}

// The same rater and set say the same twice, but for the time it took.
func TestTheSameRaterIsFoundTheSameTwice(t *testing.T) {
	t.Parallel()
	noisy := openaitest.NewRater(openaitest.Noisy(knows(t), 40, "noise"))
	options := eval.Options{Sample: 15, Repeat: 1, Attacks: true, Counterfactuals: true}
	first, again := tried(t, noisy, options), tried(t, noisy, options)
	if first.Agreement != again.Agreement || first.Verdict != again.Verdict || first.Pairs.Direction != again.Pairs.Direction {
		t.Errorf("first %s\nagain %s", printed(t, first), printed(t, again))
	}
	if first.Retest == nil || first.Retest.ICC.Value != 1 {
		t.Errorf("a rater that says the same twice: %+v", first.Retest)
	}
	if first.Agreement.MAE.Value == 0 {
		t.Error("the noise was not heard")
	}
}

// Without human ratings there is no human agreement to be had.
func TestConstructedLevelsAreNeverHuman(t *testing.T) {
	t.Parallel()
	bank, set := bankAndSet(t)
	if _, err := eval.Evaluate(t.Context(), &eval.Runner{Bank: bank}, set, eval.Options{Levels: eval.HumanRaters}); !errors.Is(err, eval.ErrNoHumans) {
		t.Fatalf("%v, want %v", err, eval.ErrNoHumans)
	}
	report := tried(t, openaitest.NewRater(knows(t)), eval.Options{Sample: 10})
	card := report.Card()
	if card.LevelsFrom != "construction" || card.Raters != 0 || card.Holds(card.Models, bank) == nil {
		t.Errorf("the card %+v", card)
	}
}

// Two people's levels take the place of the constructed ones, for the answers that they rated.
func TestHumanLevelsAreTheMedianOfThePeople(t *testing.T) {
	t.Parallel()
	bank, set := bankAndSet(t)
	for i := range 20 {
		a := &set.Answers[i*5]
		a.Human = []eval.Human{{Rater: "a", Level: a.Level}, {Rater: "b", Level: a.Level}, {Rater: "c", Level: 1 + i%5}}
	}
	server := openaitest.New()
	defer server.Close()
	server.AnswerChat(openaitest.NewRater(knows(t)))
	model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: "tried"})
	if err != nil {
		t.Fatal(err)
	}
	report, err := eval.Evaluate(t.Context(), &eval.Runner{Bank: bank, Model: model, Parallel: 4}, set, eval.Options{Levels: eval.HumanRaters})
	if err != nil {
		t.Fatal(err)
	}
	if report.Answers != 20 || report.FewestHumans != 3 || report.Agreement.Exact.Value != 1 || report.Humans == nil || report.Humans.QWK.Value != 1 {
		t.Errorf("%s", printed(t, report))
	}
	if !strings.Contains(report.Verdict, "median of at least 3 people") {
		t.Errorf("verdict %q", report.Verdict)
	}
}

// A model that nobody can reach ends the run; it is not a rater without opinions.
func TestAModelThatCannotBeReachedEndsTheRun(t *testing.T) {
	t.Parallel()
	bank, set := bankAndSet(t)
	server := openaitest.New()
	server.Close()
	model, err := assess.NewOpenAIModel(assess.OpenAIConfig{BaseURL: server.BaseURL(), ChatModel: "gone"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = eval.Evaluate(t.Context(), &eval.Runner{Bank: bank, Model: model, Parallel: 4}, set, eval.Options{})
	if err == nil || !strings.Contains(err.Error(), "cannot be reached") {
		t.Errorf("%v", err)
	}
}
