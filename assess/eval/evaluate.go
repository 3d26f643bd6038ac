package eval

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"greenroom/assess"
)

// LevelsFrom says where the levels come from that a rater is compared with.
type LevelsFrom string

// Levels by construction are what the writer of an answer intended. They are never called human.
const (
	Construction LevelsFrom = "construction"
	HumanRaters  LevelsFrom = "human" // the median of at least two people
)

// fewestHumans is how many people must have rated an answer for it to count as rated by people.
const fewestHumans = 2

// Options say what is tried beside the gold answers.
type Options struct {
	Sample          int // of each part, at most so many; 0: all
	Repeat          int // rate the gold answers so many times more
	Attacks         bool
	Counterfactuals bool
	Levels          LevelsFrom
}

// ErrNoHumans says that there are no human ratings to compare with.
var ErrNoHumans = fmt.Errorf("no answer of the gold set was rated by %d people: levels by construction are not human ratings", fewestHumans)

// Evaluate rates the set by the runner's model and works out what that shows.
func Evaluate(ctx context.Context, runner *Runner, set Set, options Options) (Report, error) {
	e := evaluation{Options: options, set: set, answers: map[string]Answer{}}
	if e.Levels == "" {
		e.Levels = Construction
	}
	for _, a := range set.Answers {
		e.answers[a.ID] = a
	}
	e.gold = sampled(withLevels(set.Answers, e.Levels), e.Sample)
	if len(e.gold) == 0 {
		return Report{}, ErrNoHumans
	}
	e.pairs = sampled(set.Pairs, e.Sample)
	if e.Attacks {
		e.attacks = sampled(set.Attacks, e.Sample)
		e.lookAlikes = sampled(set.LookAlikes, e.Sample)
	}
	if e.Counterfactuals {
		e.swaps = sampled(set.Swaps, e.Sample)
		e.noisy = sampled(e.gold, mostNoisy)
	}
	begun := time.Now()
	probed, err := runner.probe(ctx)
	if err != nil {
		return Report{}, err
	}
	rated, err := runner.Rate(ctx, e.items())
	if err != nil {
		return Report{}, err
	}
	e.rated = rated
	report := e.report()
	report.Took = time.Since(begun).Round(time.Millisecond).String()
	report.Model, report.GoldSHA256, report.BankSHA256 = runner.Model.Name(), set.SHA256, runner.Bank.SHA256
	report.PromptsSHA256, report.RubricSHA256 = assess.PromptsSHA256(), assess.RubricsSHA256(runner.Bank)
	if runner.Second != nil {
		report.Second = runner.Second.Name()
	}
	report.Probed, report.Answered = probed, map[string][]string{}
	for _, r := range rated {
		for _, model := range r.Models {
			if !slices.Contains(report.Raters, model) {
				report.Raters = append(report.Raters, model)
			}
		}
		for _, n := range r.Answered {
			if !slices.Contains(report.Answered[n.model], n.answered) {
				report.Answered[n.model] = append(report.Answered[n.model], n.answered)
			}
		}
	}
	slices.Sort(report.Raters)
	for _, names := range report.Answered {
		slices.Sort(names)
	}
	report.judge()
	return report, nil
}

// mostNoisy bounds how many answers are tried with words misheard, at each rate of errors.
const mostNoisy = 30

// evaluation is one run.
type evaluation struct {
	Options
	set        Set
	answers    map[string]Answer // all, by id
	gold       []Answer          // with the levels to compare with
	pairs      []Pair
	attacks    []Attack
	lookAlikes []LookAlike
	swaps      []Swap
	noisy      []Answer
	rated      map[string]Rated
}

// withLevels puts the human level in the place of the constructed one; answers without one are left out.
func withLevels(answers []Answer, from LevelsFrom) []Answer {
	if from != HumanRaters {
		return answers
	}
	var rated []Answer
	for _, a := range answers {
		if len(a.Human) >= fewestHumans {
			rated = append(rated, a)
		}
	}
	return rated
}

// level is what the answer is compared with.
func (e *evaluation) level(a Answer) float64 {
	if e.Levels != HumanRaters {
		return float64(a.Level)
	}
	levels := make([]float64, len(a.Human))
	for i, h := range a.Human {
		levels[i] = float64(h.Level)
	}
	slices.Sort(levels)
	return quantile(levels, .5)
}

// sampled draws without replacement, always the same ones, and keeps their order.
func sampled[T any](all []T, n int) []T {
	if n <= 0 || n >= len(all) {
		return all
	}
	random := rand.New(rand.NewPCG(bootstrapSeed, 1)) //nolint:gosec // a sample, not a secret
	chosen := random.Perm(len(all))[:n]
	slices.Sort(chosen)
	some := make([]T, n)
	for i, at := range chosen {
		some[i] = all[at]
	}
	return some
}

// items is everything to be rated, each text once.
func (e *evaluation) items() []Item {
	var items []Item
	known := map[string]bool{}
	add := func(of Answer, key, text, name string) {
		if !known[key] {
			known[key] = true
			items = append(items, Item{Key: key, Question: of.Question, Target: of.Target, Text: text, Name: name})
		}
	}
	base := func(id string) Answer {
		a := e.answers[id]
		add(a, runKey(0, id), a.Text, "")
		return a
	}
	for _, a := range e.gold {
		base(a.ID)
	}
	for run := 1; run <= e.Repeat; run++ {
		for _, a := range e.gold {
			add(a, runKey(run, a.ID), a.Text, "")
		}
	}
	for _, p := range e.pairs {
		for _, side := range []Side{p.Higher, p.Lower} {
			if side.Text != "" {
				add(side.Answer, runKey(0, side.ID), side.Text, "")
			} else {
				base(side.ID)
			}
		}
	}
	for _, a := range e.attacks {
		if a.Place == Resume {
			continue
		}
		of := base(a.Base)
		text, name := attacked(of.Text, a)
		add(of, key("attack", a.ID), text, name)
	}
	for _, l := range e.lookAlikes {
		add(Answer{Question: l.Question, Target: e.targetOf(l.Question)}, key("benign", l.ID), l.Text, "")
	}
	for _, w := range e.swaps {
		of := base(w.Base)
		for i, text := range w.texts() {
			add(of, w.key(i), text, "")
		}
	}
	for _, a := range e.noisy {
		for _, percent := range noiseSteps {
			add(a, noiseKey(percent, a.ID), Misheard(a.Text, percent, a.ID), "")
		}
	}
	return items
}

// targetOf is the competency that the gold set has levels for at a question.
func (e *evaluation) targetOf(question string) string {
	for _, a := range e.set.Answers {
		if a.Question == question {
			return a.Target
		}
	}
	return ""
}

// texts are the variants of a swap.
func (w Swap) texts() []string {
	if w.Text != "" {
		return []string{w.Text}
	}
	texts := make([]string, len(w.Values))
	for i, value := range w.Values {
		texts[i] = fill(w.Template, value)
	}
	return texts
}

// fill puts the value where the template has a word in braces.
func fill(template, value string) string {
	var b strings.Builder
	for rest := template; ; {
		before, after, found := strings.Cut(rest, "{")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		if _, after, found = strings.Cut(after, "}"); !found {
			return b.String()
		}
		b.WriteString(value)
		rest = after
	}
}

func (w Swap) key(i int) string { return key("swap", w.Kind, w.Base, w.ID, fmt.Sprint(i)) }

func noiseKey(percent int, id string) string { return key("noise", fmt.Sprint(percent), id) }

// points pairs the levels of a run with those they are compared with, for the answers that have one.
func (e *evaluation) points(run int) []Point {
	var points []Point
	for _, a := range e.gold {
		if r := e.rated[runKey(run, a.ID)]; r.Known() {
			points = append(points, Point{Gold: e.level(a), Given: r.Level, Cluster: a.Question, Words: len(strings.Fields(a.Text))})
		}
	}
	return points
}

// shift is a difference of two levels of texts that should have the same.
type shift struct {
	id    string
	kind  string
	base  string // the text that it was made from
	delta float64
}

func meanShift(shifts []shift) (float64, bool) {
	if len(shifts) == 0 {
		return 0, false
	}
	sum := 0.0
	for _, s := range shifts {
		sum += s.delta
	}
	return sum / float64(len(shifts)), true
}

// mostCases bounds the list of texts whose level changed most.
const mostCases = 10

// worst lists the shifts furthest from zero.
func worst(shifts []shift) []Case {
	sorted := slices.Clone(shifts)
	slices.SortStableFunc(sorted, func(a, b shift) int { return cmp.Compare(abs(b.delta), abs(a.delta)) })
	var cases []Case
	for _, s := range sorted[:min(mostCases, len(sorted))] {
		if s.delta != 0 {
			cases = append(cases, Case{ID: s.id, Levels: s.delta})
		}
	}
	return cases
}

func abs(x float64) float64 { return max(x, -x) }
