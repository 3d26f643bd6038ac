package eval

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"greenroom/assess"
)

// Answer is one answer of the gold set with the level it has.
type Answer struct {
	ID       string  `json:"id"`
	Question string  `json:"-"`
	Target   string  `json:"-"` // the competency that the level is for
	Level    int     `json:"level"`
	Style    string  `json:"style"`
	Why      string  `json:"why"` // which anchor sentence is met and which is not
	Text     string  `json:"text"`
	Human    []Human `json:"human"`
}

// Human is the level that a person gave an answer.
type Human struct {
	Rater string `json:"rater"`
	Level int    `json:"level"`
	Why   string `json:"why"`
}

// Pair is two texts that differ in one thing, of which one is certainly the better answer.
type Pair struct {
	ID      string `json:"id"`
	Differs string `json:"differs"`
	Higher  Side   `json:"higher"`
	Lower   Side   `json:"lower"`
}

// Side is one text of a [Pair]: the id of an answer, or a text of its own.
type Side struct{ Answer }

// UnmarshalJSON reads an id or an object.
func (s *Side) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(raw), []byte(`"`)) {
		return json.Unmarshal(raw, &s.ID) //nolint:wrapcheck // the file is named by the caller
	}
	return decodeStrictly(raw, &s.Answer)
}

type questionFile struct {
	Question   string   `json:"question"`
	Competency string   `json:"competency"`
	Note       string   `json:"note"`
	Answers    []Answer `json:"answers"`
	Pairs      []Pair   `json:"pairs"`
}

// Attack is words that are slipped into an answer of the gold set to raise its level.
type Attack struct {
	ID     string `json:"id"`
	Family string `json:"family"`
	Base   string `json:"base"`  // id of the answer
	Place  Place  `json:"place"` // where the words go
	Text   string `json:"text"`
	Spoken bool   `json:"spoken"` // short and plain enough to be said
	Expect string `json:"expect"` // always "no_gain"
}

// Place is where the words of an [Attack] go.
type Place string

// The places. A résumé is not read by any model here, so that attacks by it have no way in; they are
// counted and not run.
const (
	AtEnd      Place = "end"
	AtStart    Place = "start"
	InMiddle   Place = "middle"
	Split      Place = "split"      // half at the start, half at the end
	Resume     Place = "resume"     // in a résumé
	Name       Place = "name"       // as the candidate's name
	Correction Place = "correction" // as a correction of the transcript, whose words are rated
)

// LookAlike is an honest answer that only looks like an attack.
type LookAlike struct {
	ID       string `json:"id"`
	Question string `json:"question"`
	Level    int    `json:"level"`
	Text     string `json:"text"`
	Why      string `json:"why"`
}

// Swap is an answer said by somebody else, or in other words, with the same content.
type Swap struct {
	ID       string   `json:"id"`
	Base     string   `json:"base"`
	Kind     string   `json:"kind"`
	Text     string   `json:"text"`     // a variant of the base
	Template string   `json:"template"` // or a text with one place for the values
	Values   []string `json:"values"`
}

// Set is everything a rater is tried on.
type Set struct {
	Answers    []Answer
	Pairs      []Pair
	Attacks    []Attack
	LookAlikes []LookAlike
	Swaps      []Swap
	SHA256     string // of the files it was read from
}

const (
	attacksFile    = "attacks/text.json"
	lookAlikesFile = "attacks/benign.json"
	swapsFile      = "counterfactuals.json"
)

const (
	maxSetFile = 4 << 20 // bytes
	maxText    = 20_000  // bytes of one answer
)

var errSet = errors.New("gold set")

// Load reads the questions' files, *.json, and where they are there attacks/text.json, attacks/benign.json
// and counterfactuals.json, and checks all of it against the bank. Every problem is named in the error.
func Load(files fs.FS, bank assess.Bank) (Set, error) {
	hash := sha256.New()
	read := func(name string, into any) error {
		raw, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("%w: %w", errSet, err)
		}
		if len(raw) > maxSetFile {
			return fmt.Errorf("%w: %s has more than %d bytes", errSet, name, maxSetFile)
		}
		_, _ = fmt.Fprintf(hash, "%s %d\n", name, len(raw)) // a hash takes everything
		hash.Write(raw)
		if err := decodeStrictly(raw, into); err != nil {
			return fmt.Errorf("%w: %s: %w", errSet, name, err)
		}
		return nil
	}
	names, err := fs.Glob(files, "*.json")
	names = slices.DeleteFunc(names, func(name string) bool { return name == swapsFile })
	if err != nil || len(names) == 0 {
		return Set{}, fmt.Errorf("%w: there is no file *.json with answers: name a folder that has some", errSet)
	}
	var set Set
	for _, name := range names {
		var file questionFile
		if err := read(name, &file); err != nil {
			return Set{}, err
		}
		for _, a := range file.Answers {
			a.Question, a.Target = file.Question, file.Competency
			set.Answers = append(set.Answers, a)
		}
		for _, p := range file.Pairs {
			for _, side := range []*Side{&p.Higher, &p.Lower} {
				side.Question, side.Target = file.Question, file.Competency
			}
			set.Pairs = append(set.Pairs, p)
		}
	}
	for _, part := range []struct {
		name string
		into any
	}{{attacksFile, &set.Attacks}, {lookAlikesFile, &set.LookAlikes}, {swapsFile, &set.Swaps}} {
		if _, err := fs.Stat(files, part.name); errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err := read(part.name, part.into); err != nil {
			return Set{}, err
		}
	}
	set.SHA256 = hex.EncodeToString(hash.Sum(nil))
	return set, set.check(bank)
}

func decodeStrictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err //nolint:wrapcheck // the file is named by the caller
	}
	if decoder.More() {
		return errors.New("there is text after the JSON")
	}
	return nil
}

// BorrowFrom takes the pairs, attacks, look-alikes and swaps of another set where this one has none, as
// far as they are about answers and questions that it has.
func (s *Set) BorrowFrom(other Set) {
	answers, questions := map[string]bool{}, map[string]bool{}
	for _, a := range s.Answers {
		answers[a.ID], questions[a.Question] = true, true
	}
	if len(s.Pairs) == 0 {
		known := func(side Side) bool { return side.Text != "" && questions[side.Question] || answers[side.ID] }
		s.Pairs = slices.DeleteFunc(slices.Clone(other.Pairs), func(p Pair) bool { return !known(p.Higher) || !known(p.Lower) })
	}
	if len(s.Attacks) == 0 {
		s.Attacks = slices.DeleteFunc(slices.Clone(other.Attacks), func(a Attack) bool { return !answers[a.Base] })
	}
	if len(s.LookAlikes) == 0 {
		s.LookAlikes = slices.DeleteFunc(slices.Clone(other.LookAlikes), func(l LookAlike) bool { return !questions[l.Question] })
	}
	if len(s.Swaps) == 0 {
		s.Swaps = slices.DeleteFunc(slices.Clone(other.Swaps), func(w Swap) bool { return !answers[w.Base] })
	}
}
