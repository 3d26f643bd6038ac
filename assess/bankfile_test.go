package assess

import (
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"
)

func TestBuiltInBankIsWhole(t *testing.T) {
	bank, err := BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	if len(bank.Roles) < 2 {
		t.Errorf("the bank has %d roles, want at least 2", len(bank.Roles))
	}
	for _, role := range bank.Roles {
		if len(role.Questions) < 4 {
			t.Errorf("role %s has %d questions, want at least 4", role.ID, len(role.Questions))
		}
		for n := LeastQuestions; n <= MostQuestions; n++ {
			if _, err := bank.Plan(role.ID, PlanOptions{Questions: n}); err != nil && n <= UsualQuestions {
				t.Errorf("role %s: %v", role.ID, err)
			}
		}
	}
}

// bankFolder is a bank of one role.
func bankFolder(competencies, role string) fs.FS {
	return fstest.MapFS{"competencies.json": {Data: []byte(competencies)}, "role-r.json": {Data: []byte(role)}}
}

func TestReadBankNamesWhatIsWrong(t *testing.T) {
	const good = `{"id":"c","name":"C","definition":"d","anchors":{"1":"a","3":"b","5":"c"}}`
	competencies := func(list string) string { return `{"version":"v","competencies":[` + list + `]}` }
	role := func(questions string) string {
		return `{"id":"r","title":"R","summary":"","questions":[` + questions + `]}`
	}
	question := func(kind, competency string, prepare, answer string) string {
		return `{"id":"q","kind":"` + kind + `","text":"t","competencies":["` + competency + `"],"prepare_s":` + prepare + `,"answer_s":` + answer + `}`
	}
	fine := role(question("technical", "c", "30", "60"))
	for name, c := range map[string]struct{ competencies, role, want string }{
		"unknown field":      {`{"version":"v","extra":1}`, fine, "unknown field"},
		"no version":         {`{"competencies":[` + good + `]}`, fine, "no version"},
		"missing anchor":     {competencies(`{"id":"c","name":"C","definition":"d","anchors":{"1":"a","5":"c"}}`), fine, "no anchor for level 3"},
		"unknown competency": {competencies(good), role(question("technical", "x", "30", "60")), "unknown competency"},
		"unknown kind":       {competencies(good), role(question("quiz", "c", "30", "60")), "unknown kind"},
		"time out of range":  {competencies(good), role(question("technical", "c", "30", "5000")), "out of range"},
		"role no questions":  {competencies(good), role(""), "questions"},
		"not JSON":           {competencies(good), "role", "role-r.json"},
	} {
		if _, err := ReadBank(bankFolder(c.competencies, c.role)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ReadBank = %v, want an error with %q", name, err, c.want)
		}
	}
	if _, err := ReadBank(bankFolder(competencies(good), fine)); err != nil {
		t.Errorf("a good bank is refused: %v", err)
	}
}

func FuzzReadBank(f *testing.F) {
	files, err := bankFiles.ReadDir("bank")
	if err != nil {
		f.Fatal(err)
	}
	competencies, err := bankFiles.ReadFile("bank/competencies.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		role, err := bankFiles.ReadFile("bank/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(competencies), string(role))
	}
	f.Add(`{"version":"v"}`, `{}`)
	f.Fuzz(func(t *testing.T, competencies, role string) {
		bank, err := ReadBank(bankFolder(competencies, role))
		if err != nil {
			return
		}
		for _, role := range bank.Roles {
			if _, err := bank.Plan(role.ID, PlanOptions{}); err != nil {
				t.Errorf("an accepted bank gives no plan for %q: %v", role.ID, err)
			}
		}
	})
}
