package eval

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// Replayed is what a replay found: ids, levels, hashes and counts, and nothing that anybody said.
type Replayed struct {
	At      time.Time       `json:"at"`
	Raters  []string        `json:"raters"` // the models that rated again
	Listed  int             `json:"listed"` // sessions
	Rated   int             `json:"rated"`  // sessions of which an answer was rated again
	Unrated int             `json:"unrated"`
	Refused map[Refusal]int `json:"refused"`
	Answers int             `json:"answers"` // that were rated again
	Failed  int             `json:"failed"`  // answers that the model did not answer for

	Overall      LevelDrift            `json:"overall"`
	ByCompetency map[string]LevelDrift `json:"by_competency"`
	// Levels that are there on one side alone: those that are gone, those that came.
	Lost    int `json:"levels_lost"`
	Gained  int `json:"levels_gained"`
	NoLevel int `json:"no_level"` // on neither side
	// Same is the share of levels that are the same, where a level that is gone or came is another one.
	Same Estimate `json:"same"`

	Largest []LevelChange `json:"largest"` // levels that moved most, at most [mostChanges]

	Models  Told `json:"models"`
	Prompts Told `json:"prompts"`
	Rubrics Told `json:"rubrics,omitzero"` // absent: not known
	Banks   Told `json:"banks"`

	Requests int `json:"requests"`
	Tokens   int `json:"tokens"` // as the server counts

	Checks []LimitCheck `json:"checks,omitempty"`
}

// LevelDrift is how far new levels lie from the old ones of the same answers.
type LevelDrift struct {
	N          int      `json:"n"` // levels on both sides
	Exact      Estimate `json:"exact"`
	Difference Estimate `json:"difference"` // new less old; above 0: levels rose
	MAE        Estimate `json:"mae"`
	QWK        Estimate `json:"qwk"`
}

// LevelChange is one competency of one answer and its two levels, 0 for none.
type LevelChange struct {
	Session    consent.SessionID `json:"session"`
	Question   int               `json:"question"`
	Take       int               `json:"take"`
	Competency string            `json:"competency"`
	Old        int               `json:"old"`
	New        int               `json:"new"`
}

// Told is one thing that ratings are stored with, before and now.
type Told struct {
	Old     []string `json:"old"`
	New     []string `json:"new"`
	Changed int      `json:"changed"` // competencies of answers for which it is not the same
}

// mostChanges bounds the list of changes.
const mostChanges = 20

// sum makes the numbers of what was compared.
func (r *Replayed) sum(pairs []pair) {
	byCompetency := map[string][]pair{}
	var both, either []pair
	for _, p := range pairs {
		switch hadLevel, hasLevel := p.old.Outcome == assess.OutcomeLevel, p.again.Outcome == assess.OutcomeLevel; {
		case hadLevel && hasLevel:
			both = append(both, p)
			byCompetency[p.Competency] = append(byCompetency[p.Competency], p)
			if p.Old != p.New {
				r.Largest = append(r.Largest, p.LevelChange)
			}
		case hadLevel:
			r.Lost++
		case hasLevel:
			r.Gained++
		default:
			r.NoLevel++
			continue
		}
		either = append(either, p)
	}
	r.Overall, r.ByCompetency = driftOf(both), map[string]LevelDrift{}
	r.Same = bootstrapBy(pointsOf(either), clusterOf, within(0))
	for id, of := range byCompetency {
		r.ByCompetency[id] = driftOf(of)
	}
	slices.SortStableFunc(r.Largest, func(a, b LevelChange) int { return cmp.Compare(b.size(), a.size()) })
	r.Largest = r.Largest[:min(len(r.Largest), mostChanges)]
	r.Models = told(pairs, func(rater assess.Rater) string { return rater.Model })
	r.Prompts = told(pairs, func(rater assess.Rater) string { return rater.PromptSHA256 })
	r.Rubrics = told(pairs, func(rater assess.Rater) string { return rater.RubricSHA256 })
	r.Banks = told(pairs, func(rater assess.Rater) string { return rater.BankSHA256 })
}

func (c LevelChange) size() int { return max(c.New-c.Old, c.Old-c.New) }

func driftOf(pairs []pair) LevelDrift {
	points := pointsOf(pairs)
	return LevelDrift{
		N: len(points), Exact: bootstrapBy(points, clusterOf, within(0)), Difference: bootstrapBy(points, clusterOf, Bias),
		MAE: bootstrapBy(points, clusterOf, MAE), QWK: bootstrapBy(points, clusterOf, QWK),
	}
}

// pointsOf has whole sessions drawn for the intervals: the answers of one person resemble each other. Within one
// session levels are drawn.
func pointsOf(pairs []pair) []Point {
	points := make([]Point, len(pairs))
	sessions := map[consent.SessionID]bool{}
	for i, p := range pairs {
		sessions[p.Session] = true
		points[i] = Point{Gold: float64(p.Old), Given: float64(p.New), Cluster: string(p.Session)}
	}
	if len(sessions) < 2 {
		for i := range points {
			points[i].Cluster = strconv.Itoa(i)
		}
	}
	return points
}

func clusterOf(p Point) string { return p.Cluster }

func told(pairs []pair, of func(assess.Rater) string) Told {
	var all Told
	for _, p := range pairs {
		old, again := distinct(p.oldRaters, of), distinct(p.againRaters, of)
		if !slices.Equal(old, again) {
			all.Changed++
		}
		all.Old, all.New = append(all.Old, old...), append(all.New, again...)
	}
	slices.Sort(all.Old)
	slices.Sort(all.New)
	all.Old, all.New = slices.Compact(all.Old), slices.Compact(all.New)
	return all
}

func distinct(raters []assess.Rater, of func(assess.Rater) string) []string {
	var values []string
	for _, rater := range raters {
		values = append(values, of(rater))
	}
	slices.Sort(values)
	return slices.Compact(values)
}

func byPlace(a, b assess.Evidence) int {
	return cmp.Or(cmp.Compare(a.Line.Epoch, b.Line.Epoch), cmp.Compare(a.Line.Sequence, b.Line.Sequence), cmp.Compare(a.First, b.First))
}

// Print writes the drift for a person.
func (r *Replayed) Print(w io.Writer) error {
	out := &printer{tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	out.line("Rated again by %s, %s", strings.Join(r.Raters, " and "), r.At.Format("2006-01-02 15:04 MST"))
	out.line("%d sessions listed: %d rated again, %d that no model had rated", r.Listed, r.Rated, r.Unrated)
	for _, why := range slices.Sorted(maps.Keys(r.Refused)) {
		out.line("  %d refused: %s", r.Refused[why], why)
	}
	out.line("%d answers rated again, %d that the model did not answer for; %d requests, %d tokens as the server counts", r.Answers, r.Failed, r.Requests, r.Tokens)
	out.line("Nothing that is stored was changed.")
	out.line("")
	out.drift("DRIFT, all competencies", r.Overall)
	for _, id := range slices.Sorted(maps.Keys(r.ByCompetency)) {
		out.drift(id, r.ByCompetency[id])
	}
	out.line("Levels on one side alone: %d are gone, %d came; %d have none on either side.", r.Lost, r.Gained, r.NoLevel)
	out.row("same level, of those on either side", r.Same, "")
	out.changes(r.Largest)
	out.line("")
	out.line("WHAT RATED\tbefore\tnow\tchanged for")
	for _, t := range []struct {
		what string
		told Told
	}{{"models", r.Models}, {"prompts", r.Prompts}, {"rubrics", r.Rubrics}, {"banks", r.Banks}} {
		if len(t.told.Old)+len(t.told.New) == 0 {
			continue // not known
		}
		out.line("  %s\t%s\t%s\t%d levels or none", t.what, short(t.told.Old), short(t.told.New), t.told.Changed)
	}
	out.checks(r.Checks)
	return out.Flush() //nolint:wrapcheck // of the caller's writer
}

func (p *printer) drift(what string, d LevelDrift) {
	p.line("%s\t\t95 %% interval\tn %d", what, d.N)
	p.row("same level", d.Exact, "")
	p.row("mean difference, levels", d.Difference, "above 0: levels rose")
	p.row("mean absolute difference, levels", d.MAE, "")
	p.row("quadratic weighted kappa", d.QWK, "")
}

func (p *printer) changes(largest []LevelChange) {
	if len(largest) == 0 {
		return
	}
	p.line("LARGEST CHANGES\tquestion\ttake\tlevel\tcompetency")
	for _, c := range largest {
		p.line("  %s\t%d\t%d\t%d to %d\t%s", c.Session, c.Question+1, c.Take, c.Old, c.New, c.Competency)
	}
}

// short lists what is there: hashes by their beginning, and of many only how many there are.
func short(values []string) string {
	const most = 4
	if len(values) > most {
		return fmt.Sprintf("%d of them", len(values))
	}
	var list []string
	for _, v := range values {
		if len(v) == 64 {
			v = v[:12]
		}
		list = append(list, v)
	}
	return strings.Join(list, ", ")
}
