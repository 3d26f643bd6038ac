package assess

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// allTerms are those of every question of the bank.
func allTerms(t *testing.T) (terms []string) {
	t.Helper()
	bank, err := BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	for _, role := range bank.Roles {
		for _, question := range role.Questions {
			terms = append(terms, question.Terms...)
		}
	}
	slices.Sort(terms)
	if terms = slices.Compact(terms); len(terms) < 20 {
		t.Fatalf("the bank has %d terms", len(terms))
	}
	return terms
}

func TestTermsAreRepaired(t *testing.T) {
	terms := []string{
		"PostgreSQL", "Kubernetes", "CI", "KPI", "SQL", "CSV", "REST", "Tableau", "idempotent", "idempotency key", "load balancer",
		"goroutine", "percentile", "timeout", "migration", "Terraform", "TypeScript", "on-call", "latency",
	}
	tests := []struct{ heard, want string }{
		{"We moved to post gress, in the spring.", "We moved to PostgreSQL, in the spring."},
		{"It was Postgre SQL then.", "It was PostgreSQL then."},
		{"then Cooper Netties restarted it", "then Kubernetes restarted it"},
		{"a cubernetes cluster", "a Kubernetes cluster"},
		{"the s q l was slow", "the SQL was slow"},
		{"the Sql was slow", "the SQL was slow"},
		{"a c.s.v. file", "a CSV. file"},
		{"on a tablo board", "on a Tableau board"},
		{"the idem potency key", "the idempotency key"},
		{"each go rooteen waits", "each goroutine waits"},
		{"in typescript", "in TypeScript"},
		{"our Kpi fell", "our KPI fell"},
		// Left as they are.
		{"The post office was closed, and I read it.", ""},
		{"I had a rest and then a call, time out.", ""},
		{"Rest assured that they called me on call.", ""},
		{"An idempotence check of idempotently sent requests.", ""},
		{"goroutines, percentiles and migrations", ""},
		{"We migrated it, and percent by percent it went.", ""},
		{"PostgreSQL, Kubernetes and SQL.", ""},
		{"We moved to Postgres's own tool.", ""}, // as good
		{"with terraform", ""},                   // a capital is no news
		{"load balancers and a goroutine in a loop", ""},
		{"anticoagulation and first and foremost", ""},
		{"my cousin Cassidy and Miss Vermont", ""},
		{"post, gress", ""},
		{"- post, - gress -", ""},
		{"", ""},
	}
	for _, test := range tests {
		t.Run(test.heard, func(t *testing.T) {
			words := sureWords(test.heard, 0.4)
			before := slices.Clone(words)
			repaired := repairTerms(words, terms)
			want := test.want
			if want == "" {
				want = wordsText(before)
			}
			if got := wordsText(repaired); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if !slices.Equal(words, before) {
				t.Error("the words that were given changed")
			}
			checkTimes(t, repaired, 0, time.Second)
		})
	}
}

func TestWhatWasHeardIsKept(t *testing.T) {
	words := sureWords("in post gress, with an idem potency key.", 0.4)
	words[2].Confidence = 0.3
	repaired := repairTerms(words, []string{"PostgreSQL", "idempotency key"})
	var heard []string
	for _, word := range repaired {
		heard = append(heard, word.Text+"="+word.Heard)
	}
	want := []string{"in=", "PostgreSQL,=post gress,", "with=", "an=", "idempotency=idem potency key.", "key.=idem potency key."}
	if !slices.Equal(heard, want) {
		t.Errorf("got %q, want %q", heard, want)
	}
	if first := repaired[1]; first.Start != words[1].Start || first.End != words[2].End || first.Confidence != 0.3 {
		t.Errorf("the term is %+v", first)
	}
}

func TestSureWordsAreNotTakenForTerms(t *testing.T) {
	if got := wordsText(repairTerms(sureWords("my friend Tablo", 0.95), []string{"Tableau"})); got != "my friend Tablo" {
		t.Errorf("got %q", got)
	}
}

// Ordinary text, and the answers that the bank and the gold set hold, with the terms of all questions at once.
func TestOrdinaryTextIsLeftAlone(t *testing.T) {
	terms := allTerms(t)
	words := 0
	root := os.DirFS("..")
	spaced := regexp.MustCompile(`[A-Za-z][a-z]+(?:[,.;:?!]? [A-Za-z][a-z']*[,.;:?!]?){4,}`) // sentences, no code and no tables
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && (strings.HasPrefix(entry.Name(), ".") && path != "." || entry.Name() == "node_modules" || entry.Name() == "dist") {
			return fs.SkipDir
		}
		prose := filepath.Ext(path) == ".md" || strings.HasPrefix(path, "assess/bank/") || strings.HasPrefix(path, "assess/eval/") && filepath.Ext(path) == ".json"
		if entry.IsDir() || !prose || path == "docs/transcription.md" { // which is about misheard terms
			return nil
		}
		raw, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		for _, sentence := range spaced.FindAllString(string(raw), -1) {
			heard := sureWords(sentence, 0.4)
			words += len(heard)
			for _, word := range repairTerms(heard, terms) {
				if word.Heard != "" {
					t.Errorf("%s: %q became %q in %q", path, word.Heard, word.Text, sentence)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d words with %d terms", words, len(terms))
	if words < 20_000 {
		t.Errorf("only %d words were read", words)
	}
}

func FuzzRepairTerms(f *testing.F) {
	f.Add("we moved to post gress, in spring", "PostgreSQL")
	f.Add("… é-x a.b 5", "ÉX|5|sql| |é")
	f.Add("s q l", "SQL|Q L")
	f.Fuzz(func(t *testing.T, text, list string) {
		if len(text) > 2000 || len(list) > 200 {
			return
		}
		words := sureWords(cleanText(text), 0.4)
		repaired := repairTerms(words, strings.Split(cleanText(list), "|"))
		checkTimes(t, repaired, 0, time.Second)
		for _, word := range repaired {
			if word.Text == "" || strings.IndexFunc(word.Text, isGap) >= 0 {
				t.Errorf("%q has the word %q", text, word.Text)
			}
		}
	})
}

func BenchmarkRepairTerms(b *testing.B) {
	words := sureWords(strings.Repeat("We moved the orders table to post gress and wrote an idempotent migration for it. ", 5), 0.4)
	terms := []string{"PostgreSQL", "migration", "idempotent", "goroutine", "percentile", "timeout", "load balancer", "Kubernetes"}
	for b.Loop() {
		repairTerms(words, terms)
	}
}
