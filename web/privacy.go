package web

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type privacyJSON struct {
	Sections []privacySectionJSON `json:"sections"`
}

type privacySectionJSON struct {
	Title      string          `json:"title"`
	Statements []statementJSON `json:"statements"`
}

type statementJSON struct {
	Text  string   `json:"text"`
	Tests []string `json:"tests,omitempty" doc:"Tests of this program that fail when the sentence stops being true; a sentence without any says where promises end."`
}

func (s *Server) privacyRoutes() {
	register(s, anyone, huma.Operation{
		OperationID: "get-privacy", Method: http.MethodGet, Path: "/privacy",
		Summary: "The privacy page, written from what drives the program, with the tests that hold each sentence",
	}, func(context.Context, consent.Account, *struct{}) (*body[privacyJSON], error) {
		return answer(privacyOf(s.cfg.Judge)), nil
	})
}

func privacyOf(judge Judge) privacyJSON {
	var page privacyJSON
	for _, section := range consent.Privacy(outside(judge)) {
		shown := privacySectionJSON{Title: section.Title, Statements: make([]statementJSON, 0, len(section.Statements))}
		for _, statement := range section.Statements {
			shown.Statements = append(shown.Statements, statementJSON{Text: statement.Text, Tests: statement.Tests})
		}
		page.Sections = append(page.Sections, shown)
	}
	return page
}

// outside says who gets what, as this server is set up.
func outside(judge Judge) []consent.Statement {
	speech := "Speech is turned into text on this server; the sound is not sent anywhere for it."
	if judge.TranscriberPlace != "" && judge.TranscriberPlace != ThisServer {
		speech = "Where you agree to be written down, the sound of what you say is sent to " + judge.TranscriberPlace + "."
	}
	model := "No AI model is set up; answers are measured, not judged, and nothing is sent anywhere for it."
	switch {
	case judge.AssessorModel == "":
	case judge.AssessorPlace == ThisServer:
		model = "Answers are rated by a model on this server; the transcript is not sent anywhere for it."
	default:
		model = "Where you agree to the assessment, the transcript of your answers is sent to " + judge.AssessorPlace + "."
	}
	tests := []string{"TestOutsideServices", "TestARefusedRequestReachesNobody", "TestWithoutConsentNothingIsAskedOrWritten"}
	statements := []consent.Statement{{Text: speech, Tests: tests}, {Text: model, Tests: tests}}
	if p := judge.Provider; p.Origin != "" {
		statements = append(statements, consent.Statement{
			Text: p.Origin + " works on it in this region: " + p.Region + ". Its contract says: “" + p.NoTraining.Text + "” (" + p.NoTraining.Link + "). " +
				"This was last looked up on " + p.Reviewed.Format(time.DateOnly) + "; after " + reviewDays + " days without that nothing more is sent there.",
			Tests: []string{"TestServerElsewhereIsEnabledOnlyByTheRegister", "TestReviewThatRunsOutStopsCalls"},
		})
	}
	return statements
}
