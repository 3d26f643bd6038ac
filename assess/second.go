package assess

import (
	"context"
	"errors"
	"fmt"

	"greenroom/consent"
)

// Every competency of every answer is rated twice, whatever the first level was: to look again only at low
// levels would push all of them one way. The second rating is another model's, where there is one, and has
// instructions and an order of its own. Where the two differ a third is asked for. What all of them come to
// is arithmetic, and no model's business.

// passes rates one competency and returns its ratings. What an earlier run of the same job rated stays; a first
// rating that is made anew replaces those that came after it, see [Results].
func (a *Assessor) passes(ctx context.Context, r toRate, have []Rating) ([]Rating, error) {
	second := a.Second
	if second == nil {
		second = a.Model
	}
	first, have, err := a.pass(ctx, r, PassFirst, a.Model, have)
	if err != nil {
		return nil, err
	}
	again, have, err := a.pass(ctx, r, PassSecond, second, have)
	if err != nil {
		return nil, err
	}
	rated := []Rating{first, again}
	if !alike(first, again) {
		var third Rating
		if third, have, err = a.pass(ctx, r, PassThird, a.Model, have); err != nil {
			return nil, err
		}
		rated = append(rated, third)
	}
	if len(r.flagged) > 0 {
		_, _, err = a.pass(ctx, r, PassWithFlagged, a.Model, have)
	}
	return rated, err
}

// pass makes one rating and stores it, unless there is one by the same rater already. It returns what there
// is to go on from.
func (a *Assessor) pass(ctx context.Context, r toRate, pass Pass, asked Model, have []Rating) (Rating, []Rating, error) {
	for _, rating := range have {
		if rating.Competency() == r.competency.ID && rating.Rater() == r.rater(asked.Name(), pass) && rating.Outcome() != OutcomeNotAssessable {
			return rating, have, nil
		}
	}
	var rating Rating
	call := consent.AICall{For: consent.AIRating, PromptSHA256: r.rater("", pass).PromptSHA256}
	err := a.whileAskable(ctx, r.of.session, asked, call, func(ctx context.Context, model askable) (err error) {
		rating, err = r.ask(ctx, model, pass)
		return err
	})
	if errors.Is(err, consent.ErrProvider) {
		a.Log.Error("nothing was sent to the model", "session", r.of.session, "error", err)
		rating, err = r.without(OutcomeNotAssessable, asked.Name(), pass, unreviewed)
	}
	if err != nil {
		return Rating{}, nil, fmt.Errorf("rate %s, %s pass: %w", r.competency.ID, pass, err)
	}
	return rating, nil, a.save(ctx, rating) // nil: what came after it was about another rating
}

// alike: both give the same level, or both give none for the same kind of reason.
func alike(one, other Rating) bool {
	return one.outcome == other.outcome && one.level == other.level
}
