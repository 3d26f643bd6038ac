package export

import (
	"slices"
	"strconv"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// transcriptOf writes the words of a session with their times.
func transcriptOf(record assess.Record) Transcript {
	lines := record.Lines()
	originals := originalsOf(record)
	transcript := Transcript{Kind: kindTranscript, Schema: Schema, Session: record.Session.ID, Lines: make([]Line, 0, len(lines))}
	for _, l := range lines {
		line := Line{
			Epoch: l.Epoch, Sequence: l.Sequence, Question: l.Question, Take: l.Take,
			StartMS: l.Start.Milliseconds(), EndMS: l.End.Milliseconds(),
			Engine: l.Engine, Interpolated: l.HasEstimatedTimes(), Words: wordsOf(l.Words), Revision: l.Revision, CorrectedAt: l.CorrectedAt.UTC(),
		}
		if l.Flaws != nil {
			line.LostMS, line.ClippedMS = new(l.Flaws.Lost.Milliseconds()), new(l.Flaws.Clipped.Milliseconds())
		}
		for _, o := range originals[l.Ref()] {
			line.Originals = append(line.Originals, Original{Revision: o.Revision, Until: o.Until.UTC(), Words: wordsOf(o.Words)})
			if o.Revision > 0 {
				continue
			}
			for _, change := range assess.Difference(o.Words, l.Words) {
				line.Difference = append(line.Difference, Change(change))
			}
		}
		transcript.Lines = append(transcript.Lines, line)
	}
	return transcript
}

func wordsOf(words []assess.Word) []Word {
	list := make([]Word, 0, len(words))
	for _, w := range words {
		list = append(list, Word{
			Text: w.Text, StartMS: w.Start.Milliseconds(), EndMS: w.End.Milliseconds(), Confidence: w.Confidence, Heard: w.Heard, Corrected: w.Corrected,
		})
	}
	return list
}

// originalsOf lists what stood in each line that was corrected, the oldest first.
func originalsOf(record assess.Record) map[assess.LineRef][]assess.Original {
	all := slices.Clone(record.LooseOriginals)
	for _, answered := range record.Answers {
		all = append(all, answered.Originals...)
	}
	of := map[assess.LineRef][]assess.Original{}
	for _, original := range all {
		of[original.Line] = append(of[original.Line], original)
	}
	return of
}

// sessionOf writes everything about a session that is not a file of its own.
func sessionOf(record assess.Record, history consent.SessionHistory) SessionData {
	s := record.Session
	data := SessionData{
		Kind: kindSession, Schema: Schema, ID: s.ID, State: s.State, Role: s.Role, RoleTitle: s.RoleTitle, Mode: s.Mode,
		Created: s.CreatedAt.UTC(), MediaStart: s.MediaStart.UTC(), Ended: s.EndedAt.UTC(), LengthMS: record.Length.Milliseconds(),
		Consents: Consents(s.Consents), Plan: planOf(record.Plan), Gaps: []Gap{}, Answers: []Answer{}, Receipts: []string{},
		ConsentEvents: []ConsentEvent{}, Authorizations: []Authorization{}, Accesses: []Access{}, AICalls: []AICall{}, Events: []Event{},
	}
	for _, g := range record.Gaps {
		data.Gaps = append(data.Gaps, Gap{Kind: g.Kind, StartMS: g.Start.Milliseconds(), EndMS: g.End.Milliseconds(), Reason: g.Reason})
	}
	for _, answered := range record.Answers {
		data.Answers = append(data.Answers, answerOf(answered))
	}
	addHistory(&data, history)
	return data
}

func addHistory(data *SessionData, history consent.SessionHistory) {
	for _, e := range history.Consents {
		data.ConsentEvents = append(data.ConsentEvents, ConsentEvent{
			At: e.At.UTC(), Kind: e.Kind, Withdrawn: e.Withdrawn, Consents: Consents(e.Consents), NoticeSHA256: e.NoticeSHA256,
		})
	}
	for _, a := range history.Authorizations {
		events := make([]Past, 0, len(a.Events))
		for _, e := range a.Events {
			events = append(events, Past{At: e.At.UTC(), Kind: e.Kind})
		}
		data.Authorizations = append(data.Authorizations, Authorization{
			ID: a.ID, OrgName: a.OrgName, Purpose: a.Purpose, Scopes: a.Scopes, ValidFrom: a.ValidFrom.UTC(), ValidUntil: a.ValidUntil.UTC(),
			State: a.State, Events: events,
		})
	}
	for _, a := range history.Accesses {
		data.Accesses = append(data.Accesses, Access{At: a.At.UTC(), OrgName: a.OrgName, Artefact: a.Artefact})
	}
	for _, c := range history.AICalls {
		data.AICalls = append(data.AICalls, AICall{At: c.At.UTC(), For: c.For, Model: c.Model, Place: c.Place, PromptSHA256: c.PromptSHA256, Times: c.Times})
	}
	for _, e := range history.Events {
		detail := e.Detail
		if detail == nil {
			detail = map[string]any{}
		}
		data.Events = append(data.Events, Event{Sequence: e.Sequence, At: e.At.UTC(), Kind: e.Kind, Detail: detail})
	}
}

func planOf(p assess.Plan) Plan {
	plan := Plan{BankVersion: p.BankVersion, BankSHA256: p.BankSHA256, FollowUps: p.FollowUps, Questions: []Question{}, Competencies: []Competency{}}
	for _, q := range p.Questions {
		competencies := q.Competencies
		if competencies == nil {
			competencies = []string{}
		}
		plan.Questions = append(plan.Questions, Question{
			ID: q.ID, Kind: q.Kind, Text: q.Text, Competencies: competencies,
			PrepareMS: q.PrepareFor.Milliseconds(), AnswerMS: q.AnswerFor.Milliseconds(), Anchors: ownAnchorsOf(q),
		})
	}
	for _, c := range p.Competencies {
		plan.Competencies = append(plan.Competencies, Competency{ID: c.ID, Name: c.Name, Definition: c.Definition, Anchors: anchorsOf(c.Anchors)})
	}
	return plan
}

func anchorsOf(anchors map[int]string) map[string]string {
	shown := make(map[string]string, len(anchors))
	for level, text := range anchors {
		shown[strconv.Itoa(level)] = text
	}
	return shown
}

func ownAnchorsOf(q assess.Question) map[string]map[string]string {
	shown := make(map[string]map[string]string, len(q.Anchors))
	for competency, anchors := range q.Anchors {
		shown[competency] = anchorsOf(anchors)
	}
	return shown
}

func answerOf(r assess.AnswerResult) Answer {
	a := r.Answer
	answer := Answer{
		Question: a.Question, Take: a.Take, StartMS: a.Start.Milliseconds(), EndMS: a.End.Milliseconds(), LimitMS: a.Limit.Milliseconds(),
		EndedBy: a.EndedBy, Pending: r.Pending, Revision: a.Revision, CorrectedAt: a.CorrectedAt.UTC(), Measurements: []Measurement{}, Ratings: []Rating{}, Evidence: []Evidence{}, Contests: []Contest{},
	}
	if f := r.FollowUp; f.Text != "" {
		answer.FollowUp = &FollowUp{Text: f.Text, Model: f.Model, PromptSHA256: f.PromptSHA256, BankSHA256: f.BankSHA256, At: f.At.UTC()}
	}
	for _, m := range r.Measurements {
		measured := Measurement{Name: m.Name, Unit: m.Unit, Counted: m.Counted, Valid: m.Valid, Invalid: m.Invalid}
		if m.Valid {
			measured.Value = &m.Value
		}
		answer.Measurements = append(answer.Measurements, measured)
	}
	for _, rating := range slices.Concat(r.Earlier, r.Ratings) {
		answer.Ratings = append(answer.Ratings, ratingOf(rating.Fields()))
	}
	for _, person := range r.People {
		rating := ratingOf(person.Rating.Fields())
		rating.OrgName, rating.Why = person.Organization, person.Why
		answer.Ratings = append(answer.Ratings, rating)
	}
	for _, c := range r.Contests {
		contest := Contest{Competency: c.Competency, At: c.At.UTC(), MomentMS: -1, Words: c.Words, ByModel: c.ByModel, LookedAt: c.LookedAt.UTC()}
		if c.Moment >= 0 {
			contest.MomentMS = c.Moment.Milliseconds()
		}
		answer.Contests = append(answer.Contests, contest)
	}
	for _, e := range r.EarlierEvidence {
		answer.Earlier = append(answer.Earlier, earlierOf(e, r.Originals))
	}
	for _, e := range r.Evidence {
		answer.Evidence = append(answer.Evidence, evidenceOf(e, r.Lines))
	}
	for _, item := range r.Feedback {
		said := Feedback{Kind: item.Kind, Text: item.Text, Measurements: item.Measurements}
		for at, e := range r.Evidence {
			if slices.Contains(item.Evidence, e.ID) {
				said.Evidence = append(said.Evidence, at)
			}
		}
		answer.Feedback = append(answer.Feedback, said)
	}
	return answer
}

func ratingOf(f assess.RatingFields) Rating {
	return Rating{
		Competency: f.Competency, Rater: Rater(f.Rater), Outcome: f.Outcome, Level: f.Level,
		WhyNotHigher: f.WhyNotHigher, WhyNotLower: f.WhyNotLower, Reason: f.Reason, At: f.At.UTC(),
		Revision: f.Revision, Held: f.Asked.Held, Answered: f.Asked.Answered, HeardBadly: f.Heard.Names(), PartlyRead: f.PartlyRead,
	}
}

// evidenceOf renders the quote from the words themselves; a range that does not fit its line quotes
// nothing.
func evidenceOf(e assess.Evidence, lines []assess.Line) Evidence {
	evidence := Evidence{
		Competency: e.Competency, Polarity: e.Polarity, Part: e.Part, Rater: Rater(e.Rater),
		Epoch: e.Line.Epoch, Sequence: e.Line.Sequence, First: e.First, Last: e.Last,
	}
	for _, line := range lines {
		if line.Epoch == e.Line.Epoch && line.Sequence == e.Line.Sequence {
			evidence.Quote, _ = line.Quote(e.First, e.Last) // without one the range says that it is wrong
		}
	}
	return evidence
}

// earlierOf renders the quote from the words that it was found in.
func earlierOf(e assess.EarlierEvidence, originals []assess.Original) Evidence {
	var words []assess.Line
	for _, o := range originals {
		if o.Revision == e.Revision {
			words = append(words, assess.Line{Epoch: o.Line.Epoch, Sequence: o.Line.Sequence, Words: o.Words})
		}
	}
	earlier := evidenceOf(e.Evidence, words)
	earlier.Revision = e.Revision
	return earlier
}

func accountOf(history consent.AccountHistory, created time.Time, sessions []SessionLine) AccountData {
	a := history.Account
	data := AccountData{
		Kind: kindAccount, Schema: Schema, Created: created.UTC(),
		Profile:  Profile{ID: a.ID, Email: a.Email, Name: a.DisplayName, AgeRule: history.AgeRule, Since: history.CreatedAt.UTC()},
		LogIns:   []LogIn{},
		Notices:  []Notice{},
		Sessions: sessions,
	}
	for _, l := range history.LogIns {
		data.LogIns = append(data.LogIns, LogIn{Since: l.Since.UTC(), Until: l.Until.UTC()})
	}
	for _, n := range history.Notices {
		data.Notices = append(data.Notices, Notice{
			Session: n.Session, Answered: n.Answered.UTC(), Version: strconv.Itoa(n.Notice.Version), SHA256: n.Notice.SHA256(), Text: n.Notice.Text,
		})
	}
	return data
}
