package assess

import (
	"time"

	"greenroom/consent"
)

// Competency is a skill that answers give evidence of, with written anchors.
type Competency struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Definition string         `json:"definition"`
	Anchors    map[int]string `json:"anchors"`             // described behaviour for levels 1, 3 and 5
	Example    string         `json:"example,omitempty"`   // words that show it
	NearMiss   string         `json:"near_miss,omitempty"` // words that sound like it and are not
}

// Question is one item of the bank. A question is never changed under its id: a better wording is a new
// question.
type Question struct {
	ID           string   `json:"id"`
	Kind         string   `json:"kind"` // behavioural, situational or technical
	Text         string   `json:"text"`
	Competencies []string `json:"competencies"` // ids, 1 to 3
	// Anchors holds, by competency, what levels 1, 3 and 5 look like in an answer to this very question. A
	// competency without an entry is rated on its own anchors.
	Anchors    map[string]map[int]string `json:"anchors,omitempty"`
	Example    string                    `json:"example,omitempty"`     // words of a good answer
	NearMiss   string                    `json:"near_miss,omitempty"`   // words that sound like one and are not
	Probes     []string                  `json:"probes,omitempty"`      // fixed follow-up questions, at most 3, the first is asked first
	Terms      []string                  `json:"terms,omitempty"`       // technical terms that an answer may hold, as they are written
	ParallelOf string                    `json:"parallel_of,omitempty"` // id of the question that asks the same in another form
	PrepareFor time.Duration             `json:"prepare_for"`
	AnswerFor  time.Duration             `json:"answer_for"`
}

// Role is what a candidate practises for.
type Role struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Summary   string     `json:"summary"`
	Questions []Question `json:"questions"`
}

// Bank is a versioned set of roles and competencies. SHA256 is the hash of the files it was read from.
type Bank struct {
	Version      string                `json:"version"`
	SHA256       string                `json:"-"`
	Roles        []Role                `json:"roles"`
	Competencies map[string]Competency `json:"competencies"`
}

// Plan is the frozen list of what one session asks.
type Plan struct {
	Role         string       `json:"role"`
	RoleTitle    string       `json:"role_title"`
	BankVersion  string       `json:"bank_version"`
	BankSHA256   string       `json:"bank_sha256"`
	Mode         consent.Mode `json:"mode,omitempty"`
	Takes        int          `json:"takes,omitempty"`      // how often a question may be answered; 0 is 1
	Probes       int          `json:"probes,omitempty"`     // how many of its probes are asked after each answer
	FollowUps    int          `json:"follow_ups,omitempty"` // in how many places of a probe a model may ask
	Questions    []Question   `json:"questions"`
	Competencies []Competency `json:"competencies"` // every one that a question names
}

// For returns the competency with the anchors that hold for the question.
func (c Competency) For(q Question) Competency {
	if own := q.Anchors[c.ID]; own != nil {
		c.Anchors = own
	}
	return c
}
