package assess

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"time"
)

//go:embed bank/*.json
var bankFiles embed.FS

// BuiltInBank returns the question bank that comes with Greenroom.
func BuiltInBank() (Bank, error) {
	files, err := fs.Sub(bankFiles, "bank")
	if err != nil {
		return Bank{}, fmt.Errorf("read question bank: %w", err)
	}
	return ReadBank(files)
}

type competenciesFile struct {
	Version      string       `json:"version"`
	Competencies []Competency `json:"competencies"`
}

type roleFile struct {
	ID        string         `json:"id"`
	Title     string         `json:"title"`
	Summary   string         `json:"summary"`
	Questions []questionItem `json:"questions"`
}

type questionItem struct {
	ID           string                    `json:"id"`
	Kind         string                    `json:"kind"`
	Text         string                    `json:"text"`
	Competencies []string                  `json:"competencies"`
	Anchors      map[string]map[int]string `json:"anchors"`
	Example      string                    `json:"example"`
	NearMiss     string                    `json:"near_miss"`
	Probes       []string                  `json:"probes"`
	Terms        []string                  `json:"terms"`
	ParallelOf   string                    `json:"parallel_of"`
	PrepareS     int                       `json:"prepare_s"` // 0 to 600
	AnswerS      int                       `json:"answer_s"`  // 10 to 900
}

// ReadBank reads a folder with competencies.json and one role-….json for each role (unknown fields are
// refused) and checks it whole: every problem in it is named in the error.
func ReadBank(files fs.FS) (Bank, error) {
	hash := sha256.New()
	read := func(name string, into any) error {
		file, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("read question bank: %w", err)
		}
		fmt.Fprintf(hash, "%s %d\n", name, len(file))
		hash.Write(file)
		decoder := json.NewDecoder(bytes.NewReader(file))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(into); err != nil {
			return fmt.Errorf("read question bank: %s: %w", name, err)
		}
		return nil
	}
	var raw competenciesFile
	if err := read("competencies.json", &raw); err != nil {
		return Bank{}, err
	}
	names, err := fs.Glob(files, "role-*.json") // in the order of their names
	if err != nil {
		return Bank{}, fmt.Errorf("read question bank: %w", err)
	}
	roles := make([]roleFile, len(names))
	for i, name := range names {
		if err := read(name, &roles[i]); err != nil {
			return Bank{}, err
		}
	}
	bank := Bank{Version: raw.Version, SHA256: hex.EncodeToString(hash.Sum(nil)), Competencies: map[string]Competency{}}
	var problems []error
	note := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }

	if raw.Version == "" {
		note("the bank has no version")
	}
	for _, c := range raw.Competencies {
		if c.ID == "" || c.Name == "" || c.Definition == "" || bank.Competencies[c.ID].ID != "" {
			note("competency %q needs an id of its own, a name and a definition", c.ID)
		}
		for _, level := range []int{1, 3, 5} {
			if c.Anchors[level] == "" {
				note("competency %q has no anchor for level %d", c.ID, level)
			}
		}
		bank.Competencies[c.ID] = c
	}
	for _, r := range roles {
		role := Role{ID: r.ID, Title: r.Title, Summary: r.Summary}
		if r.ID == "" || r.Title == "" || len(r.Questions) == 0 {
			note("role %q needs an id, a title and questions", r.ID)
		}
		for _, q := range r.Questions {
			role.Questions = append(role.Questions, q.question())
			checkQuestion(q, bank.Competencies, note)
		}
		bank.Roles = append(bank.Roles, role)
	}
	if err := errors.Join(problems...); err != nil {
		return Bank{}, fmt.Errorf("question bank %s: %w", raw.Version, err)
	}
	return bank, nil
}

func (q questionItem) question() Question {
	return Question{
		ID: q.ID, Kind: q.Kind, Text: q.Text, Competencies: q.Competencies,
		Anchors: q.Anchors, Example: q.Example, NearMiss: q.NearMiss, Probes: q.Probes, Terms: q.Terms, ParallelOf: q.ParallelOf,
		PrepareFor: time.Duration(q.PrepareS) * time.Second, AnswerFor: time.Duration(q.AnswerS) * time.Second,
	}
}

func checkQuestion(q questionItem, competencies map[string]Competency, note func(string, ...any)) {
	if q.ID == "" || q.Text == "" {
		note("question %q needs an id and a text", q.ID)
	}
	if q.Kind != "behavioural" && q.Kind != "situational" && q.Kind != "technical" {
		note("question %q is of unknown kind %q", q.ID, q.Kind)
	}
	if len(q.Competencies) < 1 || len(q.Competencies) > 3 {
		note("question %q has %d competencies, want 1 to 3", q.ID, len(q.Competencies))
	}
	for _, c := range q.Competencies {
		if competencies[c].ID == "" {
			note("question %q names an unknown competency %q", q.ID, c)
		}
	}
	if q.PrepareS < 0 || q.PrepareS > 600 || q.AnswerS < 10 || q.AnswerS > 900 {
		note("question %q: %d s to prepare and %d s to answer are out of range", q.ID, q.PrepareS, q.AnswerS)
	}
}
