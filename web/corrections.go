package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/assess"
	"greenroom/consent"
)

type correctionInput struct {
	ID   string `path:"id" doc:"Id of the session."`
	Body struct {
		Lines []correctedLineJSON `json:"lines" minItems:"1" maxItems:"200" doc:"Stored all together, or none. Lines that have the text already are left alone."`
	}
}

type correctedLineJSON struct {
	Epoch    int    `json:"epoch" minimum:"0"`
	Sequence int    `json:"sequence" minimum:"0"`
	Revision int    `json:"revision" minimum:"0" doc:"Of the line that was shown."`
	Text     string `json:"text" maxLength:"1000" doc:"What was said, as plain text; empty: nothing was."`
}

// changeJSON is a run of words that stayed, or what stood in a place and what stands there now.
type changeJSON struct {
	Kept string `json:"kept,omitempty"`
	Was  string `json:"was,omitempty"`
	Now  string `json:"now,omitempty"`
}

func (s *Server) correctionRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "correct-transcript", Method: http.MethodPost, DefaultStatus: http.StatusNoContent,
		Path:    "/sessions/{id}/corrections",
		Summary: "Correct what was written down; what stood there stays with you, and the answer is measured and rated again",
	}, s.correctTranscript)
}

func (s *Server) correctTranscript(ctx context.Context, account consent.Account, in *correctionInput) (*none, error) {
	session, err := s.sessionOf(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	private, err := s.cfg.Gate.Permit(ctx, actorOf(account), session.ID, consent.ArtefactPrivate)
	if err != nil {
		return nil, err
	}
	transcript, err := s.cfg.Gate.Permit(ctx, actorOf(account), session.ID, consent.ArtefactTranscript)
	if err != nil {
		return nil, err
	}
	if !session.State.Over() {
		return nil, newProblem(http.StatusConflict, "The interview is not over.", "Correct the transcript when all of it is there.")
	}
	list := make([]assess.Correction, len(in.Body.Lines))
	for i, line := range in.Body.Lines {
		list[i] = assess.Correction{Line: assess.LineRef{Epoch: line.Epoch, Sequence: line.Sequence}, Revision: line.Revision, Text: line.Text}
	}
	if err := s.cfg.Corrections.Correct(ctx, private, transcript, list); err != nil {
		if p := correctionProblem(err); p != nil {
			return nil, p
		}
		return nil, fmt.Errorf("correct the transcript: %w", err)
	}
	return &none{}, nil
}

// correctionProblem says what to do about a correction that was refused; nil for what is said the same everywhere.
func correctionProblem(err error) *problem {
	where := ""
	if line, ok := errors.AsType[assess.LineError](err); ok {
		at := int(line.Start.Seconds())
		where = fmt.Sprintf(" The line is the one at %d:%02d.", at/60, at%60)
	}
	switch {
	case errors.Is(err, assess.ErrCorrected):
		return newProblem(http.StatusConflict, "These words were corrected since this page showed them, perhaps in another window. Nothing was saved.",
			"Keep a copy of what you typed, cancel, and correct what is there now.").because(err)
	case errors.Is(err, assess.ErrUnfinished):
		return newProblem(http.StatusConflict, "This answer is still being written down and rated. Nothing was saved.",
			"Wait until that is done, and save again.").because(err)
	case errors.Is(err, assess.ErrNothingCorrected):
		return newProblem(http.StatusUnprocessableEntity, "That is what is there already. Nothing was saved.", "Change a line and save again.").because(err)
	case errors.Is(err, assess.ErrNotSayable):
		return newProblem(http.StatusUnprocessableEntity, "That is more than can be said in this time. Nothing was saved."+where,
			"Write only what can be heard in it, and save again.").because(err)
	case errors.Is(err, assess.ErrTextTooLong), errors.Is(err, assess.ErrTextNotPlain):
		p := notPlain(err)
		p.Detail += where
		return p
	default:
		return nil
	}
}

// lines shows lines; how they differ from what the engine wrote is the candidate's own.
func (p reporter) lines(lines []assess.Line, originals []assess.Original) []lineJSON {
	list := linesOf(lines)
	if !p.may(consent.ArtefactPrivate) {
		return list
	}
	for _, original := range originals {
		for i, line := range lines {
			if original.Revision != 0 || original.Line != line.Ref() {
				continue
			}
			for _, change := range assess.Difference(original.Words, line.Words) {
				list[i].Difference = append(list[i].Difference, changeJSON(change))
			}
		}
	}
	return list
}

// earlier shows what was rated before the words were corrected: to others than the candidate the levels alone,
// because sentences about old words quote them.
func (p reporter) earlier(answered assess.AnswerResult) []ratingJSON {
	var list []ratingJSON
	for _, rating := range answered.Earlier {
		shown, ok := p.rating(rating)
		if !ok || shown.Rater.Pass == assess.PassWithFlagged {
			continue
		}
		if !p.may(consent.ArtefactPrivate) {
			shown.WhyNotHigher, shown.WhyNotLower, shown.Reason = "", "", ""
		}
		shown.Revision = rating.Revision()
		list = append(list, shown)
	}
	return list
}
