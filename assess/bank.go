package assess

import "time"

// Competency is a skill that answers give evidence of, with written anchors.
type Competency struct {
	ID         string         `json:"id"`
	Name       string         `json:"name"`
	Definition string         `json:"definition"`
	Anchors    map[int]string `json:"anchors"` // described behaviour for levels 1, 3 and 5
}

// Question is one item of the bank.
type Question struct {
	ID           string        `json:"id"`
	Kind         string        `json:"kind"` // behavioural, situational or technical
	Text         string        `json:"text"`
	Competencies []string      `json:"competencies"` // ids, 1 to 3
	PrepareFor   time.Duration `json:"prepare_for"`
	AnswerFor    time.Duration `json:"answer_for"`
}

// Role is what a candidate practises for.
type Role struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Summary   string     `json:"summary"`
	Questions []Question `json:"questions"`
}

// Bank is a versioned set of roles and competencies. SHA256 is the hash of the file it was read from.
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
	Questions    []Question   `json:"questions"`
	Competencies []Competency `json:"competencies"` // every one that a question names
}
