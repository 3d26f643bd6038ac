package eval

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"greenroom/assess"
)

func builtInBank(t testing.TB) assess.Bank {
	t.Helper()
	bank, err := assess.BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	return bank
}

const (
	oneAnswer  = `{"id":"a","level":3,"style":"plain","why":"w","text":"I did it.","human":[]}`
	betterText = `{"id":"a-better","level":4,"text":"I did it, because it was late."}`
)

func folder(question, attacks, lookAlikes, swaps string) fstest.MapFS {
	files := fstest.MapFS{"one.json": {Data: []byte(question)}}
	for name, text := range map[string]string{attacksFile: attacks, lookAlikesFile: lookAlikes, swapsFile: swaps} {
		if text != "" {
			files[name] = &fstest.MapFile{Data: []byte(text)}
		}
	}
	return files
}

func goldFile(answers, pairs string) string {
	return `{"question":"se-plan-failed","competency":"ownership","note":"n","answers":[` + answers + `],"pairs":[` + pairs + `]}`
}

func TestASetIsReadWhole(t *testing.T) {
	t.Parallel()
	set, err := Load(folder(
		goldFile(oneAnswer, `{"id":"p","differs":"reason","higher":`+betterText+`,"lower":"a"}`),
		`[{"id":"x","family":"f","base":"a","place":"end","text":"level five","spoken":true,"expect":"no_gain"}]`,
		`[{"id":"l","question":"se-plan-failed","level":2,"text":"They said ignore it.","why":"quoted"}]`,
		`[{"id":"s","base":"a","kind":"name","template":"I am {name}.","values":["A","B"]},{"base":"a","kind":"esl","text":"I have did it."}]`,
	), builtInBank(t))
	if err != nil {
		t.Fatal(err)
	}
	p := set.Pairs[0]
	if set.Answers[0].Target != "ownership" || p.Higher.Text == "" || p.Higher.Level != 4 || p.Lower.ID != "a" || p.Lower.Text != "" || p.Higher.Question != "se-plan-failed" {
		t.Errorf("read %+v", set)
	}
	if len(set.Attacks) != 1 || len(set.LookAlikes) != 1 || len(set.Swaps) != 2 || len(set.SHA256) != 64 {
		t.Errorf("read %+v", set)
	}
}

// Each thing that is wrong in a set is found before anything is asked, and named.
func TestWhatIsWrongInASetIsNamed(t *testing.T) {
	t.Parallel()
	good := goldFile(oneAnswer, "")
	for name, c := range map[string]struct {
		files fstest.MapFS
		want  string
	}{
		"nothing":               {fstest.MapFS{}, "no file *.json"},
		"no JSON":               {folder("level 5", "", "", ""), "one.json"},
		"an unknown field":      {folder(strings.Replace(good, `"note"`, `"grade"`, 1), "", "", ""), "grade"},
		"text after the JSON":   {folder(good+good, "", "", ""), "after the JSON"},
		"an unknown question":   {folder(strings.Replace(good, "se-plan-failed", "nope", 1), "", "", ""), "nope"},
		"an unknown competency": {folder(strings.Replace(good, "ownership", "charm", 1), "", "", ""), "charm"},
		"the same id twice":     {folder(goldFile(oneAnswer+","+oneAnswer, ""), "", "", ""), "id of its own"},
		"level 0":               {folder(goldFile(strings.Replace(oneAnswer, "3", "0", 1), ""), "", "", ""), "level 0"},
		"level 6":               {folder(goldFile(strings.Replace(oneAnswer, "3", "6", 1), ""), "", "", ""), "level 6"},
		"no text":               {folder(goldFile(strings.Replace(oneAnswer, "I did it.", " ", 1), ""), "", "", ""), "text"},
		"a person without name": {folder(goldFile(strings.Replace(oneAnswer, "[]", `[{"rater":"","level":3,"why":""}]`, 1), ""), "", "", ""), "human rating"},
		"a person twice":        {folder(goldFile(strings.Replace(oneAnswer, "[]", `[{"rater":"a","level":3,"why":""},{"rater":"A ","level":4,"why":""}]`, 1), ""), "", "", ""), "rated it twice"},
		"a person's level 9":    {folder(goldFile(strings.Replace(oneAnswer, "[]", `[{"rater":"a","level":9,"why":""}]`, 1), ""), "", "", ""), "human rating"},
		"a pair without answer": {folder(goldFile(oneAnswer, `{"id":"p","differs":"d","higher":`+betterText+`,"lower":"b"}`), "", "", ""), `"b"`},
		"a pair upside down":    {folder(goldFile(oneAnswer, `{"id":"p","differs":"d","higher":"a","lower":`+betterText+`}`), "", "", ""), "not above"},
		"an attack on nothing":  {folder(good, `[{"id":"x","family":"f","base":"b","place":"end","text":"t","spoken":true,"expect":"no_gain"}]`, "", ""), `no answer "b"`},
		"an unknown place":      {folder(good, `[{"id":"x","family":"f","base":"a","place":"under","text":"t","spoken":true,"expect":"no_gain"}]`, "", ""), "under"},
		"an attack that may":    {folder(good, `[{"id":"x","family":"f","base":"a","place":"end","text":"t","spoken":true,"expect":"gain"}]`, "", ""), "no_gain"},
		"a look-alike of none":  {folder(good, "", `[{"id":"l","question":"nope","level":2,"text":"t","why":"w"}]`, ""), "nope"},
		"a swap of nothing":     {folder(good, "", "", `[{"id":"s","base":"b","kind":"esl","text":"t"}]`), `no answer "b"`},
		"a swap of one value":   {folder(good, "", "", `[{"id":"s","base":"a","kind":"name","template":"{n}","values":["A"]}]`), "two values"},
		"a file too large":      {folder(strings.Repeat(" ", maxSetFile)+good, "", "", ""), "bytes"},
	} {
		if _, err := Load(c.files, builtInBank(t)); !errors.Is(err, errSet) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q named", name, err, c.want)
		}
	}
}

// A set of one's own is tried with the built-in attacks, as far as they fit it.
func TestWhatASetHasNoneOfIsBorrowed(t *testing.T) {
	t.Parallel()
	bank := builtInBank(t)
	builtIn, err := BuiltIn(bank)
	if err != nil {
		t.Fatal(err)
	}
	own := Set{Answers: builtIn.Answers[:15]}
	own.BorrowFrom(builtIn)
	if len(own.Pairs) == 0 || len(own.Pairs) == len(builtIn.Pairs) || len(own.Attacks) == 0 || len(own.LookAlikes) == 0 || len(own.Swaps) == 0 {
		t.Errorf("%d pairs, %d attacks, %d look-alikes, %d swaps", len(own.Pairs), len(own.Attacks), len(own.LookAlikes), len(own.Swaps))
	}
	if err := own.check(bank); err != nil {
		t.Errorf("what was borrowed does not fit: %v", err)
	}
	kept := Set{Answers: builtIn.Answers, Attacks: builtIn.Attacks[:1]}
	if kept.BorrowFrom(builtIn); len(kept.Attacks) != 1 {
		t.Errorf("%d attacks in the place of its own", len(kept.Attacks))
	}
}

func FuzzLoad(f *testing.F) {
	f.Add(goldFile(oneAnswer, `{"id":"p","differs":"d","higher":"a","lower":`+betterText+`}`), `[]`)
	f.Add(`{"question":"se-plan-failed"}`, `[{"id":"x","base":"a"}]`)
	bank := builtInBank(f)
	f.Fuzz(func(t *testing.T, question, attacks string) {
		set, err := Load(folder(question, attacks, "", attacks), bank)
		if err != nil {
			return
		}
		for _, a := range set.Answers {
			if a.Level < 1 || a.Level > 5 || strings.TrimSpace(a.Text) == "" {
				t.Errorf("read %+v", a)
			}
		}
		for _, a := range set.Attacks {
			_ = Attacked("some answer", a)
		}
		NewOracle(set)
	})
}
