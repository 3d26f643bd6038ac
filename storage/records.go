package storage

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// notShared stands for a reason that the reader may not see, where a rating must have one.
const notShared = "not shared"

// Records reads the results of sessions. The database role follows the Permit's actor, so that
// row-level security stands behind the Permits.
type Records struct {
	database *Database
	keys     fieldKeys
}

// NewRecords returns the results in a database.
func NewRecords(database *Database, keys *Keys) *Records {
	return &Records{database: database, keys: keys}
}

// Record reads the parts of a session's record that there are Permits for; a zero Permit leaves its
// part out. Without the Permit for quotes, evidence comes without its words' place, and ratings
// without the sentences that may quote.
func (r *Records) Record(ctx context.Context, permits consent.RecordPermits) (assess.Record, error) {
	reading, err := newReading(permits)
	if err != nil {
		return assess.Record{}, fmt.Errorf("read record: %w", err)
	}
	err = r.database.in(ctx, reading.role, contextOf(permits.Session), func(tx pgx.Tx) error {
		return reading.read(ctx, tx)
	})
	if err != nil {
		return assess.Record{}, fmt.Errorf("read record: %w", notFound(err))
	}
	record, err := reading.assemble(ctx, r.keys)
	if err != nil {
		return assess.Record{}, fmt.Errorf("read record: %w", err)
	}
	return record, nil
}

// reading is one read of a record on its way from rows to values.
type reading struct {
	permits    consent.RecordPermits
	id         consent.SessionID
	role       Role
	record     assess.Record
	lines      []sealedLine
	asked      []sealedFollowUp
	ratings    []sealedRating
	evidence   []assess.Evidence
	feedback   []sealedFeedback
	measured   []assess.Measurement
	people     []sealedPersonRating
	form       string // the reader's own, of an employer
	contests   []sealedContest
	originals  []sealedOriginal
	superseded []assess.EarlierEvidence
}

// newReading checks the Permits: all of one actor and one session, each for its own part.
func newReading(permits consent.RecordPermits) (*reading, error) {
	r := &reading{permits: permits, id: permits.Session.Session()}
	for _, part := range []struct {
		permit   consent.Permit
		artefact consent.Artefact
		required bool
	}{
		{permits.Session, consent.ArtefactSession, true},
		{permits.Ratings, consent.ArtefactRatings, false},
		{permits.Feedback, consent.ArtefactFeedback, false},
		{permits.Quotes, consent.ArtefactQuotes, false},
		{permits.Measurements, consent.ArtefactMeasurements, false},
		{permits.Transcript, consent.ArtefactTranscript, false},
		{permits.Private, consent.ArtefactPrivate, false},
	} {
		if !part.required && !given(part.permit) {
			continue
		}
		if err := part.permit.Demand(r.id, part.artefact); err != nil {
			return nil, err
		}
		if part.permit.Actor() != permits.Session.Actor() {
			return nil, consent.ErrPermit
		}
	}
	role, ok := planeOf(permits.Session.Actor().Kind)
	if !ok || (role != RoleCandidate && role != RoleEmployer && role != RoleExport) {
		return nil, consent.ErrPermit
	}
	r.role = role
	return r, nil
}

func given(permit consent.Permit) bool { return permit != consent.Permit{} }

func (r *reading) read(ctx context.Context, tx pgx.Tx) error {
	if err := r.readSession(ctx, tx); err != nil {
		return err
	}
	if err := r.readAnswers(ctx, tx); err != nil {
		return err
	}
	if err := r.readGaps(ctx, tx); err != nil {
		return err
	}
	var err error
	if given(r.permits.Transcript) {
		if r.lines, err = readLines(ctx, tx, r.id, ""); err != nil {
			return err
		}
		if r.asked, err = readFollowUps(ctx, tx, r.id, ""); err != nil {
			return err
		}
	}
	if err := r.readEarlier(ctx, tx); err != nil {
		return err
	}
	if given(r.permits.Feedback) {
		if r.evidence, err = readEvidence(ctx, tx, r.id, ""); err != nil {
			return err
		}
	}
	if given(r.permits.Feedback) && given(r.permits.Quotes) { // its sentences may quote
		if r.feedback, err = readFeedback(ctx, tx, r.id); err != nil {
			return err
		}
	}
	if given(r.permits.Measurements) {
		if r.measured, err = readMeasurements(ctx, tx, r.id); err != nil {
			return err
		}
	}
	if given(r.permits.Ratings) || given(r.permits.Private) {
		if r.ratings, err = readRatings(ctx, tx, r.id, ""); err != nil {
			return err
		}
	}
	if given(r.permits.Ratings) {
		if err := r.readPeople(ctx, tx); err != nil {
			return err
		}
		return r.readContests(ctx, tx)
	}
	return nil
}

// readSession reads what the plane may see of the session itself: an employer sees neither who the
// candidate is nor what was consented to.
func (r *reading) readSession(ctx context.Context, tx pgx.Tx) error {
	s := &r.record.Session
	if r.role == RoleEmployer {
		const read = `SELECT id, state, role, role_title, mode, created_at, media_start, ended_at, plan
			FROM sessions WHERE id = $1 AND state <> 'erased'`
		return tx.QueryRow(ctx, read, r.id).Scan(&s.ID, &s.State, &s.Role, &s.RoleTitle, &s.Mode, &s.CreatedAt,
			orZero{&s.MediaStart}, orZero{&s.EndedAt}, &r.record.Plan)
	}
	const read = `SELECT ` + sessionColumns + `, s.plan FROM sessions s WHERE s.id = $1 AND s.candidate = $2 AND s.state <> 'erased'`
	return tx.QueryRow(ctx, read, r.id, r.permits.Session.Actor().Account).Scan(append(sessionFields(s), &r.record.Plan)...)
}

func (r *reading) readAnswers(ctx context.Context, tx pgx.Tx) error {
	pending := `false`
	if r.role != RoleEmployer {
		pending = `assessed_at IS NULL AND (SELECT assessment FROM sessions WHERE id = $1)`
	}
	rows, err := tx.Query(ctx, `SELECT `+answerColumns+`, `+pending+` FROM answers WHERE session = $1 ORDER BY question, take`, r.id)
	if err != nil {
		return err
	}
	r.record.Answers, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (assess.AnswerResult, error) {
		var a assess.AnswerResult
		err := row.Scan(append(answerFields(&a.Answer), &a.Pending)...)
		return a, err
	})
	return err
}

// readGaps returns what the capture told of, and what lies between the processes that held the session one
// after the other: that nobody could tell, because one of them did not know that it would end, and the next
// one not how much of the spool before it would still be found.
func (r *reading) readGaps(ctx context.Context, tx pgx.Tx) error {
	const read = `SELECT kind, start_ns AS began, end_ns AS ended, reason FROM gaps WHERE session = $1
		UNION ALL
		SELECT kind, 1000 * kept, 1000 * began, 'serverdown' FROM (
			SELECT kind, epoch, start_us AS began, max(end_us) OVER before AS kept, max(epoch) OVER before AS last_epoch
			FROM segments WHERE session = $1
			WINDOW before AS (PARTITION BY kind ORDER BY epoch, sequence ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)) s
		WHERE last_epoch < epoch AND kept < began
		ORDER BY began, kind`
	rows, err := tx.Query(ctx, read, r.id)
	if err != nil {
		return err
	}
	r.record.Gaps, err = pgx.CollectRows(rows, scanGap)
	return err
}

func scanGap(row pgx.CollectableRow) (media.Gap, error) {
	var g media.Gap
	err := row.Scan(&g.Kind, nanoseconds{&g.Start}, nanoseconds{&g.End}, &g.Reason)
	return g, err
}

// assemble decrypts and puts everything with its answer.
func (r *reading) assemble(ctx context.Context, keys fieldKeys) (assess.Record, error) {
	lines, err := openLines(ctx, keys, r.permits.Transcript, r.id, r.lines)
	if err != nil {
		return assess.Record{}, err
	}
	asked, err := openFollowUps(ctx, keys, r.permits.Transcript, r.id, r.asked)
	if err != nil {
		return assess.Record{}, err
	}
	ratings, err := r.openRatings(ctx, keys)
	if err != nil {
		return assess.Record{}, err
	}
	people, err := r.openPeople(ctx, keys)
	if err != nil {
		return assess.Record{}, err
	}
	contests, err := r.openContests(ctx, keys)
	if err != nil {
		return assess.Record{}, err
	}
	originals, err := r.openOriginals(ctx, keys)
	if err != nil {
		return assess.Record{}, err
	}
	type take struct{ question, take int }
	at := make(map[take]*assess.AnswerResult, len(r.record.Answers))
	for i := range r.record.Answers {
		a := &r.record.Answers[i]
		at[take{a.Answer.Question, a.Answer.Take}] = a
	}
	said := make(map[assess.LineRef]take, len(lines))
	for _, line := range lines {
		of := take{line.Question, line.Take}
		said[line.Ref()] = of
		if a := at[of]; a != nil {
			a.Lines = append(a.Lines, line)
		} else {
			r.record.Loose = append(r.record.Loose, line)
		}
	}
	for _, original := range originals {
		if a := at[said[original.Line]]; a != nil {
			a.Originals = append(a.Originals, original)
		} else {
			r.record.LooseOriginals = append(r.record.LooseOriginals, original)
		}
	}
	for _, followUp := range asked {
		a := at[take{followUp.Question, followUp.Take}]
		// It may repeat words that were corrected since: then it is the candidate's alone, as those are.
		if a != nil && (r.role != RoleEmployer || a.Answer.Revision == 0) {
			a.FollowUp = followUp
		}
	}
	for _, e := range r.superseded {
		if a := at[take{e.Question, e.Take}]; a != nil {
			a.EarlierEvidence = append(a.EarlierEvidence, e)
		}
	}
	for _, e := range r.evidence {
		if a := at[take{e.Question, e.Take}]; a != nil {
			a.Evidence = append(a.Evidence, r.withheld(e))
		}
	}
	for _, m := range r.measured {
		if a := at[take{m.Question, m.Take}]; a != nil {
			a.Measurements = append(a.Measurements, m)
		}
	}
	for _, rating := range ratings {
		switch a := at[take{rating.Question(), rating.Take()}]; {
		case a == nil:
		case rating.Rater().Kind == assess.RaterModel && rating.Revision() != a.Answer.Revision:
			a.Earlier = append(a.Earlier, rating)
		default:
			a.Ratings = append(a.Ratings, rating)
		}
	}
	for _, person := range people {
		if a := at[take{person.Rating.Question(), person.Rating.Take()}]; a != nil {
			a.People = append(a.People, person)
		}
	}
	for _, sealed := range r.feedback {
		a := at[take{sealed.question, sealed.take}]
		if a == nil {
			continue
		}
		key, err := keys.ReadFields(ctx, r.permits.Feedback, r.id, consent.ScopeFeedback)
		if err != nil {
			return assess.Record{}, err
		}
		if a.Feedback, err = sealed.open(key); err != nil {
			return assess.Record{}, err
		}
	}
	for _, c := range contests {
		if a := at[take{c.Question, c.Take}]; a != nil {
			a.Contests = append(a.Contests, c)
		}
	}
	r.record.Length = lengthOf(r.record)
	return r.record, nil
}

// withheld takes the place of the words away from a reader who may not see them together with the
// feedback.
func (r *reading) withheld(e assess.Evidence) assess.Evidence {
	if !given(r.permits.Quotes) {
		e.Line, e.First, e.Last = assess.LineRef{}, -1, -1
	}
	return e
}

func (r *reading) openRatings(ctx context.Context, keys fieldKeys) ([]assess.Rating, error) {
	var key *FieldKey
	ratings := make([]assess.Rating, 0, len(r.ratings))
	for _, sealed := range r.ratings {
		f := sealed.RatingFields
		self := f.Rater.Kind == assess.RaterSelf
		if self && !given(r.permits.Private) || !self && !given(r.permits.Ratings) {
			continue
		}
		if sealed.notes != nil && given(r.permits.Feedback) {
			if key == nil {
				opened, err := keys.ReadFields(ctx, r.permits.Feedback, r.id, consent.ScopeFeedback)
				if err != nil {
					return nil, err
				}
				key = &opened
			}
			if err := r.openNotes(*key, sealed.notes, &f); err != nil {
				return nil, err
			}
		}
		if f.Outcome == assess.OutcomeNotAssessable && f.Reason == "" {
			f.Reason = notShared
		}
		rating, err := assess.NewRating(f)
		if err != nil {
			return nil, err
		}
		ratings = append(ratings, rating)
	}
	return ratings, nil
}

// lengthOf is how long the interview lasted: to its end, or while it goes on to its last answer.
func lengthOf(record assess.Record) time.Duration {
	s := record.Session
	if !s.MediaStart.IsZero() && s.EndedAt.After(s.MediaStart) {
		return s.EndedAt.Sub(s.MediaStart)
	}
	var length time.Duration
	for _, a := range record.Answers {
		length = max(length, a.Answer.End)
	}
	return length
}

// openNotes decrypts the sentences. Those about why may quote, so they need what a quote needs.
func (r *reading) openNotes(key FieldKey, sealed []byte, f *assess.RatingFields) error {
	plain, err := key.Open(notesContext(*f), sealed)
	if err != nil {
		return err
	}
	var notes ratingNotes
	if err := json.Unmarshal(plain, &notes); err != nil {
		return fmt.Errorf("read sentences: %w", err)
	}
	f.Reason = notes.Reason
	if given(r.permits.Quotes) {
		f.WhyNotHigher, f.WhyNotLower = notes.WhyNotHigher, notes.WhyNotLower
	}
	return nil
}
