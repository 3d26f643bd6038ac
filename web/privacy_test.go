package web

import (
	"net/http"
	"strings"
	"testing"
)

func TestAnybodyReadsThePrivacyPageAsThisServerIsSetUp(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		judge       Judge
		want, never string
	}{
		"nothing outside": {
			Judge{TranscriberEngine: "local", TranscriberPlace: ThisServer, AssessorPlace: ThisServer},
			"answers are measured, not judged", "is sent to",
		},
		"both outside": {
			Judge{TranscriberEngine: "far", TranscriberPlace: "speech.example", AssessorModel: "m", AssessorPlace: "model.example"},
			"the transcript of your answers is sent to model.example", "measured, not judged",
		},
		"a provider": {
			Judge{TranscriberPlace: ThisServer, AssessorModel: "m", AssessorPlace: "ai.example", Provider: testProvider()},
			"https://ai.example works on it in this region: EU. Its contract says: “We do not train on it.” (https://ai.example/terms). This was last looked up on 2026-06-01;", "sound of what you say is sent",
		},
		"a model on this server": {
			Judge{TranscriberPlace: ThisServer, AssessorModel: "m", AssessorPlace: ThisServer},
			"rated by a model on this server", "is sent to",
		},
	} {
		page := privacyOf(c.judge)
		var all strings.Builder
		for _, section := range page.Sections {
			if len(section.Statements) == 0 {
				t.Errorf("%s: section %q is empty", name, section.Title)
			}
			for _, statement := range section.Statements {
				all.WriteString(statement.Text + "\n")
			}
		}
		if text := all.String(); !strings.Contains(text, c.want) || strings.Contains(text, c.never) {
			t.Errorf("%s: the page lacks %q or says %q:\n%s", name, c.want, c.never, text)
		}
	}
}

func TestPrivacyPageIsServedToAnybody(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	var page privacyJSON
	s.nobody(t).get("/api/v1/privacy").want(http.StatusOK).into(&page)
	if len(page.Sections) < 5 {
		t.Errorf("%d sections", len(page.Sections))
	}
}
