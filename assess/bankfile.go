package assess

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"time"
	"unicode/utf8"
)

//go:embed bank/*.json
var bankFiles embed.FS

// BuiltInFiles returns the files of the question bank that comes with Greenroom.
func BuiltInFiles() fs.FS {
	files, err := fs.Sub(bankFiles, "bank")
	if err != nil {
		panic(err) // it is embedded
	}
	return files
}

// BuiltInBank returns the question bank that comes with Greenroom.
func BuiltInBank() (Bank, error) { return ReadBank(BuiltInFiles()) }

const (
	competenciesName = "competencies.json"
	rolesPattern     = "role-*.json"
)

// How much a bank may have. An operator who needs more has more than one bank.
const (
	bankFileLimit     = 1 << 20 // bytes
	bankLimit         = 8 << 20 // bytes, all files together
	rolesLimit        = 100
	questionsLimit    = 60 // in a role
	competenciesLimit = 100
	problemsShown     = 50
)

type competenciesFile struct {
	Version      string       `json:"version"`
	Competencies []Competency `json:"competencies"`
}

type roleFile struct {
	name      string
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
	PrepareS     int                       `json:"prepare_s"`
	AnswerS      int                       `json:"answer_s"`
}

// ReadBank reads a folder with competencies.json and one role-ID.json for each role, bounded, and checks it
// whole: every problem in it is named in the error, with its file. Files that do not end in .json are left
// alone.
func ReadBank(files fs.FS) (Bank, error) {
	r := bankReader{files: files}
	names, err := fs.Glob(files, "*.json") // in the order of their names
	if err != nil {
		return Bank{}, fmt.Errorf("read question bank: %w", err)
	}
	var competencies competenciesFile
	known := r.read(competenciesName, &competencies)
	var roles []roleFile
	found := 0
	for _, name := range names {
		if name == competenciesName {
			continue
		}
		if matches, _ := path.Match(rolesPattern, name); !matches {
			r.note("%s: a bank has %s and %s, nothing else that ends in .json", name, competenciesName, rolesPattern)
			continue
		}
		if found++; found > rolesLimit {
			r.note("%s: more than %d roles", name, rolesLimit)
			break
		}
		if role := (roleFile{name: name}); r.read(name, &role) {
			roles = append(roles, role)
		}
	}
	if found == 0 {
		r.note("there is no role: %s is missing", rolesPattern)
	}
	if known {
		c := newBankCheck(r.note)
		c.competencies(competencies)
		for _, role := range roles {
			c.role(role)
		}
	}
	if err := r.err(); err != nil {
		return Bank{}, err
	}
	return bankOf(competencies, roles, r.sum()), nil
}

func bankOf(competencies competenciesFile, roles []roleFile, sum string) Bank {
	bank := Bank{Version: competencies.Version, SHA256: sum, Competencies: map[string]Competency{}}
	for _, c := range competencies.Competencies {
		bank.Competencies[c.ID] = c
	}
	for _, r := range roles {
		role := Role{ID: r.ID, Title: r.Title, Summary: r.Summary}
		for _, q := range r.Questions {
			role.Questions = append(role.Questions, q.question())
		}
		bank.Roles = append(bank.Roles, role)
	}
	return bank
}

func (q questionItem) question() Question {
	return Question{
		ID: q.ID, Kind: q.Kind, Text: q.Text, Competencies: q.Competencies,
		Anchors: q.Anchors, Example: q.Example, NearMiss: q.NearMiss, Probes: q.Probes, Terms: q.Terms, ParallelOf: q.ParallelOf,
		PrepareFor: time.Duration(q.PrepareS) * time.Second, AnswerFor: time.Duration(q.AnswerS) * time.Second,
	}
}

// bankReader reads files, hashes them and collects what is wrong.
type bankReader struct {
	files    fs.FS
	hashed   bytes.Buffer // name and length of each file, and what is in it
	problems []error
}

func (r *bankReader) note(format string, args ...any) {
	r.problems = append(r.problems, fmt.Errorf(format, args...))
}

// err joins the problems; of a very long list only its begin.
func (r *bankReader) err() error {
	if more := len(r.problems) - problemsShown; more > 0 {
		r.problems = append(slices.Clip(r.problems[:problemsShown]), fmt.Errorf("and %d more", more))
	}
	if len(r.problems) == 0 {
		return nil
	}
	return fmt.Errorf("the question bank cannot be used:\n%w", errors.Join(r.problems...))
}

// read decodes one file strictly and reports whether it could.
func (r *bankReader) read(name string, into any) bool {
	text, err := r.text(name)
	if err != nil {
		r.note("%s: %w", name, err)
		return false
	}
	fmt.Fprintf(&r.hashed, "%s %d\n%s", name, len(text), text)
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err = decoder.Decode(into)
	if err == nil {
		if _, more := decoder.Token(); more != io.EOF {
			err = errors.New("there is more after the end of the object")
		}
	}
	if err != nil {
		line := ""
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			line = lineOf(text, syntax.Offset)
		} else if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			line = lineOf(text, kind.Offset)
		}
		r.note("%s: %s%w", name, line, err)
		return false
	}
	return true
}

func lineOf(text []byte, offset int64) string {
	before := text[:min(max(offset, 0), int64(len(text)))]
	return fmt.Sprintf("line %d: ", 1+bytes.Count(before, []byte("\n")))
}

func (r *bankReader) text(name string) ([]byte, error) {
	info, err := fs.Stat(r.files, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("the file is missing")
	}
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() { // a pipe would be waited for
		return nil, errors.New("it is not a file")
	}
	file, err := r.files.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(file, bankFileLimit+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > bankFileLimit:
		return nil, fmt.Errorf("it is larger than %d bytes", bankFileLimit)
	case r.hashed.Len()+len(text) > bankLimit:
		return nil, fmt.Errorf("with it the bank is larger than %d bytes", bankLimit)
	case !utf8.Valid(text):
		return nil, errors.New("it is not UTF-8")
	}
	return text, nil
}

func (r *bankReader) sum() string {
	sum := sha256.Sum256(r.hashed.Bytes())
	return hex.EncodeToString(sum[:])
}
