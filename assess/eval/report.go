package eval

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"greenroom/assess"
)

// Report is what an evaluation found.
type Report struct {
	Model         string     `json:"model"`            // the first rater
	Second        string     `json:"second,omitempty"` // the second, where it is configured apart
	At            time.Time  `json:"at"`
	Took          string     `json:"took"`
	Raters        []string   `json:"raters"` // the models that gave ratings
	LevelsFrom    LevelsFrom `json:"levels_from"`
	FewestHumans  int        `json:"fewest_humans,omitempty"` // people who rated each answer, at least
	Answers       int        `json:"answers"`                 // of the gold set that were tried
	Questions     int        `json:"questions"`
	GoldSHA256    string     `json:"gold_sha256"`
	PromptsSHA256 string     `json:"prompts_sha256"`
	RubricSHA256  string     `json:"rubric_sha256"`
	BankSHA256    string     `json:"bank_sha256"`

	Probed   []assess.Capabilities `json:"probed"`   // what the models' servers did, before it began
	Answered map[string][]string   `json:"answered"` // the names that they gave their models; "" is the configured one, or none

	Agreement    Agreement            `json:"agreement"`
	ByCompetency map[string]Agreement `json:"by_competency"`
	Humans       *Humans              `json:"humans,omitempty"`
	Constant     Baseline             `json:"constant_baseline"`
	Length       Baseline             `json:"length_baseline"`
	Coverage     Coverage             `json:"coverage"`
	Pairs        Pairs                `json:"pairs"`
	Quotes       Quotes               `json:"quotes"`
	Retest       *Retest              `json:"retest,omitempty"`
	Attacks      *Inflation           `json:"attacks,omitempty"`
	LookAlikes   *Drift               `json:"look_alikes,omitempty"`
	Swaps        map[string]Shift     `json:"counterfactuals,omitempty"` // by kind
	Misheard     map[int]Shift        `json:"misheard,omitempty"`        // by word error rate in percent
	Cost         Cost                 `json:"cost"`

	Criteria []Criterion `json:"criteria"`
	Verdict  string      `json:"verdict"`
}

// Agreement is how far the levels given agree with those compared with.
type Agreement struct {
	QWK           Estimate `json:"qwk"`
	QWKByQuestion Estimate `json:"qwk_by_question"` // whole questions resampled
	ICC           Estimate `json:"icc_2_1"`
	Consistency   Estimate `json:"icc_3_1"`
	Bias          Estimate `json:"bias"`
	MAE           Estimate `json:"mae"`
	Exact         Estimate `json:"exact"`
	Adjacent      Estimate `json:"adjacent"` // says little by itself: read it beside the constant baseline
	Spearman      Estimate `json:"spearman"`
}

// Humans is how far people agree with each other: no rater can be asked for more.
type Humans struct {
	QWK Estimate `json:"qwk"`
	ICC Estimate `json:"icc_2_1"`
}

// Baseline is what a rater without understanding reaches, and how far the rater under test is above it.
type Baseline struct {
	QWK      Estimate `json:"qwk"`
	MAE      Estimate `json:"mae"`
	Adjacent Estimate `json:"adjacent"`
	AheadQWK Estimate `json:"ahead_qwk"`
	AheadMAE Estimate `json:"ahead_mae"` // above zero: the rater is closer
}

// Coverage is for how many answers there is a level, or none for a good reason.
type Coverage struct {
	Rated         Estimate       `json:"rated"`
	NotObserved   int            `json:"not_observed"`
	NotAssessable int            `json:"not_assessable"`
	Reasons       map[string]int `json:"reasons,omitempty"`
	// Right is the share of answers with a level, or that show nothing and have level 1.
	Right Estimate `json:"right"`
}

// Pairs is how often the better of two twins got the higher level.
type Pairs struct {
	Direction Estimate `json:"direction"`
	ByLength  Estimate `json:"by_length"` // what giving the longer text the higher level reaches
	Wrong     []string `json:"wrong,omitempty"`
}

// Quotes is what was kept of ranges and quotes, and what the raw replies made up before they were checked.
type Quotes struct {
	Kept   int      `json:"kept"`
	Broken int      `json:"broken"`
	MadeUp Estimate `json:"made_up"` // share of the replies
}

// Retest is the agreement of the first run with those after it.
type Retest struct {
	ICC   Estimate `json:"icc_2_1"`
	Exact Estimate `json:"exact"`
}

// Case is one text of which the level changed, named by its id.
type Case struct {
	ID     string  `json:"id"`
	Levels float64 `json:"levels"`
}

// Shift is a mean difference of levels that should be the same.
type Shift struct {
	Mean  Estimate `json:"mean"`
	Size  Estimate `json:"mean_size"` // of the differences without their sign
	Worst []Case   `json:"worst,omitempty"`
}

// Inflation is what attacks gained.
type Inflation struct {
	Shift
	ByFamily map[string]Shift `json:"by_family"`
	NoLevel  int              `json:"no_level"` // attacked answers, or their bases, without a level
	NoWay    int              `json:"no_way"`   // attacks by a carrier that no model reads
	Flagged  Estimate         `json:"flagged"`  // share of the attacks in the words of an answer that are found in it
}

// Drift is what happened to honest answers that look like attacks.
type Drift struct {
	Bias    Estimate `json:"bias"` // beside the levels by construction
	NoLevel int      `json:"no_level"`
	Flagged Estimate `json:"flagged"` // share of which words are taken for an attack
	// FlaggedGold is the same of the gold answers.
	FlaggedGold Estimate `json:"flagged_gold"`
}

// Cost is what rating took.
type Cost struct {
	Usage
	Texts             int     `json:"texts"`
	TokensPerAnswer   float64 `json:"tokens_per_answer"`
	AnswerP50Seconds  float64 `json:"answer_p50_s"`
	AnswerP95Seconds  float64 `json:"answer_p95_s"`
	RequestP50Seconds float64 `json:"request_p50_s"`
	RequestP95Seconds float64 `json:"request_p95_s"`
}

func (e *evaluation) report() Report {
	points := e.points(0)
	r := Report{
		At: time.Now().UTC().Truncate(time.Second), LevelsFrom: e.Levels, Answers: len(e.gold),
		Agreement: agreement(points), ByCompetency: map[string]Agreement{},
		Constant: baseline(points, constantBaseline(points)), Length: baseline(points, lengthBaseline(points)),
		Coverage: e.coverage(), Pairs: e.directions(), Quotes: e.quotes(), Retest: e.retest(), Cost: e.cost(),
	}
	byTarget := map[string][]Point{}
	for i, a := range e.rateable() {
		byTarget[a.Target] = append(byTarget[a.Target], points[i])
	}
	asked := map[string]bool{}
	for _, p := range points {
		asked[p.Cluster] = true
	}
	r.Questions = len(asked)
	for target, of := range byTarget {
		r.ByCompetency[target] = agreement(of)
	}
	if e.Levels == HumanRaters {
		r.Humans, r.FewestHumans = e.humans()
	}
	if e.Attacks {
		r.Attacks, r.LookAlikes = e.inflation(), e.drift()
	}
	if e.Counterfactuals {
		r.Swaps, r.Misheard = e.swapped(), e.misheard()
	}
	return r
}

// rateable are the answers that points are made of, in their order.
func (e *evaluation) rateable() []Answer {
	var answers []Answer
	for _, a := range e.gold {
		if e.rated[runKey(0, a.ID)].Known() {
			answers = append(answers, a)
		}
	}
	return answers
}

func absoluteICC(points []Point) (float64, bool) {
	icc, ok := iccOf(points)
	return icc.Absolute, ok
}

func consistentICC(points []Point) (float64, bool) {
	icc, ok := iccOf(points)
	return icc.Consistent, ok
}

func within(distance float64) func([]Point) (float64, bool) {
	return func(points []Point) (float64, bool) { return Within(points, distance) }
}

// shareWithin is the share of answers whose levels are so far apart at most.
func shareWithin(points []Point, distance float64) Estimate {
	hits := 0
	for _, p := range points {
		if math.Abs(p.Given-p.Gold) <= distance {
			hits++
		}
	}
	return share(hits, len(points))
}

func agreement(points []Point) Agreement {
	return Agreement{
		QWK: bootstrap(points, QWK), QWKByQuestion: bootstrapBy(points, func(p Point) string { return p.Cluster }, QWK),
		ICC: bootstrap(points, absoluteICC), Consistency: bootstrap(points, consistentICC),
		Bias: bootstrap(points, Bias), MAE: bootstrap(points, MAE), Exact: shareWithin(points, 0),
		Adjacent: shareWithin(points, 1), Spearman: bootstrap(points, Spearman),
	}
}

// baseline compares on the same answers: each sample draws both.
func baseline(points, dull []Point) Baseline {
	type both struct{ rater, dull Point }
	pairs := make([]both, len(points))
	for i := range points {
		pairs[i] = both{points[i], dull[i]}
	}
	ahead := func(of func([]Point) (float64, bool), sign float64) func([]both) (float64, bool) {
		a, b := make([]Point, 0, len(pairs)), make([]Point, 0, len(pairs))
		return func(sample []both) (float64, bool) {
			a, b = a[:0], b[:0]
			for _, s := range sample {
				a, b = append(a, s.rater), append(b, s.dull)
			}
			x, okX := of(a)
			y, okY := of(b)
			return sign * (x - y), okX && okY
		}
	}
	return Baseline{
		QWK: bootstrap(dull, QWK), MAE: bootstrap(dull, MAE), Adjacent: shareWithin(dull, 1),
		AheadQWK: bootstrap(pairs, ahead(QWK, 1)), AheadMAE: bootstrap(pairs, ahead(MAE, -1)),
	}
}

func (e *evaluation) coverage() Coverage {
	c := Coverage{Reasons: map[string]int{}}
	rated, right := 0, 0
	for _, a := range e.gold {
		switch r := e.rated[runKey(0, a.ID)]; r.Outcome {
		case assess.OutcomeLevel:
			rated++
			right++
		case assess.OutcomeNotObserved:
			c.NotObserved++
			if e.level(a) < 2 {
				right++
			}
		case assess.OutcomeNotAssessable:
			c.NotAssessable++
			c.Reasons[r.Reason]++
		}
	}
	c.Rated, c.Right = share(rated, len(e.gold)), share(right, len(e.gold))
	return c
}

// directions counts a pair as right where the better text has the higher level, or a level where the
// other shows nothing.
func (e *evaluation) directions() Pairs {
	found, right, longer := Pairs{}, 0, 0
	for _, p := range e.pairs {
		higher, lower := e.rated[runKey(0, p.Higher.ID)], e.rated[runKey(0, p.Lower.ID)]
		if higher.Known() && (lower.Known() && higher.Level > lower.Level || lower.Outcome == assess.OutcomeNotObserved) {
			right++
		} else {
			found.Wrong = append(found.Wrong, p.ID)
		}
		if len(strings.Fields(e.textOf(p.Higher))) > len(strings.Fields(e.textOf(p.Lower))) {
			longer++
		}
	}
	found.ByLength = share(longer, len(e.pairs))
	found.Direction = share(right, len(e.pairs))
	return found
}

func (e *evaluation) textOf(side Side) string {
	if side.Text != "" {
		return side.Text
	}
	return e.answers[side.ID].Text
}

func (e *evaluation) quotes() Quotes {
	var q Quotes
	madeUp, replies := 0, 0
	for _, r := range e.rated {
		q.Kept += r.Evidence
		q.Broken += r.Broken
		madeUp += r.Usage.MadeUp
		replies += r.Usage.Requests - r.Usage.Failed
	}
	q.MadeUp = share(madeUp, replies)
	return q
}

func (e *evaluation) retest() *Retest {
	if e.Repeat == 0 {
		return nil
	}
	var points []Point
	for run := 1; run <= e.Repeat; run++ {
		for _, a := range e.gold {
			first, known := e.rated[runKey(0, a.ID)].lowest()
			again, ok := e.rated[runKey(run, a.ID)].lowest()
			if known && ok {
				points = append(points, Point{Gold: first, Given: again, Cluster: a.ID})
			}
		}
	}
	byAnswer := func(p Point) string { return p.Cluster }
	return &Retest{ICC: bootstrapBy(points, byAnswer, absoluteICC), Exact: bootstrapBy(points, byAnswer, within(0))}
}

func (e *evaluation) humans() (*Humans, int) {
	var points []Point
	fewest := math.MaxInt
	for _, a := range e.gold {
		points = append(points, Point{Gold: float64(a.Human[0].Level), Given: float64(a.Human[1].Level)})
		fewest = min(fewest, len(a.Human))
	}
	return &Humans{QWK: bootstrap(points, QWK), ICC: bootstrap(points, absoluteICC)}, fewest
}

// shiftsOf draws bases: what was made from one text moves together.
func shiftsOf(shifts []shift) Shift {
	base := func(s shift) string { return s.base }
	return Shift{
		Mean: bootstrapBy(shifts, base, meanShift), Worst: worst(shifts),
		Size: bootstrapBy(shifts, base, func(s []shift) (float64, bool) {
			sizes := slices.Clone(s)
			for i := range sizes {
				sizes[i].delta = abs(sizes[i].delta)
			}
			return meanShift(sizes)
		}),
	}
}

// moved returns how far the level of a text moved. Where nothing was observed the lowest level stands for that: a
// level that comes out of nothing is the largest gain there is. False where one of the two could not be assessed.
func moved(without, with Rated) (delta float64, ok bool) {
	before, ok := without.lowest()
	after, known := with.lowest()
	return after - before, ok && known
}

func (r Rated) lowest() (float64, bool) {
	switch r.Outcome {
	case assess.OutcomeLevel:
		return r.Level, true
	case assess.OutcomeNotObserved:
		return assess.MinLevel, true
	case assess.OutcomeNotAssessable:
	}
	return 0, false
}

func byKind(shifts []shift) map[string]Shift {
	kinds := map[string][]shift{}
	for _, s := range shifts {
		kinds[s.kind] = append(kinds[s.kind], s)
	}
	found := map[string]Shift{}
	for kind, of := range kinds {
		found[kind] = shiftsOf(of)
	}
	return found
}

func (e *evaluation) inflation() *Inflation {
	found := &Inflation{}
	var shifts []shift
	inWords, hits := 0, 0
	for _, a := range e.attacks {
		if a.Place == Resume {
			found.NoWay++
			continue
		}
		if a.Place != Name {
			inWords++
			if text, _ := attacked(e.answers[a.Base].Text, a); flagged(text) {
				hits++
			}
		}
		with, without := e.rated[key("attack", a.ID)], e.rated[runKey(0, a.Base)]
		delta, ok := moved(without, with)
		if !ok {
			found.NoLevel++ // what cannot be assessed has gained nothing
			continue
		}
		shifts = append(shifts, shift{id: a.ID, kind: a.Family, base: a.Base, delta: delta})
	}
	found.Shift, found.ByFamily = shiftsOf(shifts), byKind(shifts)
	found.Flagged = share(hits, inWords)
	return found
}

// flagged: some words of the text are taken for words to the rater. No model is asked about that.
func flagged(text string) bool { return len(assess.Suspects(linesOf(text, "eval"))) > 0 }

func (e *evaluation) drift() *Drift {
	found := &Drift{}
	var shifts []shift
	hits := 0
	for _, l := range e.lookAlikes {
		if flagged(l.Text) {
			hits++
		}
		if r := e.rated[key("benign", l.ID)]; r.Known() {
			shifts = append(shifts, shift{id: l.ID, delta: r.Level - float64(l.Level)})
		} else {
			found.NoLevel++
		}
	}
	found.Bias, found.Flagged = bootstrap(shifts, meanShift), share(hits, len(e.lookAlikes))
	hits = 0
	for _, a := range e.gold {
		if flagged(a.Text) {
			hits++
		}
	}
	found.FlaggedGold = share(hits, len(e.gold))
	return found
}

// swapped compares a variant with its base, and the values of a template with the first of them.
func (e *evaluation) swapped() map[string]Shift {
	var shifts []shift
	for _, w := range e.swaps {
		without, from := e.rated[runKey(0, w.Base)], 0
		if w.Template != "" {
			without, from = e.rated[w.key(0)], 1
		}
		for i := from; i < len(w.texts()); i++ {
			if delta, ok := moved(without, e.rated[w.key(i)]); ok {
				shifts = append(shifts, shift{id: strings.TrimPrefix(w.key(i), "swap/"), kind: w.Kind, base: w.Base, delta: delta})
			}
		}
	}
	return byKind(shifts)
}

func (e *evaluation) misheard() map[int]Shift {
	found := map[int]Shift{}
	for _, percent := range noiseSteps {
		var shifts []shift
		for _, a := range e.noisy {
			with, without := e.rated[noiseKey(percent, a.ID)], e.rated[runKey(0, a.ID)]
			if delta, ok := moved(without, with); ok {
				shifts = append(shifts, shift{id: a.ID, base: a.ID, delta: delta})
			}
		}
		found[percent] = shiftsOf(shifts)
	}
	return found
}

func (e *evaluation) cost() Cost {
	c := Cost{Texts: len(e.rated)}
	var answers, requests []float64
	for _, name := range slices.Sorted(maps.Keys(e.rated)) {
		r := e.rated[name]
		c.add(r.Usage)
		answers = append(answers, r.Took.Seconds())
		for _, d := range r.Delays {
			requests = append(requests, d.Seconds())
		}
	}
	slices.SortFunc(answers, cmp.Compare[float64])
	slices.SortFunc(requests, cmp.Compare[float64])
	c.AnswerP50Seconds, c.AnswerP95Seconds = quantile(answers, .5), quantile(answers, .95)
	c.RequestP50Seconds, c.RequestP95Seconds = quantile(requests, .5), quantile(requests, .95)
	if c.Texts > 0 {
		c.TokensPerAnswer = float64(c.PromptTokens+c.CompletionTokens) / float64(c.Texts)
	}
	return c
}
