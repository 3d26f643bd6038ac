package assess

import (
	"errors"
	"strings"
	"testing"
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
		plan, err := bank.Plan(role.ID)
		if err != nil {
			t.Fatalf("plan for %s: %v", role.ID, err)
		}
		known := map[string]bool{}
		for _, c := range plan.Competencies {
			known[c.ID] = true
		}
		for _, q := range plan.Questions {
			for _, c := range q.Competencies {
				if !known[c] {
					t.Errorf("the plan for %s lacks competency %s of question %s", role.ID, c, q.ID)
				}
			}
		}
		if plan.BankSHA256 != bank.SHA256 || plan.BankVersion != bank.Version {
			t.Errorf("the plan for %s does not say which bank it came from", role.ID)
		}
	}
}

func TestPlanRefusesUnknownRole(t *testing.T) {
	bank, err := BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bank.Plan("astronaut"); !errors.Is(err, ErrUnknownRole) {
		t.Errorf("Plan(astronaut) = %v, want ErrUnknownRole", err)
	}
}

func TestParseBankNamesWhatIsWrong(t *testing.T) {
	const role = `"roles":[{"id":"r","title":"R","summary":"","questions":[%Q]}]`
	const good = `{"id":"c","name":"C","definition":"d","anchors":{"1":"a","3":"b","5":"c"}}`
	file := func(competencies, question string) string {
		return `{"version":"v","competencies":[` + competencies + `],` + strings.Replace(role, "%Q", question, 1) + `}`
	}
	question := func(kind, competency string, prepare, answer string) string {
		return `{"id":"q","kind":"` + kind + `","text":"t","competencies":["` + competency + `"],"prepare_s":` + prepare + `,"answer_s":` + answer + `}`
	}
	for name, c := range map[string]struct{ file, want string }{
		"unknown field":      {`{"version":"v","extra":1}`, "unknown field"},
		"no version":         {`{"competencies":[],"roles":[]}`, "no version"},
		"missing anchor":     {file(`{"id":"c","name":"C","definition":"d","anchors":{"1":"a","5":"c"}}`, question("technical", "c", "30", "60")), "no anchor for level 3"},
		"unknown competency": {file(good, question("technical", "x", "30", "60")), "unknown competency"},
		"unknown kind":       {file(good, question("quiz", "c", "30", "60")), "unknown kind"},
		"time out of range":  {file(good, question("technical", "c", "30", "5000")), "out of range"},
		"role no questions":  {`{"version":"v","competencies":[],"roles":[{"id":"r","title":"R","summary":"","questions":[]}]}`, "questions"},
	} {
		if _, err := ParseBank([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ParseBank = %v, want an error with %q", name, err, c.want)
		}
	}
	if _, err := ParseBank([]byte(file(good, question("technical", "c", "30", "60")))); err != nil {
		t.Errorf("a good bank is refused: %v", err)
	}
}

func FuzzParseBank(f *testing.F) {
	f.Add(bankJSON)
	f.Add([]byte(`{"version":"v"}`))
	f.Fuzz(func(t *testing.T, file []byte) {
		bank, err := ParseBank(file)
		if err != nil {
			return
		}
		for _, role := range bank.Roles {
			if _, err := bank.Plan(role.ID); err != nil {
				t.Errorf("an accepted bank gives no plan for %q: %v", role.ID, err)
			}
		}
	})
}
