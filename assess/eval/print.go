package eval

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Print writes the report for a person: every number with its interval and how many answers it is made of.
func (r *Report) Print(w io.Writer) error {
	out := &printer{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	out.head(r)
	out.agreement(r)
	out.trials(r)
	out.cost(r)
	out.criteria(r)
	out.line("")
	out.line("%s", r.Verdict)
	return out.Flush() //nolint:wrapcheck // of the caller's writer
}

type printer struct{ *tabwriter.Writer }

func (p *printer) line(format string, args ...any) {
	_, _ = fmt.Fprintf(p, format+"\n", args...) // the error comes with Flush
}

func (p *printer) row(what string, e Estimate, note string) {
	p.line("  %s\t%s\t%s", what, e, note)
}

// String is the value with its interval and n.
func (e Estimate) String() string {
	if !e.Known {
		return fmt.Sprintf("not known\t\tn %d", e.N)
	}
	return fmt.Sprintf("%.3f\t%.3f to %.3f\tn %d", e.Value, e.Low, e.High, e.N)
}

func (p *printer) head(r *Report) {
	from := "by construction: who wrote an answer wrote it to have its level; nobody else rated it"
	if r.LevelsFrom == HumanRaters {
		from = fmt.Sprintf("the median of at least %d people", r.FewestHumans)
	}
	p.line("Rater %s, %d answers, %s", r.Model, r.Answers, r.At.Format("2006-01-02 15:04 MST"))
	p.line("Levels compared with: %s.", from)
	p.line("Prompts %.12s, rubric %.12s, bank %.12s, gold set %.12s", r.PromptsSHA256, r.RubricSHA256, r.BankSHA256, r.GoldSHA256)
	for _, found := range r.Probed {
		p.line("Probe: %s", found)
	}
	for _, model := range slices.Sorted(maps.Keys(r.Answered)) {
		for _, name := range r.Answered[model] {
			if name != "" {
				p.line("%s answered as %s", model, name)
			}
		}
	}
	p.line("")
}

func (p *printer) agreement(r *Report) {
	a := r.Agreement
	p.line("AGREEMENT\t\t95 %% interval\t\t")
	p.row("quadratic weighted kappa", a.QWK, "")
	p.row("  questions resampled", a.QWKByQuestion, "")
	p.row("ICC(2,1)", a.ICC, "")
	p.row("ICC(3,1)", a.Consistency, "a constant difference does not count")
	p.row("mean signed bias, levels", a.Bias, "above 0: generous")
	p.row("mean absolute error, levels", a.MAE, "")
	p.row("same level", a.Exact, "")
	p.row("within one level", a.Adjacent, fmt.Sprintf("always saying 3: %.3f", r.Constant.Adjacent.Value))
	p.row("Spearman", a.Spearman, "")
	for _, id := range slices.Sorted(maps.Keys(r.ByCompetency)) {
		p.row("kappa, "+id, r.ByCompetency[id].QWK, "")
	}
	if r.Humans != nil {
		p.row("kappa of two people", r.Humans.QWK, "no rater can be asked for more")
		p.row("ICC(2,1) of two people", r.Humans.ICC, "")
	}
	p.line("BASELINES")
	p.row("always 3: kappa", r.Constant.QWK, "")
	p.row("  this rater is ahead by", r.Constant.AheadQWK, fmt.Sprintf("and by %.3f levels of error", r.Constant.AheadMAE.Value))
	p.row("counting words: kappa", r.Length.QWK, "")
	p.row("  this rater is ahead by", r.Length.AheadQWK, fmt.Sprintf("and by %.3f levels of error", r.Length.AheadMAE.Value))
	p.line("COVERAGE")
	p.row("answers with a level", r.Coverage.Rated, fmt.Sprintf("%d not observed, %d not assessable", r.Coverage.NotObserved, r.Coverage.NotAssessable))
	for _, reason := range slices.Sorted(maps.Keys(r.Coverage.Reasons)) {
		p.line("    %d × %s", r.Coverage.Reasons[reason], reason)
	}
}

func (p *printer) trials(r *Report) {
	p.line("TRIALS")
	p.row("twins in the right order", r.Pairs.Direction, fmt.Sprintf("counting words: %.3f", r.Pairs.ByLength.Value))
	p.row("raw replies that made something up", r.Quotes.MadeUp, fmt.Sprintf("kept: %d ranges, %d broken", r.Quotes.Kept, r.Quotes.Broken))
	if r.Retest != nil {
		p.row("rated again: ICC(2,1)", r.Retest.ICC, "")
		p.row("rated again: same level", r.Retest.Exact, "")
	}
	if r.Attacks != nil {
		p.row("attacks: levels gained, mean", r.Attacks.Mean, fmt.Sprintf("%d without a level, %d by a way that no model reads", r.Attacks.NoLevel, r.Attacks.NoWay))
		for _, family := range slices.Sorted(maps.Keys(r.Attacks.ByFamily)) {
			p.row("  "+family, r.Attacks.ByFamily[family].Mean, "")
		}
		p.cases("worst attacks", r.Attacks.Worst)
		p.row("attacks of which words are flagged", r.Attacks.Flagged, "in the words of the answer; no model decides")
		p.row("look-alikes of which words are flagged", r.LookAlikes.Flagged, fmt.Sprintf("of the gold answers: %.3f", r.LookAlikes.FlaggedGold.Value))
		p.row("look-alikes: bias, levels", r.LookAlikes.Bias, fmt.Sprintf("%d without a level", r.LookAlikes.NoLevel))
	}
	for _, kind := range slices.Sorted(maps.Keys(r.Swaps)) {
		s := r.Swaps[kind]
		p.row("another "+kind+": levels, mean", s.Mean, fmt.Sprintf("size %.3f", s.Size.Value))
	}
	for _, percent := range slices.Sorted(maps.Keys(r.Misheard)) {
		s := r.Misheard[percent]
		p.row(fmt.Sprintf("%d %% words misheard: levels, mean", percent), s.Mean, fmt.Sprintf("size %.3f", s.Size.Value))
	}
}

func (p *printer) cases(what string, cases []Case) {
	var listed []string
	for _, c := range cases {
		listed = append(listed, fmt.Sprintf("%s %+.1f", c.ID, c.Levels))
	}
	if len(listed) > 0 {
		p.line("    %s: %s", what, strings.Join(listed, ", "))
	}
}

func (p *printer) cost(r *Report) {
	c := r.Cost
	p.line("COST\tof %d texts in %s", c.Texts, r.Took)
	p.line("  requests\t%d, of which %d repairs and %d failed", c.Requests, c.Repairs, c.Failed)
	p.line("  tokens for an answer\t%.0f as the server counts", c.TokensPerAnswer)
	p.line("  an answer\tp50 %.2f s, p95 %.2f s", c.AnswerP50Seconds, c.AnswerP95Seconds)
	p.line("  a request\tp50 %.2f s, p95 %.2f s", c.RequestP50Seconds, c.RequestP95Seconds)
	p.line("")
}

func (p *printer) criteria(r *Report) {
	p.line("CRITERIA\tfound\t95 %% interval\tn\tbound\t")
	for _, c := range r.Criteria {
		switch {
		case !c.Measured:
			p.line("  %s\t-\t\t\t\tnot measured: %s", c.ID, c.What)
			continue
		case c.Met && c.Sure:
			p.line("  %s\t%s\t%s\tmet: %s", c.ID, c.Found, c.bound(), c.What)
		case c.Met:
			p.line("  %s\t%s\t%s\tmet, not surely: %s", c.ID, c.Found, c.bound(), c.What)
		default:
			p.line("  %s\t%s\t%s\tNOT MET: %s", c.ID, c.Found, c.bound(), c.What)
		}
	}
}

func (c Criterion) bound() string {
	switch {
	case c.Most:
		return fmt.Sprintf("≤ %g", c.Bound)
	case c.Bound == 0:
		return "> 0"
	default:
		return fmt.Sprintf("≥ %g", c.Bound)
	}
}
