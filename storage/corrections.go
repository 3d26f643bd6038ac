package storage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"greenroom/assess"
	"greenroom/consent"
)

// Corrections is what candidates correct in their transcripts, under the candidate role.
type Corrections struct {
	sessions *Sessions
	keys     fieldKeys
}

// NewCorrections returns the corrections of a database.
func NewCorrections(database *Database, keys *Keys) *Corrections {
	return &Corrections{sessions: NewSessions(database), keys: keys}
}

// Correct gives lines of a session that is over the words that their candidate heard, all of them or none, and asks
// for the work on the answers that they are of. Lines that have the text already are left alone. The Permits are
// for [consent.ArtefactPrivate] and [consent.ArtefactTranscript].
//
// A correction that is stored already, and whose answer got lost on its way, may be sent again: nothing happens.
//
// It returns [assess.ErrCorrected] if a line is of another revision, [assess.ErrUnfinished] if the first assessment
// of an answer is not done, what [assess.Line.Correct] returns for a text, [consent.ErrBadStep] before the end,
// [consent.ErrNotFound] for a line that there is not, and what says that the session is held or restricted.
func (s *Corrections) Correct(ctx context.Context, private, transcript consent.Permit, list []assess.Correction) error {
	corrected, err := s.correct(ctx, private, transcript, list)
	if hasCode(err, policyViolation) {
		err = consent.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("correct the transcript: %w", err)
	}
	for _, job := range corrected {
		// The correction stands; a job that could not be added is added within a minute.
		_ = s.sessions.database.enqueueCorrected(ctx, job)
	}
	return nil
}

func (s *Corrections) correct(ctx context.Context, private, transcript consent.Permit, list []assess.Correction) ([]answerJob, error) {
	session := private.Session()
	if err := demand(private, session, consent.ArtefactPrivate, consent.ActorCandidate); err != nil {
		return nil, err
	}
	if err := demand(transcript, session, consent.ArtefactTranscript, consent.ActorCandidate); err != nil {
		return nil, err
	}
	if transcript.Actor() != private.Actor() {
		return nil, consent.ErrPermit
	}
	c := correcting{session: session, candidate: private.Actor().Account}
	if err := s.sessions.asCandidate(ctx, c.candidate, func(tx pgx.Tx) error { return c.read(ctx, tx, list) }); err != nil {
		return nil, err
	}
	if err := c.change(ctx, s.keys, private, transcript, list); err != nil {
		return nil, err
	}
	if len(c.lines) == 0 && c.stored > 0 {
		return nil, nil
	}
	if len(c.lines) == 0 {
		return nil, assess.ErrNothingCorrected
	}
	err := s.sessions.asCandidate(ctx, c.candidate, func(tx pgx.Tx) error { return c.store(ctx, tx) })
	return c.jobs, err
}

// correcting is one correction on its way from a candidate's texts to rows.
type correcting struct {
	session   consent.SessionID
	candidate consent.AccountID
	sealed    map[assess.LineRef]sealedLine
	first     map[assess.LineRef][]byte // what the engine wrote, of lines that were corrected before
	lines     []correctedLine
	stored    int // lines that this very correction changed before
	jobs      []answerJob
}

// correctedLine is a line with its new words; what was there before is sealed as the candidate's own.
type correctedLine struct {
	assess.Line
	words    []byte
	original []byte
}

func (c *correcting) read(ctx context.Context, tx pgx.Tx, list []assess.Correction) error {
	epochs, sequences := make([]int, len(list)), make([]int, len(list))
	for i, correction := range list {
		epochs[i], sequences[i] = correction.Line.Epoch, correction.Line.Sequence
	}
	const these = ` AND (epoch, sequence) IN (SELECT * FROM unnest($2::int[], $3::int[]))`
	lines, err := readLines(ctx, tx, c.session, these, epochs, sequences)
	if err != nil {
		return err
	}
	c.sealed, c.first = make(map[assess.LineRef]sealedLine, len(lines)), map[assess.LineRef][]byte{}
	for _, line := range lines {
		c.sealed[line.Ref()] = line
	}
	originals, err := readOriginals(ctx, tx, c.session, these+` AND revision = 0`, epochs, sequences)
	for _, original := range originals {
		c.first[original.Line] = original.words
	}
	return err
}

// change works out the new words and seals them.
func (c *correcting) change(ctx context.Context, keys fieldKeys, private, transcript consent.Permit, list []assess.Correction) error {
	words, err := keys.WriteFields(ctx, transcript, c.session, consent.ScopeTranscript)
	if err != nil {
		return err
	}
	own, err := keys.WriteFields(ctx, private, c.session, consent.ScopeFeedback)
	if err != nil {
		return err
	}
	for _, correction := range list {
		sealed, ok := c.sealed[correction.Line]
		if !ok {
			return consent.ErrNotFound
		}
		corrected, err := c.one(words, own, sealed, correction.Text)
		same := errors.Is(err, assess.ErrNothingCorrected)
		switch {
		case same && sealed.Revision == correction.Revision+1:
			c.stored++
			continue
		case sealed.Revision != correction.Revision:
			return assess.ErrCorrected
		case same:
			continue
		case err != nil:
			return err
		}
		c.lines = append(c.lines, corrected)
	}
	return nil
}

func (c *correcting) one(words, own FieldKey, sealed sealedLine, text string) (correctedLine, error) {
	line, err := sealed.open(words)
	if err != nil {
		return correctedLine{}, err
	}
	first := line.Words
	if before, ok := c.first[line.Ref()]; ok {
		if first, err = openWords(own, originalContext(line.Ref(), 0), before); err != nil {
			return correctedLine{}, err
		}
	}
	was, err := json.Marshal(line.Words)
	if err != nil {
		return correctedLine{}, fmt.Errorf("write words: %w", err)
	}
	corrected := correctedLine{}
	if corrected.original, err = own.Seal(originalContext(line.Ref(), line.Revision), was); err != nil {
		return correctedLine{}, err
	}
	if corrected.Line, err = line.Correct(first, text); err != nil {
		return correctedLine{}, assess.LineError{Start: line.Start, Err: err}
	}
	now, err := json.Marshal(corrected.Words)
	if err != nil {
		return correctedLine{}, fmt.Errorf("write words: %w", err)
	}
	corrected.Words = nil // what is stored is sealed
	corrected.words, err = words.Seal(wordsContext(line.Epoch, line.Sequence, corrected.Revision), now)
	return corrected, err
}

// store changes the rows. The lock on the session's row holds off whoever writes what was found in the old words.
func (c *correcting) store(ctx context.Context, tx pgx.Tx) error {
	session, err := readSession(ctx, tx, c.candidate, c.session, lockRow)
	if err != nil {
		return err
	}
	if err := notPaused(session); err != nil {
		return err
	}
	if !session.State.Over() {
		return consent.ErrBadStep{State: session.State, Step: "be corrected"}
	}
	type take struct{ question, take int }
	answers := map[take]bool{}
	for _, line := range c.lines {
		if err := line.store(ctx, tx); err != nil {
			return err
		}
		of := take{line.Question, line.Take}
		if line.Question < 0 || answers[of] {
			continue
		}
		answers[of] = true
		if err := c.reopen(ctx, tx, session, of.question, of.take); err != nil {
			return err
		}
	}
	return logEvent(ctx, tx, c.session, TopicResults, "corrected", eventDetail{"lines": len(c.lines), "answers": len(answers)})
}

// store puts the line's words in the place of those that were read, and keeps these.
func (l correctedLine) store(ctx context.Context, tx pgx.Tx) error {
	const put = `UPDATE lines SET words = $4, changed = $5, revision = revision + 1, corrected_at = statement_timestamp(), evidence_at = NULL
		WHERE session = $1 AND epoch = $2 AND sequence = $3 AND revision = $6 - 1`
	done, err := tx.Exec(ctx, put, l.Session, l.Epoch, l.Sequence, l.words, l.Changed, l.Revision)
	if err != nil {
		return err
	}
	if done.RowsAffected() == 0 {
		return assess.ErrCorrected
	}
	const keep = `INSERT INTO line_originals (session, epoch, sequence, revision, words) VALUES ($1, $2, $3, $4 - 1, $5)`
	if _, err := tx.Exec(ctx, keep, l.Session, l.Epoch, l.Sequence, l.Revision, l.original); err != nil {
		return err
	}
	const end = `UPDATE evidence SET superseded_by = $4 WHERE session = $1 AND line_epoch = $2 AND line_sequence = $3 AND superseded_by IS NULL`
	_, err = tx.Exec(ctx, end, l.Session, l.Epoch, l.Sequence, l.Revision)
	return err
}

// reopen lets an answer be assessed again: what models said about its words as they were quotes them, or counts
// them, and its levels are those of earlier words.
func (c *correcting) reopen(ctx context.Context, tx pgx.Tx, session consent.Session, question, take int) error {
	var revision int
	var unfinished bool
	const open = `WITH before AS (SELECT revision = 0 AND assessed_at IS NULL AS open FROM answers WHERE session = $1 AND question = $2 AND take = $3)
		UPDATE answers SET revision = revision + 1, corrected_at = statement_timestamp(), assessed_at = NULL
		WHERE session = $1 AND question = $2 AND take = $3 RETURNING revision, (SELECT open FROM before)`
	err := tx.QueryRow(ctx, open, c.session, question, take).Scan(&revision, &unfinished)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil // an answer that never closed: nothing is known of it
	}
	if err != nil {
		return err
	}
	if unfinished && session.Consents.Assessment {
		return assess.ErrUnfinished
	}
	const notes = `UPDATE rating_notes n SET superseded_by = $4 FROM ratings r
		WHERE r.id = n.rating AND r.session = $1 AND r.question = $2 AND r.take = $3 AND r.rater_kind = 'model' AND n.superseded_by IS NULL`
	if _, err := tx.Exec(ctx, notes, c.session, question, take, revision); err != nil {
		return err
	}
	for _, table := range []string{"feedback", "measurements"} {
		if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE session = $1 AND question = $2 AND take = $3`, c.session, question, take); err != nil {
			return err
		}
	}
	if session.Consents.Assessment {
		c.jobs = append(c.jobs, answerJob{Session: c.session, Question: question, Take: take, Revision: revision})
	}
	return nil
}

func (d *Database) enqueueCorrected(ctx context.Context, job answerJob) error {
	err := d.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error { return d.jobs.add(ctx, tx, job) })
	if err != nil {
		return fmt.Errorf("enqueue a corrected answer: %w", err)
	}
	return nil
}

const (
	correctionsEvery  = time.Minute // a corrected answer waits so long whose job was lost
	correctionsAtOnce = 100
)

// correctionsJob enqueues the corrected answers that have no job.
type correctionsJob struct{}

// Kind names the job in the table.
func (correctionsJob) Kind() string { return "look_for_corrections" }

// InsertOpts: the next one comes by itself.
func (correctionsJob) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

func (j *Jobs) workCorrections(ctx context.Context, _ *river.Job[correctionsJob]) error {
	err := j.database.in(ctx, RoleWorker, rowContext{}, func(tx pgx.Tx) error {
		// In the context of no session only those are seen that are to be assessed.
		const corrected = `SELECT session, question, take, 0::bigint, revision FROM answers
			WHERE revision > 0 AND assessed_at IS NULL ORDER BY corrected_at LIMIT $1`
		_, err := addDue[answerJob](ctx, tx, j.database.jobs, corrected, correctionsAtOnce)
		return err
	})
	if err != nil {
		return fmt.Errorf("look for corrected answers: %w", err)
	}
	return nil
}

// originalContext binds words to the row that keeps what they were.
func originalContext(line assess.LineRef, revision int) string {
	return fmt.Sprintf("line_originals.words/%d/%d/%d", line.Epoch, line.Sequence, revision)
}

// sealedOriginal is what stood in a line, still encrypted.
type sealedOriginal struct {
	assess.Original
	words []byte
}

// readOriginals reads what stood in lines before they were corrected. which is more of the WHERE clause, from $2 on.
func readOriginals(ctx context.Context, tx pgx.Tx, session consent.SessionID, which string, arguments ...any) ([]sealedOriginal, error) {
	rows, err := tx.Query(ctx, `SELECT epoch, sequence, revision, until, words FROM line_originals WHERE session = $1`+which+`
		ORDER BY epoch, sequence, revision`, append([]any{session}, arguments...)...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (sealedOriginal, error) {
		var o sealedOriginal
		err := row.Scan(&o.Line.Epoch, &o.Line.Sequence, &o.Revision, &o.Until, &o.words)
		o.Until = o.Until.UTC()
		return o, err
	})
}

// readEarlier reads what only the candidate is shown of a correction: the words before, and for their export what
// was found in them.
func (r *reading) readEarlier(ctx context.Context, tx pgx.Tx) (err error) {
	if !given(r.permits.Private) || !given(r.permits.Feedback) || !given(r.permits.Transcript) {
		return nil
	}
	if r.originals, err = readOriginals(ctx, tx, r.id, ""); err != nil || r.role != RoleExport {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT `+evidenceColumns+`, superseded_by FROM evidence WHERE session = $1 AND superseded_by IS NOT NULL
		ORDER BY line_epoch, line_sequence, superseded_by, first_word, id`, r.id)
	if err != nil {
		return err
	}
	r.superseded, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (assess.EarlierEvidence, error) {
		var e assess.EarlierEvidence
		err := row.Scan(append(evidenceFields(&e.Evidence), &e.Revision)...)
		e.Revision-- // what was found in one revision ends with the next
		return e, err
	})
	return err
}

// openOriginals decrypts them for the candidate and their export.
func (r *reading) openOriginals(ctx context.Context, keys fieldKeys) ([]assess.Original, error) {
	if len(r.originals) == 0 {
		return nil, nil
	}
	key, err := keys.ReadFields(ctx, r.permits.Feedback, r.id, consent.ScopeFeedback)
	if err != nil {
		return nil, err
	}
	opened := make([]assess.Original, len(r.originals))
	for i, o := range r.originals {
		if o.Words, err = openWords(key, originalContext(o.Line, o.Revision), o.words); err != nil {
			return nil, err
		}
		opened[i] = o.Original
	}
	return opened, nil
}
