package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"

	"greenroom/assess"
	"greenroom/consent"
)

// The defaults of [JobOptions].
const (
	defaultJobWorkers   = 4
	defaultJobTimeout   = 5 * time.Minute
	defaultJobDrain     = 10 * time.Second
	defaultAbandonAfter = 24 * time.Hour
	abandonEvery        = 10 * time.Minute
	turnEvery           = time.Hour
	rescueMargin        = time.Minute
	beforeOther         = 2 * time.Second // an answer's job waits so long for another of the same answer
	longestRetryPause   = 10 * time.Minute
)

// JobHandlers does what the jobs ask for. A handler that fails is asked again, up to five times.
type JobHandlers struct {
	Evidence func(ctx context.Context, session consent.SessionID, line assess.LineRef) error
	Answer   func(ctx context.Context, session consent.SessionID, question, take int) error
	// SecondLook rates again what a candidate contests; nil: not on this node.
	SecondLook func(ctx context.Context, session consent.SessionID, question, take int, competency string) error
	// Eraser does the erasures that were asked for; nil: another node does.
	Eraser *Eraser
	// Sweeper takes away what is kept no longer, every hour, on one node; nil: another node does.
	Sweeper *Sweeper
	// TurnEpoch is asked for at the start and every hour, on one node; nil: never. It finds out itself
	// whether something is due.
	TurnEpoch func(ctx context.Context) (EpochTurn, error)
	// Export makes the file of an export; nil: not on this node.
	Export func(ctx context.Context, account consent.AccountID, export consent.ExportID) error
}

// DiscardedJob is one that failed for the last time. Line is set for evidence, Question, Take and Revision for
// an answer, Export for an export.
type DiscardedJob struct {
	Kind     string // "evidence", "assess_answer" or "export"
	Session  consent.SessionID
	Line     assess.LineRef
	Question int
	Take     int
	Revision int // of the words that were to be assessed
	Export   consent.ExportID
	Err      error
}

// JobOptions has defaults for everything.
type JobOptions struct {
	Workers      int           // jobs at once on this node; 0: 4
	Timeout      time.Duration // of one try, a second look six times that; 0: 5 minutes
	Drain        time.Duration // for running jobs when Run is told to stop; 0: 10 s
	AbandonAfter time.Duration // how long a session may be left before it is abandoned; 0: 24 h
	// Retry is the pause after the given number of failures; nil: seconds that grow fourfold.
	Retry func(failures int) time.Duration
	// OnDiscard is told of a job that failed for the last time, before it is given up.
	OnDiscard func(ctx context.Context, job DiscardedJob)
	Log       *slog.Logger // nil: none

	soon bool // no random waits at the start, for tests
}

func (o JobOptions) withDefaults() JobOptions {
	if o.Workers <= 0 {
		o.Workers = defaultJobWorkers
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultJobTimeout
	}
	if o.Drain <= 0 {
		o.Drain = defaultJobDrain
	}
	if o.AbandonAfter <= 0 {
		o.AbandonAfter = defaultAbandonAfter
	}
	if o.Retry == nil {
		o.Retry = func(failures int) time.Duration {
			return min(time.Second<<(2*min(failures, 8)-1), longestRetryPause) // 2 s, 8 s, 32 s, …
		}
	}
	if o.OnDiscard == nil {
		o.OnDiscard = func(context.Context, DiscardedJob) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
}

// Jobs works on the queue, under the worker role. Any number of nodes may.
type Jobs struct {
	database *Database
	handlers JobHandlers
	options  JobOptions

	endsNoted atomic.Pointer[time.Time] // until when this node knows that every expiry is noted; nil: it has not looked
}

// NewJobs returns a worker on the queue; it does nothing until Run runs.
func NewJobs(database *Database, handlers JobHandlers, options JobOptions) (*Jobs, error) {
	if handlers.Evidence == nil || handlers.Answer == nil {
		return nil, errors.New("jobs need a handler for each kind")
	}
	return &Jobs{database: database, handlers: handlers, options: options.withDefaults()}, nil
}

// Run works until ctx ends; then running jobs get Drain to finish, after which their contexts end and
// they return to the queue. The library's goroutines belong to Run, which waits for them.
func (j *Jobs) Run(ctx context.Context) error {
	client, err := river.NewClient(riverpgxv5.New(j.database.Pool(RoleWorker)), j.config())
	if err != nil {
		return fmt.Errorf("prepare to work on jobs: %w", err)
	}
	if err := client.Start(ctx); err != nil {
		if ctx.Err() != nil {
			return nil //nolint:nilerr // told to stop before it began
		}
		return fmt.Errorf("work on jobs: %w", err)
	}
	<-client.Stopped()
	return nil
}

func (j *Jobs) config() *river.Config {
	workers := river.NewWorkers()
	river.AddWorker(workers, river.WorkFunc(j.workEvidence))
	river.AddWorker(workers, river.WorkFunc(j.workAnswer))
	river.AddWorker(workers, river.WorkFunc(j.workLeft))
	river.AddWorker(workers, contestWorker{jobs: j})
	river.AddWorker(workers, river.WorkFunc(j.workContests))
	river.AddWorker(workers, river.WorkFunc(j.workCorrections))
	river.AddWorker(workers, river.WorkFunc(j.workAbandon))
	river.AddWorker(workers, river.WorkFunc(j.workTurn))
	river.AddWorker(workers, exportWorker{make: j.handlers.Export})
	river.AddWorker(workers, river.WorkFunc(j.workErase))
	river.AddWorker(workers, river.WorkFunc(j.workErasures))
	river.AddWorker(workers, river.WorkFunc(j.workEnds))
	river.AddWorker(workers, river.WorkFunc(j.workSweep))
	return &river.Config{
		Schema:     riverSchema,
		Queues:     j.queues(),
		Workers:    workers,
		JobTimeout: j.options.Timeout,
		// What a killed node was at, another goes on with.
		RescueStuckJobsAfter:        j.options.Timeout + rescueMargin,
		SoftStopTimeout:             j.options.Drain,
		CompletedJobRetentionPeriod: leftoversLife(),
		CancelledJobRetentionPeriod: leftoversLife(),
		DiscardedJobRetentionPeriod: leftoversLife(),
		RetryPolicy:                 retryPolicy(j.options.Retry),
		ErrorHandler:                (*discards)(j),
		Logger:                      slog.New(warnings{j.options.Log.Handler()}),
		ReindexerIndexNames:         []string{}, // needs the owner
		TestOnly:                    j.options.soon,
		PeriodicJobs:                j.periodic(),
	}
}

// leftoversLife is how long what is left of finished work is kept: a rule of hours.
func leftoversLife() time.Duration {
	return time.Duration(consent.RuleOf(consent.ClassLeftovers).Kept.Hours) * time.Hour
}

// queues are those that this node works on.
func (j *Jobs) queues() map[string]river.QueueConfig {
	queues := map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: j.options.Workers}}
	if j.handlers.Export != nil {
		queues[exportQueue] = river.QueueConfig{MaxWorkers: 1}
	}
	return queues
}

// periodic are the jobs that come by themselves, each on one node, the first time at once.
func (j *Jobs) periodic() []*river.PeriodicJob {
	jobs := []*river.PeriodicJob{every(abandonEvery, abandonJob{}), every(leftEvery, leftJob{}), every(endsEvery, endsJob{}), every(correctionsEvery, correctionsJob{})}
	if j.handlers.SecondLook != nil {
		jobs = append(jobs, every(contestsEvery, contestsJob{}))
	}
	if j.handlers.TurnEpoch != nil {
		jobs = append(jobs, every(turnEvery, turnJob{}))
	}
	if j.handlers.Sweeper != nil {
		jobs = append(jobs, every(sweepEvery, sweepJob{}))
	}
	if j.handlers.Eraser != nil {
		jobs = append(jobs, every(erasuresEvery, erasuresJob{}))
	}
	return jobs
}

func every(pause time.Duration, job river.JobArgs) *river.PeriodicJob {
	return river.NewPeriodicJob(river.PeriodicInterval(pause),
		func() (river.JobArgs, *river.InsertOpts) { return job, nil }, &river.PeriodicJobOpts{RunOnStart: true})
}

func (j *Jobs) workEvidence(ctx context.Context, job *river.Job[evidenceJob]) error {
	return j.unlessPaused(ctx, job.Args.Session, j.handlers.Evidence(ctx, job.Args.Session, job.Args.line()))
}

// workAnswer assesses an answer. Of the jobs of an answer that was gone on with the last one alone counts,
// and none works beside another: the older could write over what the newer found.
func (j *Jobs) workAnswer(ctx context.Context, job *river.Job[answerJob]) error {
	const look = `SELECT coalesce(bool_or(id > $1), false), coalesce(bool_or(id < $1 AND state = 'running' AND attempted_at > now() - $4::interval), false)
		FROM river.river_job WHERE kind = $2 AND id <> $1 AND args @> $3`
	of := map[string]any{"session": job.Args.Session, "question": job.Args.Question, "take": job.Args.Take}
	var outdated, busy bool
	err := j.database.Pool(RoleWorker).QueryRow(ctx, look, job.ID, job.Args.Kind(), of, j.options.Timeout+rescueMargin).Scan(&outdated, &busy)
	switch {
	case err != nil:
		return fmt.Errorf("look for other jobs of the answer: %w", err)
	case outdated:
		return nil
	case busy:
		return river.JobSnooze(beforeOther)
	}
	return j.unlessPaused(ctx, job.Args.Session, j.handlers.Answer(ctx, job.Args.Session, job.Args.Question, job.Args.Take))
}

func (j *Jobs) workAbandon(ctx context.Context, _ *river.Job[abandonJob]) error {
	abandoned, err := abandonStale(ctx, j.database, j.options.AbandonAfter)
	if err != nil {
		return fmt.Errorf("abandon stale sessions: %w", err)
	}
	if abandoned > 0 {
		j.options.Log.Info("abandoned stale sessions", "count", abandoned)
	}
	return nil
}

// abandonJob runs by itself every few minutes, on one node.
type abandonJob struct{}

// Kind names the job in the table.
func (abandonJob) Kind() string { return "abandon_stale" }

// InsertOpts: the next one comes by itself.
func (abandonJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workTurn(ctx context.Context, _ *river.Job[turnJob]) error {
	if j.handlers.TurnEpoch == nil { // enqueued by a node that has one
		return errors.New("this node turns no epochs")
	}
	turn, err := j.handlers.TurnEpoch(ctx)
	if err != nil {
		return fmt.Errorf("turn the epoch of the keys: %w", err)
	}
	if turn.Resealed > 0 || turn.Destroyed > 0 {
		j.options.Log.Info("turned the epoch of the keys", "epoch", turn.Epoch, "resealed", turn.Resealed, "destroyed", turn.Destroyed)
	}
	return nil
}

// turnJob seals the wrapped keys anew and destroys old epoch keys.
type turnJob struct{}

// Kind names the job in the table.
func (turnJob) Kind() string { return "turn_epoch" }

// InsertOpts: the next one comes by itself.
func (turnJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

type retryPolicy func(failures int) time.Duration

// NextRetry implements the library's policy.
func (p retryPolicy) NextRetry(job *rivertype.JobRow) time.Time {
	return time.Now().UTC().Add(p(job.Attempt))
}

// discards watches for the last failure of a job.
type discards Jobs

// HandleError implements the library's handler; the job goes its way.
func (d *discards) HandleError(ctx context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	d.options.Log.Warn("a job failed", "kind", job.Kind, "attempt", job.Attempt, "of", job.MaxAttempts, "error", err)
	if job.Attempt >= job.MaxAttempts {
		d.tell(ctx, job, err)
	}
	return nil
}

// HandlePanic implements the library's handler; a panic counts as a failure.
func (d *discards) HandlePanic(ctx context.Context, job *rivertype.JobRow, panicked any, trace string) *river.ErrorHandlerResult {
	d.options.Log.Error("a job panicked", "kind", job.Kind, "attempt", job.Attempt, "panic", panicked, "trace", trace)
	if job.Attempt >= job.MaxAttempts {
		d.tell(ctx, job, fmt.Errorf("panic: %v", panicked))
	}
	return nil
}

func (d *discards) tell(ctx context.Context, job *rivertype.JobRow, cause error) {
	discarded := DiscardedJob{Kind: job.Kind, Err: cause}
	switch job.Kind {
	case evidenceJob{}.Kind():
		var args evidenceJob
		if json.Unmarshal(job.EncodedArgs, &args) != nil {
			return
		}
		discarded.Session, discarded.Line = args.Session, args.line()
	case answerJob{}.Kind():
		var args answerJob
		if json.Unmarshal(job.EncodedArgs, &args) != nil {
			return
		}
		discarded.Session, discarded.Question, discarded.Take, discarded.Revision = args.Session, args.Question, args.Take, args.Revision
	case exportJob{}.Kind():
		var args exportJob
		if json.Unmarshal(job.EncodedArgs, &args) != nil {
			return
		}
		discarded.Export = args.Export
	default:
		return
	}
	d.options.OnDiscard(ctx, discarded)
}
