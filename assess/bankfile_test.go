package assess

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
)

func TestBuiltInBankIsWhole(t *testing.T) {
	t.Parallel()
	bank, err := BuiltInBank()
	if err != nil {
		t.Fatal(err)
	}
	if len(bank.Roles) < 6 {
		t.Errorf("the bank has %d roles, want at least 6", len(bank.Roles))
	}
	for _, role := range bank.Roles {
		kinds, pairs := map[string]int{}, 0
		for _, q := range role.Questions {
			kinds[q.Kind]++
			if q.ParallelOf != "" {
				pairs++
			}
		}
		if len(role.Questions) < 12 || len(kinds) != 3 || pairs < 4 {
			t.Errorf("role %s has %d questions of kinds %v and %d parallel forms, want 12 of three kinds and 4", role.ID, len(role.Questions), kinds, pairs)
		}
		if role.MostQuestions() < 6 {
			t.Errorf("role %s has plans of at most %d questions", role.ID, role.MostQuestions())
		}
	}
}

// smallBank is a bank that keeps every rule and has little in it.
func smallBank() (competenciesFile, roleFile) {
	anchors := map[int]string{1: "nothing", 3: "something", 5: "all"}
	competencies := competenciesFile{Version: "1", Competencies: []Competency{
		{ID: "c", Name: "C", Definition: "d", Anchors: anchors, Example: "I did.", NearMiss: "We did."},
		{ID: "d", Name: "D", Definition: "d", Anchors: anchors, Example: "I did.", NearMiss: "We did."},
	}}
	role := roleFile{name: "role-r.json", ID: "r", Title: "R", Summary: "s"}
	for i, kind := range []string{kindBehavioural, kindSituational, kindTechnical, kindBehavioural, kindBehavioural} {
		q := questionItem{
			ID: fmt.Sprintf("q-%d", i), Kind: kind, Text: fmt.Sprintf("Question %d?", i), Competencies: []string{"c", "d"},
			Example: "I did it.", NearMiss: "We did it.", Probes: []string{"What did you do?"}, Terms: []string{"SQL"}, PrepareS: 30, AnswerS: 60,
		}
		if kind == kindTechnical {
			q.Anchors = map[string]map[int]string{"c": anchors, "d": anchors}
		}
		role.Questions = append(role.Questions, q)
	}
	role.Questions[4].ParallelOf = "q-0"
	return competencies, role
}

func bankFolder(t testing.TB, competencies competenciesFile, role roleFile) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{"README.md": {Data: []byte("left alone")}}
	for name, of := range map[string]any{"competencies.json": competencies, "role-r.json": role} {
		data, err := json.MarshalIndent(of, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

func TestReadBankNamesEveryBrokenRule(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("ä", n) }
	for name, c := range map[string]struct {
		change func(*competenciesFile, *roleFile)
		want   string // empty: it is a good bank
	}{
		"small": {func(*competenciesFile, *roleFile) {}, ""},
		"texts at their limits": {func(c *competenciesFile, r *roleFile) {
			r.Questions[0].Text, c.Competencies[0].NearMiss = long(400), long(1200)
		}, ""},
		"no version":        {func(c *competenciesFile, _ *roleFile) { c.Version = "" }, "competencies.json: version is missing"},
		"no competencies":   {func(c *competenciesFile, _ *roleFile) { c.Competencies = nil }, "0 competencies, want 1 to 100"},
		"competency twice":  {func(c *competenciesFile, _ *roleFile) { c.Competencies[1].ID = "c" }, `competency "c" stands there twice`},
		"competency's name": {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].Name = "" }, `competency "c": name is missing`},
		"missing anchor":    {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].Anchors = map[int]string{1: "a", 5: "c"} }, "the anchor for level 3 is missing"},
		"anchor for 2": {func(c *competenciesFile, _ *roleFile) {
			c.Competencies[0].Anchors = map[int]string{1: "a", 2: "b", 3: "b", 5: "c"}
		}, "not for 2"},
		"competency without example":   {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].Example = "" }, `competency "c": example is missing`},
		"competency without near miss": {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].NearMiss = "" }, `competency "c": near_miss is missing`},
		"near miss is the example":     {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].NearMiss = "I did." }, "are the same"},
		"long near miss":               {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].NearMiss = long(1201) }, "1201 characters, more than 1200"},
		"line break":                   {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].Example = "I\ndid." }, "cannot be seen"},
		"turned writing":               {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].Example = "I \u202edid." }, "cannot be seen"},
		"spaces":                       {func(c *competenciesFile, _ *roleFile) { c.Competencies[0].Name = "C " }, "begins or ends with a space"},
		"role without title":           {func(_ *competenciesFile, r *roleFile) { r.Title = "" }, `role-r.json: title is missing`},
		"another file's role":          {func(_ *competenciesFile, r *roleFile) { r.ID = "s" }, "must be called role-s.json"},
		"role's id":                    {func(_ *competenciesFile, r *roleFile) { r.ID = "R r" }, "an id has small letters"},
		"no questions":                 {func(_ *competenciesFile, r *roleFile) { r.Questions = nil }, "0 questions without parallel forms, want at least 4"},
		"three to choose from":         {func(_ *competenciesFile, r *roleFile) { r.Questions[3].ParallelOf = "q-0" }, "3 questions without parallel forms"},
		"too many questions": {func(_ *competenciesFile, r *roleFile) {
			for len(r.Questions) < 61 {
				r.Questions = append(r.Questions, r.Questions[0])
			}
		}, "61 questions, more than 60"},
		"one kind": {func(_ *competenciesFile, r *roleFile) {
			for i := range r.Questions {
				r.Questions[i].Kind = kindBehavioural
			}
		}, "it needs behavioural questions, and"},
		"nothing behavioural": {func(_ *competenciesFile, r *roleFile) {
			for i := range r.Questions {
				r.Questions[i].Kind = kindSituational
			}
		}, "it needs behavioural questions, and"},
		"question twice":           {func(_ *competenciesFile, r *roleFile) { r.Questions[1].ID = "q-0" }, `role-r.json has one of that id`},
		"question's id":            {func(_ *competenciesFile, r *roleFile) { r.Questions[1].ID = "q--1" }, "an id has small letters"},
		"long id":                  {func(_ *competenciesFile, r *roleFile) { r.Questions[1].ID = strings.Repeat("q", 65) }, "an id has small letters"},
		"same words":               {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Text = "QUESTION 0?" }, `question "q-0" asks the same`},
		"no text":                  {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Text = "" }, `question "q-1": text is missing`},
		"long text":                {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Text = long(401) }, "401 characters, more than 400"},
		"unknown kind":             {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Kind = "quiz" }, `unknown kind "quiz"`},
		"unknown competency":       {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Competencies = []string{"x"} }, `unknown competency "x"`},
		"no competency":            {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Competencies = nil }, "0 competencies, want 1 to 3"},
		"competency of one twice":  {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Competencies = []string{"c", "c"} }, `competency "c" stands there twice`},
		"technical, no anchors":    {func(_ *competenciesFile, r *roleFile) { r.Questions[2].Anchors = nil }, `needs anchors of its own for "c"`},
		"technical, half anchored": {func(_ *competenciesFile, r *roleFile) { delete(r.Questions[2].Anchors, "d") }, `needs anchors of its own for "d"`},
		"own anchor missing":       {func(_ *competenciesFile, r *roleFile) { r.Questions[2].Anchors["d"] = map[int]string{1: "a", 3: "b"} }, `"q-2": d: the anchor for level 5 is missing`},
		"anchors of another": {func(_ *competenciesFile, r *roleFile) {
			r.Questions[1].Competencies, r.Questions[1].Anchors = []string{"c"}, r.Questions[2].Anchors
		}, `anchors for "d", which is none of its`},
		"question without example":   {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Example = "" }, `question "q-1": example is missing`},
		"question without near miss": {func(_ *competenciesFile, r *roleFile) { r.Questions[1].NearMiss = "" }, `question "q-1": near_miss is missing`},
		"no probes":                  {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Probes = nil }, "0 probes, want 1 to 3"},
		"four probes":                {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Probes = []string{"a", "b", "c", "d"} }, "4 probes, want 1 to 3"},
		"probe twice":                {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Probes = []string{"a", "a"} }, "probe 2 stands there twice"},
		"long probe":                 {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Probes = []string{long(201)} }, "probe 1 has 201 characters"},
		"long term":                  {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Terms = []string{long(61)} }, "term 1 has 61 characters"},
		"too many terms":             {func(_ *competenciesFile, r *roleFile) { r.Questions[1].Terms = make([]string, 21) }, "21 terms, more than 20"},
		"time to prepare":            {func(_ *competenciesFile, r *roleFile) { r.Questions[1].PrepareS = -1 }, "-1 s to prepare"},
		"time to answer":             {func(_ *competenciesFile, r *roleFile) { r.Questions[1].AnswerS = 901 }, "901 s to answer"},
		"parallel of nothing":        {func(_ *competenciesFile, r *roleFile) { r.Questions[4].ParallelOf = "q-9" }, `"q-9", which is no question of this role`},
		"parallel of itself":         {func(_ *competenciesFile, r *roleFile) { r.Questions[4].ParallelOf = "q-4" }, "names the question itself"},
		"parallel of a parallel":     {func(_ *competenciesFile, r *roleFile) { r.Questions[3].ParallelOf = "q-4" }, "is a parallel form itself"},
		"parallel of another kind":   {func(_ *competenciesFile, r *roleFile) { r.Questions[4].ParallelOf = "q-1" }, "has the kind and the competencies"},
		"parallel of other skills":   {func(_ *competenciesFile, r *roleFile) { r.Questions[4].Competencies = []string{"d", "c"} }, "has the kind and the competencies"},
	} {
		competencies, role := smallBank()
		c.change(&competencies, &role)
		bank, err := ReadBank(bankFolder(t, competencies, role))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: ReadBank = %v, want an error with %q", name, err, c.want)
		case err == nil && (len(bank.Roles) != 1 || len(bank.Competencies) != 2 || len(bank.SHA256) != 64):
			t.Errorf("%s: read %+v", name, bank)
		}
	}
}

func TestReadBankNamesEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	competencies, role := smallBank()
	competencies.Version, role.Title, role.Questions[1].Probes, role.Questions[3].AnswerS = "", "", nil, 0
	_, err := ReadBank(bankFolder(t, competencies, role))
	for _, want := range []string{"version is missing", "title is missing", `"q-1": 0 probes`, `"q-3": 30 s to prepare and 0 s to answer`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %q is not named", err, want)
		}
	}
	if lines := strings.Count(err.Error(), "\n"); lines != 4 {
		t.Errorf("%d problems named, want 4: %v", lines, err)
	}
	competencies, role = smallBank()
	for i := range competencies.Competencies {
		competencies.Competencies[i].Anchors = map[int]string{}
		for level := 10; level < 60; level++ {
			competencies.Competencies[i].Anchors[level] = "a"
		}
	}
	if _, err := ReadBank(bankFolder(t, competencies, role)); err == nil || strings.Count(err.Error(), "\n") != problemsShown+1 || !strings.Contains(err.Error(), "more") {
		t.Errorf("a hundred problems: %v", err)
	}
}

func TestReadBankRefusesBrokenFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(fstest.MapFS)
		want   string
	}{
		"no competencies":  {func(f fstest.MapFS) { delete(f, "competencies.json") }, "competencies.json: the file is missing"},
		"no role":          {func(f fstest.MapFS) { delete(f, "role-r.json") }, "there is no role"},
		"a misnamed file":  {func(f fstest.MapFS) { f["roles-s.json"] = f["role-r.json"] }, "roles-s.json: a bank has"},
		"not JSON":         {func(f fstest.MapFS) { f["role-r.json"].Data = []byte("{\n\nrole") }, "role-r.json: line 3"},
		"wrong type":       {func(f fstest.MapFS) { f["role-r.json"].Data = []byte("{\n\"id\": 7}") }, "role-r.json: line 2"},
		"unknown field":    {func(f fstest.MapFS) { f["competencies.json"].Data = []byte(`{"version":"v","extra":1}`) }, `unknown field "extra"`},
		"two objects":      {func(f fstest.MapFS) { f["role-r.json"].Data = append(f["role-r.json"].Data, "{}"...) }, "more after the end"},
		"not UTF-8":        {func(f fstest.MapFS) { f["role-r.json"].Data = []byte("{\"id\":\"\xff\"}") }, "not UTF-8"},
		"a large file":     {func(f fstest.MapFS) { f["role-r.json"].Data = make([]byte, bankFileLimit+1) }, "larger than"},
		"a folder":         {func(f fstest.MapFS) { f["role-s.json"] = &fstest.MapFile{Mode: fs.ModeDir} }, "role-s.json: it is not a file"},
		"both files":       {func(f fstest.MapFS) { f["role-r.json"].Data, f["competencies.json"].Data = nil, nil }, "role-r.json: EOF"},
		"a large bank":     {manyRoles(10, 900_000), "with it the bank is larger"},
		"too many roles":   {manyRoles(101, 2), "more than 100 roles"},
		"a role of nobody": {func(f fstest.MapFS) { f["role-s.json"] = &fstest.MapFile{Data: []byte("{}")} }, `role-s.json: an id has`},
	} {
		competencies, role := smallBank()
		files := bankFolder(t, competencies, role)
		c.change(files)
		if _, err := ReadBank(files); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: ReadBank = %v, want an error with %q", name, err, c.want)
		}
	}
}

func manyRoles(n, bytes int) func(fstest.MapFS) {
	return func(f fstest.MapFS) {
		for i := range n {
			f[fmt.Sprintf("role-%03d.json", i)] = &fstest.MapFile{Data: []byte("{" + strings.Repeat(" ", bytes-2) + "}")}
		}
	}
}

func TestReadBankWaitsForNoPipe(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.CopyFS(folder, BuiltInFiles()); err != nil {
		t.Fatal(err)
	}
	bank, err := ReadBank(os.DirFS(folder))
	built, builtErr := BuiltInBank()
	if err != nil || builtErr != nil || bank.SHA256 != built.SHA256 {
		t.Fatalf("a copy of the built-in bank: %v, %v, hash %s, want %s", err, builtErr, bank.SHA256, built.SHA256)
	}
	if err := syscall.Mkfifo(filepath.Join(folder, "role-pipe.json"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadBank(os.DirFS(folder)); err == nil || !strings.Contains(err.Error(), "role-pipe.json: it is not a file") {
		t.Errorf("with a pipe: %v", err)
	}
}

// One changed letter is another bank.
func TestBanksHashIsOfEveryByte(t *testing.T) {
	t.Parallel()
	competencies, role := smallBank()
	first, err := ReadBank(bankFolder(t, competencies, role))
	must(t, err)
	role.Questions[0].Probes[0] += "?"
	second, err := ReadBank(bankFolder(t, competencies, role))
	must(t, err)
	if first.SHA256 == second.SHA256 {
		t.Error("two banks have one hash")
	}
}

func FuzzReadBank(f *testing.F) {
	competencies, role := smallBank()
	small := bankFolder(f, competencies, role)
	f.Add(string(small["competencies.json"].Data), string(small["role-r.json"].Data))
	built, err := fs.ReadFile(BuiltInFiles(), "competencies.json")
	if err != nil {
		f.Fatal(err)
	}
	names, err := fs.Glob(BuiltInFiles(), "role-*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		role, err := fs.ReadFile(BuiltInFiles(), name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(built), string(role))
	}
	f.Add(`{"version":"v"}`, `{}`)
	f.Fuzz(func(t *testing.T, competencies, role string) {
		var named struct{ ID string }
		_ = json.Unmarshal([]byte(role), &named) // so that the file is called as its role wants
		name := "role-" + named.ID + ".json"
		if !fs.ValidPath(name) || strings.Contains(name, "/") {
			name = "role-r.json"
		}
		bank, err := ReadBank(fstest.MapFS{"competencies.json": {Data: []byte(competencies)}, name: {Data: []byte(role)}})
		if err != nil {
			return
		}
		for _, role := range bank.Roles {
			for n := LeastQuestions; n <= role.MostQuestions(); n++ {
				if plan, err := bank.Plan(role.ID, PlanOptions{Questions: n, Seed: uint64(n)}); err != nil || len(plan.Questions) != n {
					t.Errorf("an accepted bank gives no plan of %d for %q: %v", n, role.ID, err)
				}
			}
			if _, err := bank.Plan(role.ID, PlanOptions{Mode: "exam"}); err != nil {
				t.Errorf("an accepted bank gives no exam for %q: %v", role.ID, err)
			}
		}
	})
}
