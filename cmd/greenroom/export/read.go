package export

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// Kept is one interview of an export, with what rating it again needs.
type Kept struct {
	Session   consent.SessionID
	Names     assess.Names // of the candidate, which no model is told
	Plan      assess.Plan
	FollowUps []assess.FollowUp // by models
	Answers   []assess.Answer   // whose assessment had come to its end
	Lines     []assess.Line
	Gaps      []media.Gap
	Ratings   []assess.Rating // by models
}

// Read checks an export as [Verify] does, and then reads the interviews in it from the same files. Errors wrap
// [ErrNotExport].
func Read(file io.ReaderAt, size int64, checks Checks) (Verified, []Kept, error) {
	v := &verifying{Checks: checks}
	result, err := v.verify(file, size)
	if err != nil {
		return Verified{}, nil, err
	}
	kept, err := v.kept()
	if err != nil {
		return Verified{}, nil, fmt.Errorf("%w: %w", ErrNotExport, err)
	}
	return result, kept, nil
}

func (v *verifying) kept() ([]Kept, error) {
	var account AccountData
	if err := v.decode(accountName, &account); err != nil {
		return nil, err
	}
	names := assess.NamesOf(account.Profile.Name, account.Profile.Email)
	var all []Kept
	for _, line := range account.Sessions {
		if line.Folder == "" {
			continue // it was left out
		}
		one, err := v.keptSession(line.Folder)
		if err != nil {
			return nil, err
		}
		one.Names = names
		all = append(all, one)
	}
	return all, nil
}

func (v *verifying) decode(name string, into any) error {
	text, err := v.read(name, maxDocument)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

func (v *verifying) keptSession(folder string) (Kept, error) {
	var session SessionData
	if err := v.decode(folder+sessionName, &session); err != nil {
		return Kept{}, err
	}
	var transcript Transcript
	if err := v.decode(folder+transcriptName, &transcript); err != nil {
		return Kept{}, err
	}
	kept := Kept{Session: session.ID, Plan: planFrom(session)}
	for _, l := range transcript.Lines {
		kept.Lines = append(kept.Lines, lineFrom(session.ID, l))
	}
	for _, g := range session.Gaps {
		kept.Gaps = append(kept.Gaps, media.Gap{Kind: g.Kind, Start: milliseconds(g.StartMS), End: milliseconds(g.EndMS), Reason: g.Reason})
	}
	for _, a := range session.Answers {
		if a.Pending {
			continue
		}
		kept.Answers = append(kept.Answers, assess.Answer{
			Session: session.ID, Question: a.Question, Take: a.Take, Start: milliseconds(a.StartMS), End: milliseconds(a.EndMS),
			Limit: milliseconds(a.LimitMS), EndedBy: a.EndedBy, Revision: a.Revision, CorrectedAt: a.CorrectedAt,
		})
		if f := a.FollowUp; f != nil {
			kept.FollowUps = append(kept.FollowUps, assess.FollowUp{
				Session: session.ID, Question: a.Question, Take: a.Take, Text: f.Text, Model: f.Model,
				PromptSHA256: f.PromptSHA256, BankSHA256: f.BankSHA256, At: f.At,
			})
		}
		for _, r := range a.Ratings {
			if r.Rater.Kind != assess.RaterModel || r.Revision != a.Revision {
				continue // those of the words before a correction are about other words
			}
			rating, err := assess.NewRating(assess.RatingFields{
				Session: session.ID, Question: a.Question, Take: a.Take, Competency: r.Competency, Rater: assess.Rater(r.Rater),
				Outcome: r.Outcome, Level: r.Level, WhyNotHigher: r.WhyNotHigher, WhyNotLower: r.WhyNotLower, Reason: r.Reason, At: r.At,
				Revision: r.Revision, Asked: assess.Asked{Held: r.Held, Answered: r.Answered}, Heard: assess.HeardBadlyBy(r.HeardBadly), PartlyRead: r.PartlyRead,
			})
			if err != nil {
				return Kept{}, fmt.Errorf("read %s: %w", folder+sessionName, err)
			}
			kept.Ratings = append(kept.Ratings, rating)
		}
	}
	return kept, nil
}

// planFrom turns back what planOf wrote.
func planFrom(s SessionData) assess.Plan {
	plan := assess.Plan{Role: s.Role, RoleTitle: s.RoleTitle, Mode: s.Mode, BankVersion: s.Plan.BankVersion, BankSHA256: s.Plan.BankSHA256, FollowUps: s.Plan.FollowUps}
	for _, q := range s.Plan.Questions {
		question := assess.Question{
			ID: q.ID, Kind: q.Kind, Text: q.Text, Competencies: q.Competencies,
			PrepareFor: milliseconds(q.PrepareMS), AnswerFor: milliseconds(q.AnswerMS),
		}
		for competency, anchors := range q.Anchors {
			if question.Anchors == nil {
				question.Anchors = map[string]map[int]string{}
			}
			question.Anchors[competency] = anchorsFrom(anchors)
		}
		plan.Questions = append(plan.Questions, question)
	}
	for _, c := range s.Plan.Competencies {
		plan.Competencies = append(plan.Competencies, assess.Competency{ID: c.ID, Name: c.Name, Definition: c.Definition, Anchors: anchorsFrom(c.Anchors)})
	}
	return plan
}

// anchorsFrom leaves out what is no level.
func anchorsFrom(shown map[string]string) map[int]string {
	anchors := make(map[int]string, len(shown))
	for level, text := range shown {
		if n, err := strconv.Atoi(level); err == nil && n >= assess.MinLevel && n <= assess.MaxLevel {
			anchors[n] = text
		}
	}
	return anchors
}

func lineFrom(session consent.SessionID, l Line) assess.Line {
	line := assess.Line{
		Session: session, Epoch: l.Epoch, Sequence: l.Sequence, Question: l.Question, Take: l.Take,
		Start: milliseconds(l.StartMS), End: milliseconds(l.EndMS), Engine: l.Engine, Interpolated: l.Interpolated, Revision: l.Revision, CorrectedAt: l.CorrectedAt,
	}
	if l.LostMS != nil && l.ClippedMS != nil {
		line.Flaws = &media.Flaws{Lost: milliseconds(*l.LostMS), Clipped: milliseconds(*l.ClippedMS)}
	}
	for _, w := range l.Words {
		line.Words = append(line.Words, assess.Word{
			Text: w.Text, Start: milliseconds(w.StartMS), End: milliseconds(w.EndMS), Confidence: w.Confidence, Heard: w.Heard, Corrected: w.Corrected,
		})
	}
	return line
}

func milliseconds(n int64) time.Duration { return time.Duration(n) * time.Millisecond }
