package eval

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// Item is one text to be rated.
type Item struct {
	Key      string // names it within a run
	Question string
	Target   string // competency whose level counts
	Text     string
	Name     string // the candidate's display name, which is masked
}

// Rated is what came of one [Item].
type Rated struct {
	Level    float64
	Outcome  assess.Outcome
	Reason   string   // why there is no level
	Models   []string // that gave the ratings
	Answered []named  // what their servers called them
	Took     time.Duration
	Evidence int // ranges that were kept, for all competencies
	Broken   int // kept ranges or quotes that are not in the answer; there should never be one
	Usage    Usage
	Delays   []time.Duration // of each request
}

// named is a model and the name that its server answered with; empty where that is the configured one, or none.
type named struct{ model, answered string }

// Known reports whether there is a level.
func (r Rated) Known() bool { return r.Outcome == assess.OutcomeLevel }

// Runner rates texts by the whole pipeline, without a database.
type Runner struct {
	Bank     assess.Bank
	Model    assess.Model
	Second   assess.Model // makes the second rating; nil: Model does
	Parallel int          // answers at the same time
	Progress func(done, all int)
}

// probe asks each model a fixed question about nobody, and says what its server did with it. What cannot answer
// that, also when it is asked again, will not rate either.
func (r *Runner) probe(ctx context.Context) ([]assess.Capabilities, error) {
	probed := []assess.Capabilities{}
	for _, model := range []assess.Model{r.Model, r.Second} {
		chat, ok := model.(interface {
			Probe(ctx context.Context) assess.Capabilities
		})
		if !ok {
			continue
		}
		var found assess.Capabilities
		err := retried(ctx, func() error {
			if found = chat.Probe(ctx); found.Problem != "" {
				return fmt.Errorf("%w: %w: %s", ErrUnreachable, assess.ErrModel, found)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		probed = append(probed, found)
	}
	return probed, nil
}

// ErrUnreachable says that the model did not answer at all.
var ErrUnreachable = errors.New("the model cannot be reached")

const (
	tries       = 3 // as jobs are tried again
	mostFailing = 3 // answers that fail one after the other before the run ends
)

// Rate rates all items and returns what came of them by key. A model that fails for one answer leaves it
// not assessable, as a job that is given up does; one that fails for several in a row ends the run.
func (r *Runner) Rate(ctx context.Context, items []Item) (map[string]Rated, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	results := make(map[string]Rated, len(items))
	work := make(chan Item)
	var mu sync.Mutex // guards results, failing and calls of Progress
	failing := 0
	var workers sync.WaitGroup
	for range max(1, r.Parallel) {
		workers.Go(func() { // owner: this function, which closes work and waits
			for item := range work {
				rated, err := r.rate(ctx, item)
				mu.Lock()
				if failing++; err == nil {
					failing = 0
				}
				if err != nil && (failing >= mostFailing || !errors.Is(err, assess.ErrModel)) {
					stop(fmt.Errorf("rate %s: %w", item.Key, err))
				}
				results[item.Key] = rated
				if r.Progress != nil {
					r.Progress(len(results), len(items))
				}
				mu.Unlock()
			}
		})
	}
	for _, item := range items {
		select {
		case work <- item:
		case <-ctx.Done():
		}
	}
	close(work)
	workers.Wait()
	if ctx.Err() == nil {
		return results, nil
	}
	if err := context.Cause(ctx); errors.Is(err, assess.ErrModel) {
		return nil, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return nil, context.Cause(ctx)
}

// rate walks one answer through the pipeline as a live session does: evidence line by line, then the answer.
func (r *Runner) rate(ctx context.Context, item Item) (Rated, error) {
	plan, err := r.plan(item.Question)
	if err != nil {
		return Rated{}, err
	}
	desk := newSitting(consent.SessionID("eval-"+item.Key), plan, item.Text, item.Name)
	count := &tally{source: quotable(plan, item.Text)}
	config := assess.AssessorConfig{
		Results: desk, Gate: consent.Gate{Reader: desk}, Model: watched{r.Model, count}, LevelsOnly: true, Log: slog.New(slog.DiscardHandler),
	}
	if r.Second != nil {
		config.Second = watched{r.Second, count}
	}
	assessor := assess.NewAssessor(config)
	begun := time.Now()
	err = retried(ctx, func() error {
		for _, line := range desk.lines {
			ctx := context.WithValue(ctx, lineKey{}, len(line.Words))
			if err := assessor.Evidence(ctx, desk.session, line.Ref()); err != nil {
				return err //nolint:wrapcheck // says what was tried
			}
		}
		return assessor.Answer(ctx, desk.session, 0, 1) //nolint:wrapcheck // as above
	})
	if err != nil && errors.Is(err, assess.ErrModel) {
		err = errors.Join(err, assessor.GiveUp(ctx, desk.session, 0, 1, 0, err))
	}
	rated := desk.result(item.Target)
	rated.Took, rated.Usage, rated.Delays = time.Since(begun), count.used, count.delay
	for _, rating := range desk.ratings {
		rated.Models = append(rated.Models, rating.Rater().Model)
		if asked := rating.Asked(); asked.Held != "" {
			rated.Answered = append(rated.Answered, named{rating.Rater().Model, asked.Answered})
		}
		for _, sentence := range []string{rating.WhyNotHigher(), rating.WhyNotLower()} {
			if !quotesExist(sentence, count.source) {
				rated.Broken++
			}
		}
	}
	return rated, err
}

// retried tries again what the model failed at, with growing pauses.
func retried(ctx context.Context, work func() error) error {
	pause := 200 * time.Millisecond
	for try := 1; ; try++ {
		err := work()
		again := errors.Is(err, assess.ErrModel) || errors.Is(err, consent.ErrFacts) // on a crowded machine nobody may have asked in time
		if !again || try == tries || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
		pause *= 5
	}
}

// plan is that of a session with one question.
func (r *Runner) plan(question string) (assess.Plan, error) {
	for _, role := range r.Bank.Roles {
		for _, q := range role.Questions {
			if q.ID != question {
				continue
			}
			plan := assess.Plan{
				Role: role.ID, RoleTitle: role.Title, BankVersion: r.Bank.Version, BankSHA256: r.Bank.SHA256,
				Questions: []assess.Question{q},
			}
			for _, id := range q.Competencies {
				plan.Competencies = append(plan.Competencies, r.Bank.Competencies[id])
			}
			return plan, nil
		}
	}
	return assess.Plan{}, fmt.Errorf("%w: the bank has no question %q", errSet, question)
}

// quotable is what a model was given to read, and so may quote.
func quotable(plan assess.Plan, text string) []string {
	words := assess.FoldedWords(text)
	words = append(words, assess.FoldedWords(plan.Questions[0].Text)...)
	for _, c := range plan.CompetenciesOf(plan.Questions[0]) {
		for _, part := range []string{c.Name, c.Definition, c.Anchors[1], c.Anchors[3], c.Anchors[5]} {
			words = append(words, assess.FoldedWords(part)...)
		}
	}
	return words
}

// result is the level that counts, and whether all that was kept lies in the answer.
func (s *sitting) result(competency string) Rated {
	rated := Rated{Outcome: assess.OutcomeNotAssessable, Reason: "nothing was written"}
	if standing, ok := assess.StandingOf(s.ratings, assess.RaterModel, competency); ok {
		rated.Outcome, rated.Reason, rated.Level = standing.Outcome, "", float64(standing.Level)
	}
	for _, rating := range s.ratings {
		if rating.Competency() == competency && rating.Outcome() == rated.Outcome {
			rated.Reason = rating.Reason()
		}
	}
	for _, e := range s.allEvidence() {
		rated.Evidence++
		if !slices.ContainsFunc(s.lines, func(line assess.Line) bool {
			_, err := line.Quote(e.First, e.Last)
			return line.Ref() == e.Line && err == nil
		}) {
			rated.Broken++
		}
	}
	return rated
}

// key joins the parts of an item's name.
func key(parts ...string) string { return strings.Join(parts, "/") }

func runKey(run int, id string) string { return key("run"+strconv.Itoa(run), id) }
