package assess

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// AgreementCard says how far the levels of a model (or of two that rate together), told one thing, agree
// with other levels of the same answers. It is made by `greenroom eval` and read by the server; whoever runs the server vouches for it.
type AgreementCard struct {
	Card          string    `json:"card"`   // always [CardKind]
	Models        []string  `json:"models"` // that gave ratings: the first rater, then the second where it is another
	At            time.Time `json:"at"`
	LevelsFrom    string    `json:"levels_from"` // "construction" or "human"
	Raters        int       `json:"raters"`      // people who rated each answer, at least; 0 by construction
	N             int       `json:"n"`           // answers that both sides gave a level
	Questions     int       `json:"questions"`
	GoldSHA256    string    `json:"gold_sha256"`
	PromptsSHA256 string    `json:"prompts_sha256"`
	RubricSHA256  string    `json:"rubric_sha256"`
	BankSHA256    string    `json:"bank_sha256"`
	// Answered are the names that servers gave their models, by the configured one; "" stands for the configured
	// name itself and for none.
	Answered map[string][]string `json:"answered,omitempty"`
	Probed   []Capabilities      `json:"probed,omitempty"` // what the models' servers did, before it began

	QWK  Interval `json:"qwk"`
	ICC  Interval `json:"icc_2_1"`
	Bias Interval `json:"bias"`
	// What follows is left out where it was not measured.
	Humans    *Interval `json:"humans_qwk,omitempty"` // of two people with each other
	Pairs     *Interval `json:"pair_direction,omitempty"`
	Inflation *Interval `json:"attack_inflation,omitempty"`
	Flags     *Interval `json:"false_flags,omitempty"`

	NotMet      []string `json:"not_met"`      // criteria that were measured and not met
	NotMeasured []string `json:"not_measured"` // criteria that were left out
}

// Interval is a value with its 95 % interval and how many observations it is made of.
type Interval struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"`
}

// CardKind is the first field of every agreement card.
const CardKind = "greenroom agreement card 2"

const (
	maxCard            = 64 << 10 // bytes
	fewestCardRaters   = 2
	fewestCardAnswers  = 60 // below, the interval of a kappa is wider than ±.12
	humanLevels        = "human"
	constructionLevels = "construction"
)

// ErrCard says why an agreement card does not hold for what is configured.
var ErrCard = errors.New("agreement card")

// ParseAgreementCard reads a card; unknown fields are refused.
func ParseAgreementCard(from io.Reader) (AgreementCard, error) {
	text, err := io.ReadAll(io.LimitReader(from, maxCard+1))
	if err != nil {
		return AgreementCard{}, fmt.Errorf("%w: %w", ErrCard, err)
	}
	if len(text) > maxCard {
		return AgreementCard{}, fmt.Errorf("%w: it has more than %d bytes", ErrCard, maxCard)
	}
	var card AgreementCard
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&card); err != nil {
		return AgreementCard{}, fmt.Errorf("%w: it cannot be read: %w", ErrCard, err)
	}
	if decoder.More() || card.Card != CardKind || (card.LevelsFrom != humanLevels && card.LevelsFrom != constructionLevels) {
		return AgreementCard{}, fmt.Errorf("%w: it is not one that greenroom eval wrote", ErrCard)
	}
	return card, nil
}

// Holds reports what of the card does not fit the models, the first rater before the second, and the bank: all of
// it, or nil.
func (c AgreementCard) Holds(models []string, bank Bank) error {
	var problems []error
	note := func(wrong bool, format string, args ...any) {
		if wrong {
			problems = append(problems, fmt.Errorf(format, args...))
		}
	}
	note(len(models) == 0 || !slices.Equal(c.Models, slices.Compact(slices.Clone(models))), "it is about %q in this order, and %q rate here", c.Models, models)
	note(c.PromptsSHA256 != PromptsSHA256(), "the instructions to the model are not those it was tried with")
	note(c.BankSHA256 != bank.SHA256, "the question bank is not the one it was tried with")
	note(c.RubricSHA256 != RubricsSHA256(bank), "the anchors are not those it was tried with")
	note(c.LevelsFrom != humanLevels, "its levels are by construction, not by people")
	note(c.Raters < fewestCardRaters, "%d people rated each answer, want %d", c.Raters, fewestCardRaters)
	note(c.N < fewestCardAnswers, "it is made of %d answers, want %d", c.N, fewestCardAnswers)
	note(len(c.NotMet) > 0, "the model did not meet: %v", c.NotMet)
	if len(problems) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrCard, errors.Join(problems...))
}

// Covers reports whether a rating was given by what the card is about: the same model in the same place, told the
// same, and named by its server as it was then. Another name may be another model. What is not assessable nobody gave,
// whatever the name.
func (c AgreementCard) Covers(rating Rating, plan Plan) bool {
	rater := rating.Rater()
	return rater.Kind == RaterModel && slices.Contains(c.ratersOf(rater.Pass), rater.Model) && plan.BankSHA256 == c.BankSHA256 &&
		isLevelPrompt(rater.PromptSHA256) && (rating.Outcome() == OutcomeNotAssessable || c.coversName(rater.Model, rating.Asked()))
}

// ratersOf are the models that may give ratings of a pass: the second rater the second, the first all others. What is
// contested either may have looked at, by what is configured.
func (c AgreementCard) ratersOf(pass Pass) []string {
	switch {
	case len(c.Models) == 0 || pass == PassContest:
		return c.Models
	case pass == PassSecond:
		return c.Models[len(c.Models)-1:]
	default:
		return c.Models[:1]
	}
}

func (c AgreementCard) coversName(model string, asked Asked) bool {
	if asked.Held == "" {
		return true // nothing was asked, so nothing answered
	}
	if names, known := c.Answered[model]; known {
		return slices.Contains(names, asked.Answered)
	}
	return asked.Answered == ""
}

// Sentence is what ratings that the card covers are called.
func (c AgreementCard) Sentence() string {
	return fmt.Sprintf("practice estimate; on %d answers its agreement with the median of at least %d people was %.2f (weighted kappa, 95 %% interval %.2f to %.2f)",
		c.N, c.Raters, c.QWK.Value, c.QWK.Low, c.QWK.High)
}
