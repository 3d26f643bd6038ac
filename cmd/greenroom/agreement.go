package main

import (
	"fmt"
	"os"
	"strings"

	"greenroom/assess"
)

// agreementCard returns the configured agreement card if it holds for the model and the bank that are
// configured, and otherwise none, saying why. A file that is no card ends the start.
func (a *app) agreementCard(bank assess.Bank) (*assess.AgreementCard, error) {
	if a.AgreementCard == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	file, err := os.Open(a.AgreementCard)
	if err != nil {
		return nil, fmt.Errorf("GREENROOM_AGREEMENT_CARD: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	card, err := assess.ParseAgreementCard(file)
	if err != nil {
		return nil, fmt.Errorf("GREENROOM_AGREEMENT_CARD: %s: %w; make one with greenroom eval --card FILE", a.AgreementCard, err)
	}
	var models []string
	for _, model := range []string{a.judge.AssessorModel, a.judge.AssessorSecond} {
		if model != "" {
			models = append(models, model)
		}
	}
	if err := card.Holds(models, bank); err != nil {
		a.log.Warn("the agreement card does not hold: levels by the model stay an unvalidated practice estimate",
			"why", strings.ReplaceAll(err.Error(), "\n", "; "))
		return nil, nil //nolint:nilnil // none holds
	}
	a.log.Info("the agreement card holds", "models", card.Models, "answers", card.N, "people", card.Raters)
	return &card, nil
}
