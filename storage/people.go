package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

// Raters is how people of an organization rate the answers that a candidate let them see, under the employer
// role. Every call asks for a Permit for [consent.ArtefactRate].
type Raters struct {
	shared *Shared
	keys   fieldKeys
}

// NewRaters returns the raters' side of a database.
func NewRaters(database *Database, keys *Keys) *Raters {
	return &Raters{shared: NewShared(database), keys: keys}
}

// FormClosed reports whether the person saved or skipped their form of the session.
func (p *Raters) FormClosed(ctx context.Context, rate consent.Permit) (bool, error) {
	var closed bool
	err := p.as(ctx, rate, func(tx pgx.Tx) error {
		const read = `SELECT EXISTS (SELECT FROM person_forms WHERE session = $1 AND account = $2 AND closed_at IS NOT NULL)`
		return tx.QueryRow(ctx, read, rate.Session(), rate.Actor().Account).Scan(&closed)
	})
	if err != nil {
		return false, fmt.Errorf("look at a rating form: %w", notFound(err))
	}
	return closed, nil
}

// RateAnswer stores or replaces the person's rating of one competency of one answer, with a sentence that may be
// empty. Revision is that of the answer's words that the person read; [assess.ErrCorrected] if it has others since.
// [consent.ErrNotFound] if there is no such answer, the plan does not ask for the competency, or the form is closed.
func (p *Raters) RateAnswer(ctx context.Context, rate consent.Permit, rating assess.Rating, revision int, why string) error {
	f := rating.Fields()
	if f.Rater.Kind != assess.RaterHuman || f.Session != rate.Session() || f.WhyNotHigher != "" || f.WhyNotLower != "" || f.Reason != "" {
		return fmt.Errorf("rate an answer: %w", consent.ErrPermit)
	}
	var form string
	err := p.as(ctx, rate, func(tx pgx.Tx) (err error) {
		form, err = openForm(ctx, tx, rate)
		return err
	})
	if err != nil {
		return fmt.Errorf("rate an answer: %w", notFound(err))
	}
	sealed, err := p.sealWhy(ctx, rate, form, f, why)
	if err != nil {
		return fmt.Errorf("rate an answer: %w", err)
	}
	err = p.as(ctx, rate, func(tx pgx.Tx) error {
		if err := mustBeAsked(ctx, tx, f); err != nil {
			return err
		}
		if err := upsertPersonRating(ctx, tx, form, f, sealed); err != nil {
			return err
		}
		// Nothing here holds off a correction, so this comes last: one that came before is seen.
		if err := mustHaveWords(ctx, tx, f.Session, f.Question, f.Take, revision); err != nil {
			return err
		}
		return notify(ctx, tx, f.Session, TopicResults)
	})
	if hasCode(err, policyViolation) || hasCode(err, foreignKeyViolation) { // closed in between, or no such answer
		err = consent.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("rate an answer: %w", notFound(err))
	}
	return nil
}

// CloseForm ends the person's form of the session for good: from then on they see what others gave. A form that
// nothing was filled in is closed too. Closing twice is no error.
func (p *Raters) CloseForm(ctx context.Context, rate consent.Permit) error {
	err := p.as(ctx, rate, func(tx pgx.Tx) error {
		form, err := openForm(ctx, tx, rate)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE person_forms SET closed_at = statement_timestamp() WHERE id = $1 AND closed_at IS NULL`, form)
		return err
	})
	if err != nil {
		return fmt.Errorf("close a rating form: %w", notFound(err))
	}
	return nil
}

func (p *Raters) as(ctx context.Context, rate consent.Permit, work func(pgx.Tx) error) error {
	if err := demand(rate, rate.Session(), consent.ArtefactRate, consent.ActorEmployer); err != nil {
		return err
	}
	return p.shared.asEmployer(ctx, rate.Actor(), work)
}

// openForm returns the person's form of the session and makes it at the first time.
func openForm(ctx context.Context, tx pgx.Tx, rate consent.Permit) (string, error) {
	actor := rate.Actor()
	const add = `INSERT INTO person_forms (id, session, org, account) VALUES ($1, $2, $3, $4) ON CONFLICT (session, org, account) DO NOTHING`
	_, err := tx.Exec(ctx, add, consent.NewID[string](), rate.Session(), actor.Org, actor.Account)
	if hasCode(err, policyViolation) {
		return "", consent.ErrNotFound // what the Permit was given for has ended since
	}
	if err != nil {
		return "", err
	}
	var id string
	const read = `SELECT id FROM person_forms WHERE session = $1 AND org = $2 AND account = $3`
	err = tx.QueryRow(ctx, read, rate.Session(), actor.Org, actor.Account).Scan(&id)
	return id, err
}

func mustBeAsked(ctx context.Context, tx pgx.Tx, f assess.RatingFields) error {
	var plan assess.Plan
	if err := tx.QueryRow(ctx, `SELECT plan FROM sessions WHERE id = $1`, f.Session).Scan(&plan); err != nil {
		return err
	}
	if f.Question >= len(plan.Questions) || !slices.Contains(plan.Questions[f.Question].Competencies, f.Competency) {
		return consent.ErrNotFound
	}
	return nil
}

func upsertPersonRating(ctx context.Context, tx pgx.Tx, form string, f assess.RatingFields, why []byte) error {
	const put = `INSERT INTO person_ratings (form, session, question, take, competency, outcome, level, why)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (form, question, take, competency) DO UPDATE SET
		outcome = excluded.outcome, level = excluded.level, why = excluded.why, at = statement_timestamp()`
	var level *int
	if f.Outcome == assess.OutcomeLevel {
		level = &f.Level
	}
	_, err := tx.Exec(ctx, put, form, f.Session, f.Question, f.Take, f.Competency, f.Outcome, level, why)
	return err
}

func (p *Raters) sealWhy(ctx context.Context, rate consent.Permit, form string, f assess.RatingFields, why string) ([]byte, error) {
	if why == "" {
		return nil, nil
	}
	if _, err := assess.PlainText(why, assess.LongestWhy); err != nil {
		return nil, err
	}
	key, err := p.keys.WriteFields(ctx, rate, f.Session, consent.ScopeTranscript)
	if err != nil {
		return nil, err
	}
	return key.Seal(whyContext(form, f), []byte(why))
}

// whyContext binds a sentence to the rating it was given with.
func whyContext(form string, f assess.RatingFields) string {
	return fmt.Sprintf("person_ratings.why/%s/%d/%d/%s", form, f.Question, f.Take, f.Competency)
}

// sealedPersonRating is a rating by a person whose sentence is still encrypted.
type sealedPersonRating struct {
	fields       assess.RatingFields
	organization string
	form         string
	why          []byte
}

// readPersonRatings reads the ratings that people gave, as far as the policies of the plane show them.
func readPersonRatings(ctx context.Context, tx pgx.Tx, session consent.SessionID) ([]sealedPersonRating, error) {
	const read = `SELECT r.form, r.session, r.question, r.take, r.competency, r.outcome, coalesce(r.level, 0), r.at, r.why, coalesce(o.name, '')
		FROM person_ratings r JOIN person_forms f ON f.id = r.form LEFT JOIN organizations o ON o.id = f.org
		WHERE r.session = $1 ORDER BY r.question, r.take, r.at, r.form`
	rows, err := tx.Query(ctx, read, session)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedPersonRating, error) {
		r := sealedPersonRating{fields: assess.RatingFields{Rater: assess.Rater{Kind: assess.RaterHuman}}}
		f := &r.fields
		err := row.Scan(&r.form, &f.Session, &f.Question, &f.Take, &f.Competency, &f.Outcome, &f.Level, &f.At, &r.why, &r.organization)
		f.At = f.At.UTC()
		return r, err
	})
}

// ownForm returns the id of the reader's own form; empty where there is none, or the reader is no employer.
func (r *reading) ownForm(ctx context.Context, tx pgx.Tx) (id string, err error) {
	if r.role != RoleEmployer {
		return "", nil
	}
	const read = `SELECT id FROM person_forms WHERE session = $1 AND account = $2`
	err = tx.QueryRow(ctx, read, r.id, r.permits.Session.Actor().Account).Scan(&id)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", nil
	}
	return id, err
}

func (r *reading) readPeople(ctx context.Context, tx pgx.Tx) (err error) {
	if r.people, err = readPersonRatings(ctx, tx, r.id); err != nil {
		return err
	}
	r.form, err = r.ownForm(ctx, tx)
	return err
}

// openPeople decrypts the sentences for a reader of the transcript, which they may quote.
func (r *reading) openPeople(ctx context.Context, keys fieldKeys) ([]assess.PersonRating, error) {
	var key *FieldKey
	opened := make([]assess.PersonRating, 0, len(r.people))
	for _, sealed := range r.people {
		rating, err := assess.NewRating(sealed.fields)
		if err != nil {
			return nil, err
		}
		person := assess.PersonRating{Rating: rating, Organization: sealed.organization, Yours: sealed.form == r.form}
		if sealed.why != nil && given(r.permits.Transcript) {
			if key == nil {
				read, err := keys.ReadFields(ctx, r.permits.Transcript, r.id, consent.ScopeTranscript)
				if err != nil {
					return nil, err
				}
				key = &read
			}
			why, err := key.Open(whyContext(sealed.form, sealed.fields), sealed.why)
			if err != nil {
				return nil, err
			}
			person.Why = string(why)
		}
		opened = append(opened, person)
	}
	return opened, nil
}
