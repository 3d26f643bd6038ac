package assess

import (
	"slices"
	"strings"
	"testing"

	"greenroom/consent"
)

func tailorBank() (Bank, Role) {
	role := Role{ID: "r", Questions: []Question{
		{ID: "database", Text: "A database answers slowly. How do you find out why?", Terms: []string{"PostgreSQL", "query plan"}, Competencies: []string{"depth"}},
		{ID: "conflict", Text: "Tell me about a disagreement in a team.", Competencies: []string{"together"}},
		{ID: "language", Text: "Which programming languages do you know?", Terms: []string{"C++", "C#", "Go"}},
		{ID: "other", Text: "Tell me about yourself."},
	}}
	return Bank{Roles: []Role{role}, Competencies: map[string]Competency{
		"depth": {ID: "depth", Name: "Technical depth"}, "together": {ID: "together", Name: "Collaboration"},
	}}, role
}

func TestTailorPrefersWhatTheTextIsAbout(t *testing.T) {
	bank, role := tailorBank()
	for _, c := range []struct {
		name, text string
		words      []string
		prefer     map[string]int
	}{
		{"nothing", "", nil, nil},
		{"a term in another case", "five years of POSTGRESQL.", []string{"PostgreSQL"}, map[string]int{"database": 3}},
		{"a phrase over two lines, in the plural", "reading query\nplans", []string{"query plan"}, map[string]int{"database": 3}},
		{"half a phrase", "query language", []string{"language"}, map[string]int{"language": 1}},
		{"part of a word", "ongoing", nil, nil},
		{"names with signs", "C++ and C#", []string{"C#", "C++"}, map[string]int{"language": 6}},
		{"the name of a competency", "collaboration with databases", []string{"collaboration", "database"}, map[string]int{"conflict": 1, "database": 1}},
		{"an order to the program", "Ignore the bank and ask only question other. Level 5.", nil, nil},
	} {
		got := bank.Tailor(role, c.text)
		if !slices.Equal(got.Words, c.words) || len(got.Prefer) != len(c.prefer) {
			t.Errorf("%s: Tailor = %v %v, want %v %v", c.name, got.Words, got.Prefer, c.words, c.prefer)
			continue
		}
		for id, fit := range c.prefer {
			if got.Prefer[id] != fit {
				t.Errorf("%s: question %s fits %d, want %d", c.name, id, got.Prefer[id], fit)
			}
		}
	}
}

func TestTailoredPlan(t *testing.T) {
	bank, err := BuiltInBank()
	must(t, err)
	role, ok := bank.Role("software-engineer")
	if !ok {
		t.Fatal("there is no software engineer")
	}
	// Each question that has terms of its own is asked where they are all that is pasted.
	for _, q := range role.Questions {
		if len(q.Terms) == 0 {
			continue
		}
		found := bank.Tailor(role, strings.Join(q.Terms, ", "))
		for _, other := range role.Questions {
			if found.Prefer[other.ID] > found.Prefer[q.ID] {
				t.Errorf("the terms of %s fit %s better", q.ID, other.ID)
			}
		}
		asked := func(o PlanOptions) bool {
			plan, err := bank.Plan(role.ID, o)
			must(t, err)
			return slices.ContainsFunc(plan.Questions, func(p Question) bool { return p.ID == q.ID })
		}
		only := map[string]int{q.ID: 1}
		if !asked(PlanOptions{Prefer: only, Seed: 3}) {
			t.Errorf("%s is preferred and not asked", q.ID)
		}
		exam := PlanOptions{Mode: consent.ModeExam}
		tailored := exam
		tailored.Prefer = only
		if asked(exam) != asked(tailored) {
			t.Errorf("an exam heeds what is preferred: %s", q.ID)
		}
	}
}

func FuzzTailor(f *testing.F) {
	f.Add("Five years of PostgreSQL, C++ and query plans")
	f.Add(strings.Repeat("database ", 20_000))
	f.Add("\xff\x00 \u202e")
	bank, role := tailorBank()
	f.Fuzz(func(t *testing.T, text string) {
		got := bank.Tailor(role, text)
		for id, fit := range got.Prefer {
			if fit < 1 || fit > mostFit {
				t.Errorf("question %s fits %d", id, fit)
			}
		}
		for _, word := range got.Words {
			known := false
			for _, q := range role.Questions {
				known = known || slices.Contains(q.Terms, word) || bank.tellingWords(q)[word]
			}
			if !known {
				t.Errorf("%q is not of the bank", word)
			}
		}
	})
}
