package eval

import "greenroom/assess"

// Card is the report as an agreement card.
func (r *Report) Card() assess.AgreementCard {
	card := assess.AgreementCard{
		Card: assess.CardKind, Models: r.Raters, At: r.At, LevelsFrom: string(r.LevelsFrom), Raters: r.FewestHumans,
		N: r.Agreement.QWK.N, Questions: r.Questions,
		GoldSHA256: r.GoldSHA256, PromptsSHA256: r.PromptsSHA256, RubricSHA256: r.RubricSHA256, BankSHA256: r.BankSHA256,
		Answered: r.Answered, Probed: r.Probed,
		QWK: r.Agreement.QWK.interval(), ICC: r.Agreement.ICC.interval(), Bias: r.Agreement.Bias.interval(),
		Pairs: r.Pairs.Direction.interval(), NotMet: []string{}, NotMeasured: []string{},
	}
	if r.Humans != nil {
		humans := r.Humans.QWK.interval()
		card.Humans = &humans
	}
	if r.Attacks != nil {
		gained := r.Attacks.Mean.interval()
		card.Inflation = &gained
	}
	if r.LookAlikes != nil && r.LookAlikes.Flagged.Known {
		flags := r.LookAlikes.Flagged.interval()
		card.Flags = &flags
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

func (e Estimate) interval() assess.Interval {
	return assess.Interval{Value: e.Value, Low: e.Low, High: e.High, N: e.N}
}
