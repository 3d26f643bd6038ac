package storage

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"greenroom/assess"
	"greenroom/consent"
)

const (
	contestsEvery   = time.Minute // a contest waits so long whose job was lost
	contestsAtOnce  = 100
	contestAttempts = jobAttempts
)

// Contests is what candidates contest, under the candidate role.
type Contests struct {
	sessions *Sessions
	keys     fieldKeys
}

// NewContests returns the contests of a database.
func NewContests(database *Database, keys *Keys) *Contests {
	return &Contests{sessions: NewSessions(database), keys: keys}
}

// Contest stores that the candidate contests what the competency was rated, and asks for the work on it. The Permit
// is for [consent.ArtefactPrivate]. [assess.ErrContested] if that was done before, [consent.ErrNotFound] if nobody rated it.
func (s *Contests) Contest(ctx context.Context, private consent.Permit, c assess.Contest) error {
	if err := demand(private, c.Session, consent.ArtefactPrivate, consent.ActorCandidate); err != nil {
		return fmt.Errorf("contest: %w", err)
	}
	var words []byte
	if c.Words != "" {
		key, err := s.keys.WriteFields(ctx, private, c.Session, consent.ScopeFeedback)
		if err != nil {
			return fmt.Errorf("contest: %w", err)
		}
		if words, err = key.Seal(contestContext(c), []byte(c.Words)); err != nil {
			return fmt.Errorf("contest: %w", err)
		}
	}
	err := s.sessions.asCandidate(ctx, private.Actor().Account, func(tx pgx.Tx) error {
		if err := mustHaveLevel(ctx, tx, c); err != nil {
			return err
		}
		var moment *int64
		if c.Moment >= 0 {
			ns := int64(c.Moment)
			moment = &ns
		}
		const add = `INSERT INTO contests (session, question, take, competency, at_ns, words, by_model) VALUES ($1, $2, $3, $4, $5, $6, $7)`
		if _, err := tx.Exec(ctx, add, c.Session, c.Question, c.Take, c.Competency, moment, words, c.ByModel); err != nil {
			return err
		}
		return notify(ctx, tx, c.Session, TopicResults)
	})
	switch {
	case hasCode(err, uniqueViolation):
		err = assess.ErrContested
	case hasCode(err, policyViolation):
		err = consent.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("contest: %w", notFound(err))
	}
	if c.ByModel {
		// The contest stands; a job that could not be added is added within a minute.
		_ = s.sessions.database.enqueueContest(ctx, c)
	}
	return nil
}

// mustHaveLevel: what nobody rated cannot be contested.
func mustHaveLevel(ctx context.Context, tx pgx.Tx, c assess.Contest) error {
	const look = `SELECT EXISTS (SELECT FROM ratings WHERE session = $1 AND question = $2 AND take = $3 AND competency = $4 AND rater_kind = 'model'
			AND revision = (SELECT revision FROM answers WHERE session = $1 AND question = $2 AND take = $3))
		OR EXISTS (SELECT FROM person_ratings WHERE session = $1 AND question = $2 AND take = $3 AND competency = $4)`
	var rated bool
	if err := tx.QueryRow(ctx, look, c.Session, c.Question, c.Take, c.Competency).Scan(&rated); err != nil {
		return err
	}
	if !rated {
		return consent.ErrNotFound
	}
	return nil
}

// contestContext binds what the candidate says to what it is about.
func contestContext(c assess.Contest) string {
	return fmt.Sprintf("contests.words/%d/%d/%s", c.Question, c.Take, c.Competency)
}

// contestJob asks for a second look of a model. Like all jobs it carries ids only.
type contestJob struct {
	Session    consent.SessionID `json:"session"`
	Question   int               `json:"question"`
	Take       int               `json:"take"`
	Competency string            `json:"competency"`
}

// Kind names the job in the table.
func (contestJob) Kind() string { return "second_look" }

// InsertOpts makes the job unique by its ids.
func (contestJob) InsertOpts() river.InsertOpts {
	options := uniqueJob()
	options.MaxAttempts = contestAttempts
	return options
}

func (d *Database) enqueueContest(ctx context.Context, c assess.Contest) error {
	err := d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		return d.jobs.add(ctx, tx, contestJob{Session: c.Session, Question: c.Question, Take: c.Take, Competency: c.Competency})
	})
	if err != nil {
		return fmt.Errorf("enqueue a second look: %w", err)
	}
	return nil
}

// contestTimes is how many times as long as another job a second look may take: it gathers the evidence of all lines
// of an answer at once, where the first ratings had that done line by line while the answer was given.
const contestTimes = 6

// contestWorker hands the job on, with its own limit of time.
type contestWorker struct {
	river.WorkerDefaults[contestJob]
	jobs *Jobs
}

// Timeout implements the library's worker.
func (w contestWorker) Timeout(*river.Job[contestJob]) time.Duration {
	return contestTimes * w.jobs.options.Timeout
}

// Work implements the library's worker.
func (w contestWorker) Work(ctx context.Context, job *river.Job[contestJob]) error {
	return w.jobs.workContest(ctx, job)
}

// workContest asks for the second look. The last failure ends it too: the candidate reads that nothing came of it.
func (j *Jobs) workContest(ctx context.Context, job *river.Job[contestJob]) error {
	if j.handlers.SecondLook == nil {
		return errors.New("this node looks at nothing again")
	}
	of := job.Args
	err := j.unlessPaused(ctx, of.Session, j.handlers.SecondLook(ctx, of.Session, of.Question, of.Take, of.Competency))
	if snoozed := (*river.JobSnoozeError)(nil); errors.As(err, &snoozed) {
		return err // the session is restricted or held: it waits
	}
	if err != nil && job.Attempt < job.MaxAttempts {
		return err
	}
	return errors.Join(err, j.looked(context.WithoutCancel(ctx), of))
}

func (j *Jobs) looked(ctx context.Context, of contestJob) error {
	err := j.database.in(ctx, RoleWorker, rowContext{session: string(of.Session)}, func(tx pgx.Tx) error {
		const set = `UPDATE contests SET looked_at = statement_timestamp()
			WHERE session = $1 AND question = $2 AND take = $3 AND competency = $4 AND looked_at IS NULL`
		if _, err := tx.Exec(ctx, set, of.Session, of.Question, of.Take, of.Competency); err != nil {
			return err
		}
		return notify(ctx, tx, of.Session, TopicResults)
	})
	if err != nil {
		return fmt.Errorf("note a second look: %w", err)
	}
	return nil
}

// contestsJob enqueues the contests that have no job.
type contestsJob struct{}

// Kind names the job in the table.
func (contestsJob) Kind() string { return "look_for_contests" }

// InsertOpts: the next one comes by itself.
func (contestsJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workContests(ctx context.Context, _ *river.Job[contestsJob]) error {
	err := j.database.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		const open = `SELECT session, question, take, competency FROM contests WHERE by_model AND looked_at IS NULL ORDER BY at LIMIT $1`
		_, err := addDue[contestJob](ctx, tx, j.database.jobs, open, contestsAtOnce)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for contests: %w", err)
	}
	return nil
}

// sealedContest is a contest whose words are still encrypted.
type sealedContest struct {
	assess.Contest
	words []byte
}

// readContests reads what is contested: an employer is not told in which words, nor about which moment.
func (r *reading) readContests(ctx context.Context, tx pgx.Tx) error {
	own := `at_ns, words`
	if r.role == RoleEmployer {
		own = `NULL::bigint, NULL::bytea`
	}
	rows, err := tx.Query(ctx, `SELECT session, question, take, competency, at, by_model, looked_at, `+own+`
		FROM contests WHERE session = $1 ORDER BY question, take, competency`, r.id)
	if err != nil {
		return err
	}
	r.contests, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedContest, error) {
		c := sealedContest{Contest: assess.Contest{Moment: -1}}
		var moment *int64
		err := row.Scan(&c.Session, &c.Question, &c.Take, &c.Competency, &c.At, &c.ByModel, orZero{&c.LookedAt}, &moment, &c.words)
		if moment != nil {
			c.Moment = time.Duration(*moment)
		}
		c.At = c.At.UTC()
		return c, err
	})
	return err
}

// openContests decrypts the words for the candidate alone.
func (r *reading) openContests(ctx context.Context, keys fieldKeys) ([]assess.Contest, error) {
	opened := make([]assess.Contest, 0, len(r.contests))
	for _, sealed := range r.contests {
		c := sealed.Contest
		if sealed.words != nil && given(r.permits.Private) && given(r.permits.Feedback) {
			key, err := keys.ReadFields(ctx, r.permits.Feedback, r.id, consent.ScopeFeedback)
			if err != nil {
				return nil, err
			}
			words, err := key.Open(contestContext(c), sealed.words)
			if err != nil {
				return nil, err
			}
			c.Words = string(words)
		}
		opened = append(opened, c)
	}
	return opened, nil
}
