package eval

import (
	"slices"

	"greenroom/assess"
)

// Card is the report as an agreement card.
func (r *Report) Card() assess.AgreementCard {
	card := assess.AgreementCard{
		Card: assess.CardKind, Models: r.ratersInOrder(), At: r.At, LevelsFrom: string(r.LevelsFrom), Raters: r.FewestHumans,
		N: r.Agreement.QWK.N, Questions: r.Questions,
		GoldSHA256: r.GoldSHA256, PromptsSHA256: r.PromptsSHA256, RubricSHA256: r.RubricSHA256, BankSHA256: r.BankSHA256,
		Answered: r.Answered, Probed: r.Probed,
		QWK: r.Agreement.QWK.interval(), ICC: r.Agreement.ICC.interval(), Bias: r.Agreement.Bias.interval(),
		Pairs: r.Pairs.Direction.known(), NotMet: []string{}, NotMeasured: []string{},
	}
	if r.Humans != nil {
		card.Humans = r.Humans.QWK.known()
	}
	if r.Attacks != nil {
		card.Inflation = r.Attacks.Mean.known()
	}
	if r.LookAlikes != nil {
		card.Flags = r.LookAlikes.Flagged.known()
	}
	for _, c := range r.Criteria {
		switch {
		case !c.Measured:
			card.NotMeasured = append(card.NotMeasured, c.ID)
		case !c.Met:
			card.NotMet = append(card.NotMet, c.ID)
		}
	}
	return card
}

// ratersInOrder are the models that gave ratings, the first rater before the second.
func (r *Report) ratersInOrder() []string {
	inOrder := []string{}
	for _, model := range []string{r.Model, r.Second} {
		if slices.Contains(r.Raters, model) && !slices.Contains(inOrder, model) {
			inOrder = append(inOrder, model)
		}
	}
	return inOrder
}

// known is nil where nothing could be computed: a card shows no number that was not measured.
func (e Estimate) known() *assess.Interval {
	if !e.Known {
		return nil
	}
	interval := e.interval()
	return &interval
}

func (e Estimate) interval() assess.Interval {
	return assess.Interval{Value: e.Value, Low: e.Low, High: e.High, N: e.N}
}
