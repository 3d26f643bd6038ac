package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// unvalidated is how ratings by a model must be called that no valid agreement card is about.
const unvalidated = "unvalidated practice estimate"

func (s *Server) reportRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-report", Method: http.MethodGet, Path: "/sessions/{id}/report",
		Summary: "Everything known about one of your interviews",
	}, s.getReport)
}

func (s *Server) getReport(ctx context.Context, account consent.Account, in *sessionPath) (*body[reportJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	rights, err := s.rights(ctx, account, id)
	if err != nil {
		return nil, err
	}
	first, err := s.ratesFirst(ctx, rights)
	if err != nil {
		return nil, err
	}
	shown, parts := rights, []consent.Artefact{
		consent.ArtefactSession, consent.ArtefactRatings, consent.ArtefactFeedback, consent.ArtefactQuotes,
		consent.ArtefactMeasurements, consent.ArtefactTranscript, consent.ArtefactProfile,
	}
	if first {
		shown = rights.withoutJudgements()
		parts = slices.DeleteFunc(parts, func(a consent.Artefact) bool { return a == consent.ArtefactRatings }) // none but their own
	}
	if err := s.noteAccess(ctx, shown, parts...); err != nil {
		return nil, err
	}
	record, err := s.cfg.Records.Record(ctx, shown.recordPermits())
	if err != nil {
		return nil, fmt.Errorf("read record: %w", err)
	}
	report := reporter{rights: shown, all: rights, record: record, ratesFirst: first, card: s.cfg.Agreement}.report()
	report.JudgedBy = judgedBy(report, s.cfg.Judge)
	if report.Recording, err = s.recordingLink(ctx, rights, record.Session); err != nil {
		return nil, err
	}
	if rights.may(consent.ArtefactProfile) && !rights.owner() {
		if report.Candidate, err = s.candidateName(ctx, rights); err != nil {
			return nil, err
		}
	}
	return answer(report), nil
}

// recordingLink says what there is to play, or nothing where there will be nothing for this reader.
func (s *Server) recordingLink(ctx context.Context, r rights, session consent.Session) (*recordingLinkJSON, error) {
	if !r.may(consent.ArtefactAudio) && !r.may(consent.ArtefactVideo) {
		return nil, nil //nolint:nilnil // the report has no such part then
	}
	layout, err := s.layout(ctx, r, 0)
	if errors.Is(err, media.ErrNothingRecorded) {
		if r.owner() && session.Consents.Recording {
			return &recordingLinkJSON{}, nil
		}
		return nil, nil //nolint:nilnil // as above
	}
	if err != nil {
		return nil, err
	}
	whose := "/sessions/"
	if !r.owner() {
		whose = "/shared/"
	}
	return &recordingLinkJSON{
		Available: true, Through: layout.Through(), Audio: layout.Audio(), Video: layout.Video(), DurationMS: layout.Duration().Milliseconds(),
		URL: apiPrefix + whose + string(session.ID) + "/recording.webm?through=" + strconv.FormatInt(layout.Through(), 10),
	}, nil
}

// judgedBy names who really wrote down and judged what the report shows, not who would do it today.
// The place is known only while it is still the same one. Who judged words that were corrected since is named only
// where nobody judged any that are there now.
func judgedBy(report reportJSON, today Judge) judgeJSON {
	var by Judge
	var now, before []ratingJSON
	for _, question := range report.Questions {
		for _, take := range question.Takes {
			for _, line := range take.Lines {
				by.TranscriberEngine, by.TranscriberPlace = line.Engine, placeOf(line.Engine, today.TranscriberEngine, today.TranscriberPlace)
			}
			now, before = append(now, take.Ratings...), append(before, take.Earlier...)
		}
	}
	if !slices.ContainsFunc(now, func(r ratingJSON) bool { return r.Rater.Model != "" }) {
		now = before
	}
	for _, rating := range now { // the last name that there is
		switch model := rating.Rater.Model; {
		case model == "", rating.Rater.Pass == assess.PassContest: // a second look stands beside the levels
		case rating.Rater.Pass == assess.PassSecond:
			by.AssessorSecond = model
		default:
			by.AssessorModel, by.AssessorPlace = model, placeOf(model, today.AssessorModel, today.AssessorPlace)
		}
	}
	if by.AssessorSecond == by.AssessorModel {
		by.AssessorSecond = "" // asked twice
	}
	return judgeOf(by)
}

func placeOf(name, today, place string) string {
	if name == today {
		return place
	}
	return "not known"
}

func (s *Server) candidateName(ctx context.Context, r rights) (string, error) {
	sessions, err := s.cfg.Shared.SharedWith(ctx, r.snapshot.Actor)
	if err != nil {
		return "", fmt.Errorf("read candidate's name: %w", err)
	}
	for _, shared := range sessions {
		if shared.Session == r.snapshot.Session && shared.Candidate != "" {
			return shared.Candidate, nil
		}
	}
	return "", nil
}

// reporter turns a record into what one reader may see of it. It trusts no store to have left
// something out: every part is checked against its own Permit here.
type reporter struct {
	rights     rights
	all        rights // also to what is not shown before the reader's own rating
	record     assess.Record
	ratesFirst bool
	card       *assess.AgreementCard // nil: none holds
}

func (p reporter) may(artefact consent.Artefact) bool { return p.rights.may(artefact) }

func (p reporter) report() reportJSON {
	session := p.record.Session
	out := reportJSON{
		Session: session.ID, RoleTitle: session.RoleTitle, Mode: session.Mode, LengthMS: p.record.Length.Milliseconds(),
		EndedAt: session.EndedAt, Gaps: p.gaps(), Competencies: competenciesOf(p.record.Plan), Questions: p.questions(),
		Standings: []standingJSON{},
	}
	if p.may(consent.ArtefactRatings) && !p.holdsBack() && !p.ratesFirst {
		for _, standing := range assess.Standings(p.record.Plan, p.record.Answers, assess.RaterModel) {
			out.Standings = append(out.Standings, standingJSON(standing))
		}
	}
	if p.may(consent.ArtefactTranscript) {
		out.Loose = p.lines(p.record.Loose, p.record.LooseOriginals)
	}
	for _, question := range out.Questions {
		for _, take := range question.Takes {
			if len(take.Earlier) > 0 || slices.ContainsFunc(take.Ratings, func(r ratingJSON) bool { return r.Rater.Kind == assess.RaterModel }) {
				out.Label = unvalidated
			}
		}
	}
	if out.Label != "" && p.measured() {
		out.Label, out.Agreement = p.card.Sentence(), agreementOf(*p.card)
	}
	if !p.rights.owner() {
		out.Withheld, out.Authorization = p.withheld(), p.rights.grant()
		if p.rights.may(consent.ArtefactRate) {
			out.RatingForm = &ratingFormJSON{Closed: !p.ratesFirst}
		}
	}
	return out
}

// measured: every rating by a model was given by what the card is about. A report with ratings of an older
// model or older instructions among them stays without it.
func (p reporter) measured() bool {
	if p.card == nil {
		return false
	}
	for _, answered := range p.record.Answers {
		for _, rating := range slices.Concat(answered.Ratings, answered.Earlier) {
			if rating.Rater().Kind == assess.RaterModel && !p.card.Covers(rating, p.record.Plan) {
				return false
			}
		}
	}
	return true
}

func (p reporter) withheld() []string {
	var list []string
	for _, artefact := range []consent.Artefact{
		consent.ArtefactRatings, consent.ArtefactFeedback, consent.ArtefactQuotes, consent.ArtefactTranscript,
		consent.ArtefactMeasurements, consent.ArtefactAudio, consent.ArtefactVideo,
	} {
		if !p.all.may(artefact) {
			list = append(list, string(artefact))
		}
	}
	return list
}

// gaps: an employer sees those of the tracks it may play, but not why they are there, because one of
// the reasons is that the candidate took a consent back.
func (p reporter) gaps() []gapJSON {
	list := []gapJSON{}
	for _, gap := range p.record.Gaps {
		if !p.may(gap.Kind.Artefact()) {
			continue
		}
		shown := gapJSON{Kind: gap.Kind, StartMS: gap.Start.Milliseconds(), EndMS: gap.End.Milliseconds()}
		if p.rights.owner() {
			shown.Reason = gap.Reason
		}
		list = append(list, shown)
	}
	return list
}

func competenciesOf(plan assess.Plan) []competencyJSON {
	list := make([]competencyJSON, 0, len(plan.Competencies))
	for _, c := range plan.Competencies {
		anchors := map[string]string{}
		for level, text := range c.Anchors {
			anchors[strconv.Itoa(level)] = text
		}
		list = append(list, competencyJSON{ID: c.ID, Name: c.Name, Definition: c.Definition, Anchors: anchors})
	}
	return list
}

// anchorsOf returns what answers to the question are rated on.
func anchorsOf(plan assess.Plan, q assess.Question) map[string]map[string]string {
	of := map[string]map[string]string{}
	for _, c := range plan.CompetenciesOf(q) {
		of[c.ID] = map[string]string{}
		for level, text := range c.Anchors {
			of[c.ID][strconv.Itoa(level)] = text
		}
	}
	return of
}

// questions: the text of a question that was not asked yet is not shown, so that the report cannot be
// used to read ahead. What an answer to it is rated by comes with what was rated.
func (p reporter) questions() []questionJSON {
	state := p.record.Session.State
	over := state == consent.SessionEnded || state == consent.SessionAssessed
	list := make([]questionJSON, 0, len(p.record.Plan.Questions))
	for i, q := range p.record.Plan.Questions {
		shown := questionJSON{Index: i, Kind: q.Kind, Competencies: q.Competencies, Takes: []takeJSON{}}
		for _, answered := range p.record.Answers {
			if answered.Answer.Question == i {
				shown.Takes = append(shown.Takes, p.take(answered))
			}
		}
		if over || len(shown.Takes) > 0 {
			shown.Text = q.Text
			if !p.holdsBack() {
				shown.Anchors = anchorsOf(p.record.Plan, q)
			}
		}
		list = append(list, shown)
	}
	return list
}

func (p reporter) take(answered assess.AnswerResult) takeJSON {
	a := answered.Answer
	take := takeJSON{Take: a.Take, Pending: answered.Pending, Ratings: []ratingJSON{}, Standings: []standingJSON{}, Evidence: []evidenceJSON{}, Feedback: []feedbackJSON{}}
	if p.seesTimes() {
		take.StartMS, take.EndMS, take.EndedBy = ms(a.Start), ms(a.End), a.EndedBy
	}
	if a.EndedBy == assess.EndedBySkip {
		take.EndedBy = a.EndedBy // whoever sees that there is an answer sees also that there is none
	}
	if p.may(consent.ArtefactTranscript) {
		take.Lines, take.Revision, take.CorrectedAt = p.lines(answered.Lines, answered.Originals), a.Revision, a.CorrectedAt
		if asked := answered.FollowUp; asked.Text != "" {
			take.FollowUp = &followUpJSON{Text: asked.Text, Model: asked.Model, At: asked.At}
		}
	}
	if p.holdsBack() {
		return take
	}
	if p.may(consent.ArtefactMeasurements) {
		take.Measurements = measurementsOf(answered.Measurements)
	}
	for _, rating := range answered.Ratings {
		if shown, ok := p.rating(rating); ok {
			take.Ratings = append(take.Ratings, shown)
		}
	}
	if take.Earlier = p.earlier(answered); len(take.Earlier) > 0 {
		take.CorrectedAt = a.CorrectedAt
	}
	for _, given := range answered.People {
		if shown, ok := p.person(given); ok {
			shown.Before = shown.At.Before(a.CorrectedAt)
			take.Ratings = append(take.Ratings, shown)
		}
	}
	if p.may(consent.ArtefactRatings) && !p.ratesFirst {
		take.Standings = p.standings(answered)
	}
	if p.may(consent.ArtefactRatings) && p.may(consent.ArtefactQuotes) && !p.ratesFirst {
		take.Flagged = flaggedOf(answered)
	}
	take.Contests = p.contests(answered)
	if p.may(consent.ArtefactFeedback) {
		var ids []int64
		take.Evidence, ids = p.evidence(answered)
		if p.may(consent.ArtefactQuotes) && !p.ratesFirst {
			take.Feedback = feedbackOf(answered, ids)
		}
	}
	return take
}

// feedbackOf shows the sentences that rest on something that is shown: on evidence, whose ids are given in the
// order it is shown in, or on a measurement.
func feedbackOf(answered assess.AnswerResult, shown []int64) []feedbackJSON {
	list := []feedbackJSON{}
	for _, item := range answered.Feedback {
		out := feedbackJSON{Kind: item.Kind, Text: item.Text, Evidence: []int{}, Measurements: []string{}}
		for _, id := range item.Evidence {
			if at := slices.Index(shown, id); at >= 0 {
				out.Evidence = append(out.Evidence, at)
			}
		}
		for _, name := range item.Measurements {
			if slices.ContainsFunc(answered.Measurements, func(m assess.Measurement) bool { return m.Name == name && m.Valid }) {
				out.Measurements = append(out.Measurements, name)
			}
		}
		if len(out.Evidence)+len(out.Measurements) > 0 {
			list = append(list, out)
		}
	}
	return list
}

// flaggedOf renders the words that the level which counts was given without.
func flaggedOf(answered assess.AnswerResult) (list []flaggedJSON) {
	for _, span := range assess.Flagged(answered.Lines, answered.Ratings) {
		at := slices.IndexFunc(answered.Lines, func(l assess.Line) bool { return l.Ref() == span.Line })
		if at < 0 {
			continue
		}
		if quote, err := answered.Lines[at].Quote(span.First, span.Last); err == nil {
			list = append(list, flaggedJSON{Epoch: span.Line.Epoch, Sequence: span.Line.Sequence, First: span.First, Last: span.Last, Quote: quote})
		}
	}
	return list
}

func (p reporter) standings(answered assess.AnswerResult) []standingJSON {
	list := []standingJSON{}
	for _, id := range p.record.Plan.Questions[answered.Answer.Question].Competencies {
		if standing, ok := assess.StandingOf(answered.Ratings, assess.RaterModel, id); ok {
			list = append(list, standingJSON(standing))
		}
	}
	return list
}

// seesTimes: how long an answer took is a measurement, and also what a transcript and a recording show.
func (p reporter) seesTimes() bool {
	return p.may(consent.ArtefactMeasurements) || p.may(consent.ArtefactTranscript) || p.may(consent.ArtefactAudio) || p.may(consent.ArtefactVideo)
}

// holdsBack: an exam keeps its results to the end.
func (p reporter) holdsBack() bool {
	return p.record.Session.Mode == consent.ModeExam && p.record.Session.State == consent.SessionLive
}

// rating: the self-rating is the candidate's own. Sentences about why may quote, so they need what a
// quote needs.
func (p reporter) rating(r assess.Rating) (ratingJSON, bool) {
	needs := consent.ArtefactRatings
	if r.Rater().Kind == assess.RaterSelf {
		needs = consent.ArtefactPrivate
	}
	rater := r.Rater()
	// With the words that it is about out of sight, a rating that does not count would only look like one that does.
	unexplained := rater.Pass == assess.PassWithFlagged && !p.may(consent.ArtefactQuotes)
	if !p.may(needs) || p.ratesFirst || unexplained {
		return ratingJSON{}, false
	}
	shown := ratingJSON{
		Competency: r.Competency(), Outcome: r.Outcome(), At: r.At(), HeardBadly: r.Heard().Names(), PartlyRead: r.PartlyRead(),
		Rater: raterJSON{
			Kind: rater.Kind, Model: rater.Model, Pass: rater.Pass,
			PromptSHA256: rater.PromptSHA256, RubricSHA256: rater.RubricSHA256, BankSHA256: rater.BankSHA256,
			Held: r.Asked().Held, Answered: r.Asked().Answered,
		},
	}
	if level, ok := r.Level(); ok {
		shown.Level = level
	}
	if p.may(consent.ArtefactFeedback) {
		shown.Reason = r.Reason()
	}
	if p.may(consent.ArtefactQuotes) {
		shown.WhyNotHigher, shown.WhyNotLower = r.WhyNotHigher(), r.WhyNotLower()
	}
	return shown, true
}

// evidence renders each quote from the words themselves. A range that does not fit its line is left
// out: it shows nothing that was said. The ids are those of what is returned.
func (p reporter) evidence(answered assess.AnswerResult) (list []evidenceJSON, ids []int64) {
	list = []evidenceJSON{}
	for _, e := range answered.Evidence {
		shown := evidenceJSON{Competency: e.Competency, Polarity: e.Polarity, Part: e.Part}
		if !p.may(consent.ArtefactQuotes) {
			list, ids = append(list, shown), append(ids, e.ID)
			continue
		}
		at := slices.IndexFunc(answered.Lines, func(l assess.Line) bool { return l.Epoch == e.Line.Epoch && l.Sequence == e.Line.Sequence })
		if at < 0 || e.First < 0 || e.Last < e.First || e.Last >= len(answered.Lines[at].Words) {
			continue
		}
		words := answered.Lines[at].Words[e.First : e.Last+1]
		shown.Quote = textOf(words)
		shown.StartMS, shown.EndMS = ms(words[0].Start), ms(words[len(words)-1].End)
		shown.Epoch, shown.Sequence, shown.First, shown.Last = &e.Line.Epoch, &e.Line.Sequence, &e.First, &e.Last
		list, ids = append(list, shown), append(ids, e.ID)
	}
	return list, ids
}

func textOf(words []assess.Word) string {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = word.Text
	}
	return strings.Join(texts, " ")
}

func linesOf(lines []assess.Line) []lineJSON {
	list := make([]lineJSON, 0, len(lines))
	for _, line := range lines {
		shown := lineJSON{
			Epoch: line.Epoch, Sequence: line.Sequence, StartMS: line.Start.Milliseconds(), EndMS: line.End.Milliseconds(),
			Engine: line.Engine, Interpolated: line.HasEstimatedTimes(), Words: make([]wordJSON, 0, len(line.Words)),
			Revision: line.Revision, CorrectedAt: line.CorrectedAt, Changed: line.Changed,
		}
		for _, word := range line.Words {
			shown.Words = append(shown.Words, wordJSON{
				Text: word.Text, StartMS: word.Start.Milliseconds(), EndMS: word.End.Milliseconds(),
				Confidence: word.Confidence, Doubtful: word.Doubtful(), Heard: word.Heard, Corrected: word.Corrected,
			})
		}
		list = append(list, shown)
	}
	return list
}

func measurementsOf(measurements []assess.Measurement) []measurementJSON {
	list := make([]measurementJSON, 0, len(measurements))
	for _, m := range measurements {
		shown := measurementJSON{Name: m.Name, Unit: m.Unit, Counted: m.Counted, Valid: m.Valid, Invalid: m.Invalid}
		if m.Valid {
			shown.Value = &m.Value
		}
		list = append(list, shown)
	}
	return list
}

func ms(d time.Duration) *int64 {
	n := d.Milliseconds()
	return &n
}
