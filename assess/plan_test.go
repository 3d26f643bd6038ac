package assess

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"greenroom/consent"
)

// planOf is a plan of chosen questions of the built-in bank.
func planOf(t *testing.T, roleID string, questions ...string) Plan {
	t.Helper()
	bank, err := BuiltInBank()
	must(t, err)
	plan, err := bank.Plan(roleID, PlanOptions{})
	must(t, err)
	plan.Questions = nil
	for _, role := range bank.Roles {
		for _, q := range role.Questions {
			if role.ID == roleID && slices.Contains(questions, q.ID) {
				plan.Questions = append(plan.Questions, q)
			}
		}
	}
	if len(plan.Questions) != len(questions) {
		t.Fatalf("role %s has %d of the questions %q", roleID, len(plan.Questions), questions)
	}
	plan.Competencies = bank.named(plan.Questions)
	return plan
}

func TestPlanRefusesWhatThereIsNot(t *testing.T) {
	t.Parallel()
	bank := randomBank(rand.New(rand.NewPCG(1, 1)))
	role := bank.Roles[0]
	for name, c := range map[string]struct {
		role string
		o    PlanOptions
		want error
	}{
		"unknown role":      {"astronaut", PlanOptions{}, ErrUnknownRole},
		"one question":      {role.ID, PlanOptions{Questions: 1}, ErrPlanLength},
		"none":              {role.ID, PlanOptions{Questions: -1}, ErrPlanLength},
		"too many":          {role.ID, PlanOptions{Questions: role.MostQuestions() + 1}, ErrPlanLength},
		"a longer exam":     {role.ID, PlanOptions{Questions: 5, Mode: consent.ModeExam}, ErrPlanLength},
		"the usual exam":    {role.ID, PlanOptions{Questions: UsualQuestions, Mode: consent.ModeExam}, nil},
		"the usual":         {role.ID, PlanOptions{}, nil},
		"the least":         {role.ID, PlanOptions{Questions: LeastQuestions}, nil},
		"as many as it has": {role.ID, PlanOptions{Questions: role.MostQuestions()}, nil},
	} {
		if _, err := bank.Plan(c.role, c.o); !errors.Is(err, c.want) {
			t.Errorf("%s: Plan = %v, want %v", name, err, c.want)
		}
	}
}

// Every plan of every length, seed and history, of the built-in bank and of random ones.
func TestEveryPlanKeepsItsPromises(t *testing.T) {
	t.Parallel()
	built, err := BuiltInBank()
	must(t, err)
	random := rand.New(rand.NewPCG(20261129, 7))
	banks := []Bank{built}
	for range 40 {
		banks = append(banks, randomBank(random))
	}
	for b, bank := range banks {
		for _, role := range bank.Roles {
			for n := LeastQuestions; n <= role.MostQuestions(); n++ {
				for range 3 {
					o := PlanOptions{Questions: n, Seed: random.Uint64N(20), Avoid: someIDs(random, role)}
					of := fmt.Sprintf("bank %d, role %s, %+v", b, role.ID, o)
					plan := checkPlan(t, of, bank, role, o)
					checkBest(t, of, role, o, plan, min(b, 1)) // of the built-in bank always the best
				}
			}
		}
	}
}

func checkPlan(t *testing.T, of string, bank Bank, role Role, o PlanOptions) Plan {
	t.Helper()
	plan, err := bank.Plan(role.ID, o)
	if err != nil {
		t.Fatalf("%s: %v", of, err)
	}
	if again, _ := bank.Plan(role.ID, o); !reflect.DeepEqual(plan, again) {
		t.Errorf("%s: two plans of one seed differ", of)
	}
	if len(plan.Questions) != o.Questions || plan.Mode != consent.ModePractice || plan.Takes != 3 || plan.Probes != 1 {
		t.Errorf("%s: %d questions, %s, %d takes, %d probes", of, len(plan.Questions), plan.Mode, plan.Takes, plan.Probes)
	}
	if plan.BankVersion != bank.Version || plan.BankSHA256 != bank.SHA256 || plan.Role != role.ID {
		t.Errorf("%s: it does not say what it was made of: %s %s %s", of, plan.BankVersion, plan.BankSHA256, plan.Role)
	}
	kinds, known := map[string]int{}, map[string]bool{}
	for _, c := range plan.Competencies {
		if c.ID == "" || known[c.ID] {
			t.Errorf("%s: competency %q stands twice or is none", of, c.ID)
		}
		known[c.ID] = true
	}
	family := map[string]bool{}
	longest := time.Duration(0)
	for i, q := range plan.Questions {
		original := cmp.Or(q.ParallelOf, q.ID)
		if family[original] {
			t.Errorf("%s: question %s stands beside itself or a parallel form", of, q.ID)
		}
		family[original] = true
		kinds[q.Kind]++
		longest += q.PrepareFor + q.AnswerFor + ProbeFor*time.Duration(min(1, len(q.Probes)))
		if i > 0 && slices.Index(Kinds(), q.Kind) < slices.Index(Kinds(), plan.Questions[i-1].Kind) {
			t.Errorf("%s: a %s question comes after a %s one", of, q.Kind, plan.Questions[i-1].Kind)
		}
		for _, c := range plan.CompetenciesOf(q) {
			if !known[c.ID] || len(c.Anchors) == 0 {
				t.Errorf("%s: competency %q of question %s is missing", of, c.ID, q.ID)
			}
		}
		if len(plan.CompetenciesOf(q)) != len(q.Competencies) {
			t.Errorf("%s: question %s has %d competencies, the plan %d of them", of, q.ID, len(q.Competencies), len(plan.CompetenciesOf(q)))
		}
	}
	if want := dealKinds(role.families(), o.Questions); !reflect.DeepEqual(kinds, want) {
		t.Errorf("%s: kinds %v, want %v", of, kinds, want)
	}
	if longest > role.LongestPlan(o.Questions) {
		t.Errorf("%s: it takes %v, longer than the %v that was said", of, longest, role.LongestPlan(o.Questions))
	}
	return plan
}

// checkBest compares a plan with the best that there is, found by looking at all of them; slack is how many
// competencies fewer it may name.
func checkBest(t *testing.T, of string, role Role, o PlanOptions, plan Plan, slack int) {
	t.Helper()
	repeats := func(questions []Question) (n int) {
		for _, q := range questions {
			for _, id := range o.Avoid {
				if id == q.ID {
					n++
				}
			}
		}
		return n
	}
	least, most := -1, 0
	eachPlan(role, o.Questions, func(questions []Question) {
		r, named := repeats(questions), covered(questions)
		switch {
		case least < 0 || r < least:
			least, most = r, named
		case r == least:
			most = max(most, named)
		}
	})
	if got := repeats(plan.Questions); got != least {
		t.Errorf("%s: it repeats %d that were asked, and could repeat %d", of, got, least)
	}
	if got := covered(plan.Questions); got < most-slack {
		t.Errorf("%s: it names %d competencies, and could name %d", of, got, most)
	}
	for i := range plan.Questions {
		for _, other := range role.Questions {
			exchanged := slices.Clone(plan.Questions)
			exchanged[i] = other
			if other.Kind == plan.Questions[i].Kind && repeats(exchanged) == least && len(familiesOf(exchanged)) == len(exchanged) && covered(exchanged) > covered(plan.Questions) {
				t.Errorf("%s: %s in the place of %s names more competencies", of, other.ID, plan.Questions[i].ID)
			}
		}
	}
}

func familiesOf(questions []Question) map[string]bool {
	families := map[string]bool{}
	for _, q := range questions {
		families[cmp.Or(q.ParallelOf, q.ID)] = true
	}
	return families
}

func covered(questions []Question) int {
	named := map[string]bool{}
	for _, q := range questions {
		for _, c := range q.Competencies {
			named[c] = true
		}
	}
	return len(named)
}

// eachPlan visits every choice of n questions with the kinds as they are dealt and no two of a family.
func eachPlan(role Role, n int, visit func([]Question)) {
	families := role.families()
	deal := dealKinds(families, n)
	var chosen []Question
	var from func(int)
	from = func(i int) {
		if len(chosen) == n {
			visit(chosen)
			return
		}
		if i == len(families) {
			return
		}
		if f := families[i]; deal[f.kind] > 0 {
			deal[f.kind]--
			for _, q := range f.forms {
				chosen = append(chosen, q)
				from(i + 1)
				chosen = chosen[:len(chosen)-1]
			}
			deal[f.kind]++
		}
		from(i + 1)
	}
	from(0)
}

func TestAnExamIsTheSameForEveryone(t *testing.T) {
	t.Parallel()
	built, err := BuiltInBank()
	must(t, err)
	random := rand.New(rand.NewPCG(7, 7))
	for _, bank := range []Bank{built, randomBank(random), randomBank(random)} {
		for _, role := range bank.Roles {
			first, err := bank.Plan(role.ID, PlanOptions{Mode: consent.ModeExam})
			must(t, err)
			if first.Takes != 1 || first.Probes != 1 || first.Mode != consent.ModeExam || len(first.Questions) != UsualQuestions {
				t.Errorf("the exam of %s: %s, %d takes, %d probes, %d questions", role.ID, first.Mode, first.Takes, first.Probes, len(first.Questions))
			}
			for range 200 {
				o := PlanOptions{Mode: consent.ModeExam, Seed: random.Uint64(), Avoid: someIDs(random, role)}
				if plan, err := bank.Plan(role.ID, o); err != nil || !reflect.DeepEqual(plan, first) {
					t.Fatalf("the exam of %s differs for %+v (%v)", role.ID, o, err)
				}
			}
		}
	}
}

func TestSeedsAndHistoryGiveOtherQuestions(t *testing.T) {
	t.Parallel()
	bank := randomBank(rand.New(rand.NewPCG(3, 3)))
	role := &bank.Roles[0]
	role.Questions = slices.DeleteFunc(role.Questions, func(q Question) bool { return q.ParallelOf != "" })
	seen := map[string]bool{}
	for seed := range uint64(50) {
		plan, err := bank.Plan(role.ID, PlanOptions{Seed: seed})
		must(t, err)
		seen[fmt.Sprint(idsOf(plan))] = true
	}
	if len(seen) < 2 {
		t.Errorf("50 seeds give one and the same plan")
	}
	// One interview after another: nothing comes twice before every other question of its kind has come.
	var asked []string
	for i := range 3 {
		plan, err := bank.Plan(role.ID, PlanOptions{Seed: uint64(i + 1), Avoid: asked})
		must(t, err)
		asked = append(asked, idsOf(plan)...)
	}
	if distinct := len(slices.Compact(slices.Sorted(slices.Values(asked)))); distinct < 8 {
		t.Errorf("three interviews asked %d different questions: %q", distinct, asked)
	}
}

func TestAPlanIsFrozen(t *testing.T) {
	t.Parallel()
	bank := randomBank(rand.New(rand.NewPCG(5, 5)))
	plan, err := bank.Plan(bank.Roles[0].ID, PlanOptions{})
	must(t, err)
	before := plan.Questions[0].ID
	plan.Questions[0] = Question{ID: "changed"}
	plan.Competencies[0] = Competency{ID: "changed"}
	if again, _ := bank.Plan(bank.Roles[0].ID, PlanOptions{}); again.Questions[0].ID != before || again.Competencies[0].ID == "changed" {
		t.Errorf("changing one plan changed the bank: %+v", again.Questions[0])
	}
}

func idsOf(plan Plan) (ids []string) {
	for _, q := range plan.Questions {
		ids = append(ids, q.ID)
	}
	return ids
}

func someIDs(random *rand.Rand, role Role) (ids []string) {
	for range random.IntN(16) {
		ids = append(ids, role.Questions[random.IntN(len(role.Questions))].ID)
	}
	return ids
}

// randomBank has one role with every kind, some parallel forms, and at least four questions to choose from.
func randomBank(random *rand.Rand) Bank {
	bank := Bank{Version: "v", SHA256: "abc", Competencies: map[string]Competency{}}
	names := make([]string, 6+random.IntN(10))
	for i := range names {
		names[i] = fmt.Sprintf("c%d", i)
		bank.Competencies[names[i]] = Competency{ID: names[i], Anchors: map[int]string{1: "a", 3: "b", 5: "c"}}
	}
	role := Role{ID: "r", Title: "R"}
	for i := range 8 + random.IntN(4) {
		q := Question{
			ID: fmt.Sprintf("q%d", i), Kind: Kinds()[random.IntN(3)], Text: "?",
			PrepareFor: time.Duration(random.IntN(60)) * time.Second, AnswerFor: time.Duration(60+random.IntN(120)) * time.Second,
		}
		for _, at := range random.Perm(len(names))[:1+random.IntN(3)] {
			q.Competencies = append(q.Competencies, names[at])
		}
		role.Questions = append(role.Questions, q)
		if random.IntN(3) == 0 {
			role.Questions = append(role.Questions, Question{
				ID: q.ID + "b", Kind: q.Kind, Text: "??", Competencies: q.Competencies, ParallelOf: q.ID, Probes: []string{"Why?"}, PrepareFor: q.PrepareFor, AnswerFor: q.AnswerFor,
			})
		}
	}
	bank.Roles = []Role{role}
	return bank
}
