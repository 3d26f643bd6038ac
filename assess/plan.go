package assess

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"greenroom/consent"
)

// How many questions a plan has, and how often practice lets each be answered.
const (
	LeastQuestions = 2
	UsualQuestions = 4
	MostQuestions  = 8
	PracticeTakes  = 3
)

const (
	examTakes       = 1
	probesAfterEach = 1
)

// ErrUnknownRole says that the bank has no such role.
var ErrUnknownRole = errors.New("unknown role")

// ErrPlanLength says that the role has no plan of that many questions.
var ErrPlanLength = errors.New("no plan of that length")

// PlanOptions are what a plan may be asked for.
type PlanOptions struct {
	Mode      consent.Mode // empty is practice
	Questions int          // 0 is [UsualQuestions]
	// Seed chooses among plans that are equally good, and the order in each kind; 0 is the order of the
	// bank's file. Avoid has the ids of questions that the candidate was asked before, each as often as it
	// was asked. An exam heeds neither.
	Seed  uint64
	Avoid []string
	// Prefer says by id which questions have to do with what the candidate pasted, and how much ([Tailoring]);
	// an exam does not heed it.
	Prefer map[string]int
}

// Plan freezes what a session for the role asks. Behavioural questions come first, then situational and
// technical ones, as evenly as the role has them; no question stands beside a parallel form of its own. Of
// all such plans it takes one that repeats least of what was asked before, then has most that is preferred,
// then names most competencies, then names each about as often as the others.
//
// An exam's plan is the same for everyone, as long as the bank is the same: a first choice in the order of
// the bank's file, [UsualQuestions] long.
func (b Bank) Plan(roleID string, o PlanOptions) (Plan, error) {
	role, ok := b.Role(roleID)
	if !ok {
		return Plan{}, fmt.Errorf("%w %q", ErrUnknownRole, roleID)
	}
	plan := Plan{
		Role: role.ID, RoleTitle: role.Title, BankVersion: b.Version, BankSHA256: b.SHA256,
		Mode: cmp.Or(o.Mode, consent.ModePractice), Takes: PracticeTakes, Probes: probesAfterEach,
	}
	if plan.Mode == consent.ModeExam {
		if o.Questions != 0 && o.Questions != UsualQuestions {
			return Plan{}, fmt.Errorf("%w: an exam has %d questions, not %d", ErrPlanLength, UsualQuestions, o.Questions)
		}
		plan.Takes, o.Seed, o.Avoid, o.Prefer = examTakes, 0, nil, nil
	}
	n := cmp.Or(o.Questions, UsualQuestions)
	if n < LeastQuestions || n > role.MostQuestions() {
		return Plan{}, fmt.Errorf("%w: role %q has plans of %d to %d questions, not %d", ErrPlanLength, roleID, LeastQuestions, role.MostQuestions(), n)
	}
	plan.Questions = newChoice(role, o).questions(n)
	plan.Competencies = b.named(plan.Questions)
	return plan, nil
}

// named returns every competency that the questions name, once, in the order of their first naming.
func (b Bank) named(questions []Question) []Competency {
	var all []Competency
	seen := map[string]bool{}
	for _, q := range questions {
		for _, id := range q.Competencies {
			if !seen[id] {
				seen[id] = true
				all = append(all, b.Competencies[id])
			}
		}
	}
	return all
}

// MostQuestions returns how many questions a plan for the role may have: of parallel forms it has one.
func (r Role) MostQuestions() int { return min(len(r.families()), MostQuestions) }

// LongestPlan returns what a plan of n questions may take at most when every question and the probe after it
// are answered once and nobody asks for a moment.
func (r Role) LongestPlan(n int) time.Duration {
	families := r.families()
	deal := dealKinds(families, n)
	times := map[string][]time.Duration{}
	for _, f := range families {
		longest := time.Duration(0)
		for _, q := range f.forms {
			limit := q.PrepareFor + q.AnswerFor
			for range min(probesAfterEach, len(q.Probes)) {
				limit += ProbeFor
			}
			longest = max(longest, limit)
		}
		times[f.kind] = append(times[f.kind], longest)
	}
	total := time.Duration(0)
	for kind, count := range deal {
		slices.Sort(times[kind])
		for _, t := range times[kind][len(times[kind])-count:] {
			total += t
		}
	}
	return total
}

const (
	kindBehavioural = "behavioural"
	kindSituational = "situational"
	kindTechnical   = "technical"
)

// Kinds returns the kinds of questions, in the order in which a plan asks them.
func Kinds() []string { return []string{kindBehavioural, kindSituational, kindTechnical} }

// kindsAsDealt is the order in which a plan gets them: a short one has a technical question too.
func kindsAsDealt() []string { return []string{kindBehavioural, kindTechnical, kindSituational} }

// family is a question and its parallel forms: the same asked in several ways, with the same kind and
// competencies. A plan asks one of them.
type family struct {
	kind         string
	competencies []string
	forms        []Question
}

func (r Role) families() []family {
	var families []family
	place := map[string]int{}
	for _, q := range r.Questions {
		if q.ParallelOf == "" {
			place[q.ID] = len(families)
			families = append(families, family{kind: q.Kind, competencies: q.Competencies, forms: []Question{q}})
		}
	}
	for _, q := range r.Questions {
		if i, ok := place[q.ParallelOf]; ok && q.ParallelOf != "" {
			families[i].forms = append(families[i].forms, q)
		}
	}
	return families
}

// dealKinds returns how many of each kind a plan of n questions has: dealt out in turn, as far as they go.
func dealKinds(families []family, n int) map[string]int {
	left := map[string]int{}
	for _, f := range families {
		left[f.kind]++
	}
	deal := map[string]int{}
	for n = min(n, len(families)); n > 0; {
		for _, kind := range kindsAsDealt() {
			if n > 0 && left[kind] > 0 {
				left[kind]--
				deal[kind]++
				n--
			}
		}
	}
	return deal
}

// choice looks for the best questions of a role.
type choice struct {
	families []family
	asked    []int // by family: how often its least asked form was asked, which is the one to ask now
	prefer   []int // by family: how much that form is preferred
	siblings []int // by family: how often its other forms were
	form     []int // by family: that form
	order    []int // by family: its place in the order of the seed
}

func newChoice(role Role, o PlanOptions) *choice {
	times := map[string]int{}
	for _, id := range o.Avoid {
		times[id]++
	}
	c := &choice{families: role.families()}
	random := rand.New(rand.NewPCG(o.Seed, 0)) //nolint:gosec // which questions come is no secret
	c.order = make([]int, len(c.families))
	for i := range c.order {
		c.order[i] = i
	}
	if o.Seed != 0 {
		c.order = random.Perm(len(c.families))
	}
	for _, f := range c.families {
		forms := make([]int, len(f.forms))
		for i := range forms {
			forms[i] = i
		}
		if o.Seed != 0 {
			forms = random.Perm(len(f.forms))
		}
		best := slices.MinFunc(forms, func(a, b int) int {
			left, right := f.forms[a].ID, f.forms[b].ID
			return cmp.Or(cmp.Compare(times[left], times[right]), cmp.Compare(o.Prefer[right], o.Prefer[left]))
		})
		all := 0
		for _, q := range f.forms {
			all += times[q.ID]
		}
		asked := times[f.forms[best].ID]
		c.prefer = append(c.prefer, o.Prefer[f.forms[best].ID])
		c.form, c.asked, c.siblings = append(c.form, best), append(c.asked, asked), append(c.siblings, all-asked)
	}
	return c
}

// questions returns the n to ask, in the order to ask them in: n is not more than there are families.
func (c *choice) questions(n int) []Question {
	deal := dealKinds(c.families, n)
	inOrder := make([]int, len(c.families))
	for i := range inOrder {
		inOrder[i] = i
	}
	slices.SortFunc(inOrder, func(a, b int) int { return cmp.Compare(c.order[a], c.order[b]) })
	var chosen []int
	for _, first := range inOrder { // a search that begins in one place only may end beside the best
		if deal[c.families[first].kind] == 0 {
			continue
		}
		found := c.search(first, inOrder, deal)
		if chosen == nil || c.worth(found).less(c.worth(chosen)) {
			chosen = found
		}
	}
	slices.SortFunc(chosen, func(a, b int) int {
		kind := func(i int) int { return slices.Index(Kinds(), c.families[i].kind) }
		return cmp.Or(cmp.Compare(kind(a), kind(b)), cmp.Compare(c.order[a], c.order[b]))
	})
	questions := make([]Question, 0, n)
	for _, i := range chosen {
		questions = append(questions, c.families[i].forms[c.form[i]])
	}
	return questions
}

// search returns a plan that no exchange of one family makes better, begun with the first.
func (c *choice) search(first int, inOrder []int, deal map[string]int) []int {
	chosen := []int{first}
	for _, kind := range Kinds() {
		count := deal[kind]
		if kind == c.families[first].kind {
			count--
		}
		for range count {
			chosen = append(chosen, c.add(chosen, inOrder, kind))
		}
	}
	c.improve(chosen, inOrder)
	return chosen
}

// add returns the family of the kind that makes the chosen ones best.
func (c *choice) add(chosen, inOrder []int, kind string) int {
	best, least := -1, worth{}
	for _, i := range inOrder {
		if c.families[i].kind != kind || slices.Contains(chosen, i) {
			continue
		}
		if w := c.worth(append(slices.Clip(chosen), i)); best < 0 || w.less(least) {
			best, least = i, w
		}
	}
	return best
}

// improve exchanges one chosen family for another of its kind for as long as that makes the plan better.
func (c *choice) improve(chosen, inOrder []int) {
	now := c.worth(chosen)
	for better := true; better; {
		better = false
		for at := range chosen {
			for _, i := range inOrder {
				was := chosen[at]
				if c.families[i].kind != c.families[was].kind || slices.Contains(chosen, i) {
					continue
				}
				chosen[at] = i
				if w := c.worth(chosen); w.less(now) {
					now, better = w, true
				} else {
					chosen[at] = was
				}
			}
		}
	}
}

// worth is what plans are compared by, what matters most first; less is better.
type worth [6]int

func (w worth) less(than worth) bool { return slices.Compare(w[:], than[:]) < 0 }

func (c *choice) worth(chosen []int) worth {
	var w worth
	times := map[string]int{}
	for _, i := range chosen {
		w[0] += c.asked[i]
		w[1] -= c.prefer[i]
		w[4] += c.siblings[i]
		w[5] += c.order[i]
		for _, id := range c.families[i].competencies {
			times[id]++
		}
	}
	w[2] = -len(times)
	for _, n := range times {
		w[3] += n * n
	}
	return w
}
