package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"greenroom/assess/openaitest"
)

// modelAnswer is a model that does what it is asked: evidence for each competency in the first words of
// an utterance, and level 3.
func modelAnswer(request openaitest.ChatRequest) string {
	// Not by the schema's name: whoever is found to ignore schemas gets them as words.
	var asked struct {
		Competencies []struct{ ID string }
		Words        string // "0:The 1:plan"
		Answer, Said json.RawMessage
		Counted      json.RawMessage
	}
	if err := json.Unmarshal([]byte(request.User()), &asked); err != nil {
		return "{}"
	}
	switch {
	case asked.Counted != nil:
		return `{"strengths":[{"text":"You name what you did.","marked":[0],"counted":[]}],"gaps":[],"drill":[]}`
	case asked.Answer != nil || asked.Said != nil:
		return `{"observed":true,"level":3,"why_not_higher":"No result is told.","why_not_lower":"An action is told."}`
	}
	last := min(len(strings.Fields(asked.Words)), 4) - 1
	var found []string
	for _, c := range asked.Competencies {
		if len(found) < 4 {
			found = append(found, fmt.Sprintf(`{"competency":%q,"first":0,"last":%d,"polarity":"supports","part":"action"}`, c.ID, last))
		}
	}
	return `{"evidence":[` + strings.Join(found, ",") + `]}`
}

// spoken is what the speech server hears in every utterance.
const spoken = "We had two weeks left so I asked the customer which part they needed first and we built that part."

// modelName is how ratings name the model: with the protocol it is spoken to in.
const modelName = "openai:" + openaitest.ChatModel

func outsideServer(t *testing.T) (*program, *openaitest.Server, string) {
	t.Helper()
	ai := openaitest.New()
	t.Cleanup(ai.Close)
	ai.AnswerChat(modelAnswer)
	ai.AnswerSpeech(func(openaitest.Audio) string { return spoken })
	settings := append(startMinIO(t).settings(), startCluster(t).settings()...)
	settings = append(settings, "GREENROOM_AI_BASE_URL="+ai.BaseURL(), "GREENROOM_AI_API_KEY=key-that-is-secret",
		"GREENROOM_AI_CHAT_MODEL="+openaitest.ChatModel, "GREENROOM_AI_SPEECH_MODEL="+openaitest.SpeechModel)
	host := strings.TrimSuffix(strings.TrimPrefix(ai.BaseURL(), "http://"), "/v1")
	return startProgram(t, t.TempDir(), settings...), ai, host
}

// The whole interview with everything outside: Postgres, object store, speech to text, model.
func TestOutsideServices(t *testing.T) {
	t.Parallel()
	p, ai, host := outsideServer(t)
	speech := firstSeconds(t, 1, 8)
	t.Run("rated", func(t *testing.T) { ratedOutside(t, p.in(t), speech, host) })
	t.Run("nothing that names the candidate leaves", func(t *testing.T) { masksOutside(t, p.in(t), ai, speech) })
	p.keepsTheKey()
}

// The model and the speech server fail, in the ways that real ones do.
func TestOutsideServicesInTrouble(t *testing.T) {
	t.Parallel()
	p, ai, _ := outsideServer(t)
	speech := firstSeconds(t, 1, 8)
	ai.Fail(openaitest.PathChat, openaitest.TooMany, 4)
	ai.Fail(openaitest.PathChat, openaitest.StreamCut, 4)
	t.Run("model busy and cut off for a while", func(t *testing.T) { ratedLater(t, p.in(t), speech) })
	ai.Heal()
	ai.AnswerChat(func(openaitest.ChatRequest) string { return "I would give this a 5 out of 5!" })
	t.Run("model talks nonsense", func(t *testing.T) { neverALevel(t, p.in(t), speech) })
	ai.Fail(openaitest.PathSpeech, openaitest.TextError, -1)
	t.Run("speech server broken", func(t *testing.T) { heardHere(t, p.in(t), speech) })
	p.keepsTheKey()
}

func (p *program) keepsTheKey() {
	p.t.Helper()
	if said := p.output.String(); strings.Contains(said, "key-that-is-secret") {
		p.t.Error("the model server's key is in the log")
	}
}

// in returns the program for a subtest.
func (p *program) in(t *testing.T) *program {
	t.Helper()
	copied := *p
	copied.t = t
	return &copied
}

func ratedOutside(t *testing.T, p *program, speech, host string) {
	t.Helper()
	result := p.rehearse("--demo", "--speech", speech, "--answers", "1")
	candidate := p.logIn(p.accounts().Candidate)
	p.checkRecording(candidate, result)
	var notice struct{ Text string }
	decode(t, candidate.get(t, "/api/v1/sessions/"+result.Session+"/notice", 200), &notice)
	if strings.Count(notice.Text, host) < 2 {
		t.Errorf("the notice does not name %s for speech and for rating:\n%s", host, notice.Text)
	}
	report := candidate.report(t, result.Session)
	if report.Label != "unvalidated practice estimate" {
		t.Errorf("ratings by a model are labelled %q", report.Label)
	}
	if by := report.JudgedBy; by.Transcriber.Place != host || by.Assessor.Place != host || by.Assessor.Model != modelName {
		t.Errorf("judged by %+v, want %s", by, host)
	}
	ratings := report.ratings()
	for _, r := range ratings {
		if r.Outcome != "level" || r.Level != 3 || r.Rater.Kind != "model" || r.Rater.Model != modelName {
			t.Errorf("rating %+v, want level 3 by %s", r, modelName)
		}
	}
	quotes := quotesAreWords(t, report)
	if len(ratings) == 0 || quotes == 0 {
		t.Errorf("%d ratings, %d quotes", len(ratings), quotes)
	}
	employer := p.logIn(p.accounts().Employer)
	form := "/api/v1/shared/" + result.Session + "/rating-form/done"
	if seen := employer.get(t, "/api/v1/shared/"+result.Session+"/report", 200); strings.Contains(seen, modelName) {
		t.Errorf("the employer sees the model's ratings before closing their own: %s", seen)
	}
	employer.post(t, form, "", 204)
	if seen := employer.get(t, "/api/v1/shared/"+result.Session+"/report", 200); !strings.Contains(seen, "unvalidated practice estimate") {
		t.Errorf("the employer's report does not label the ratings: %s", seen)
	}
}

// quotesAreWords compares each quote with the stored words it points at.
func quotesAreWords(t *testing.T, r report) (quotes int) {
	t.Helper()
	lines := map[[2]int]reportLine{}
	for _, line := range r.lines() {
		lines[[2]int{line.Epoch, line.Sequence}] = line
	}
	for _, q := range r.Questions {
		for _, take := range q.Takes {
			for _, e := range take.Evidence {
				quotes++
				want := lines[[2]int{e.Epoch, e.Sequence}].text(e.First, e.Last)
				if e.Quote != want || want == "" || !strings.HasPrefix(spoken, strings.TrimSuffix(want, ".")) {
					t.Errorf("quote %q, the transcript says %q", e.Quote, want)
				}
			}
		}
	}
	return quotes
}

func ratedLater(t *testing.T, p *program, speech string) {
	t.Helper()
	result := p.rehearse("--demo", "--speech", speech, "--answers", "1")
	report := p.logIn(p.accounts().Candidate).report(t, result.Session)
	for _, r := range report.ratings() {
		if r.Outcome != "level" || r.Level != 3 {
			t.Errorf("rating %+v after the model was back, want level 3", r)
		}
	}
	if len(report.ratings()) == 0 {
		t.Error("no ratings after the model was back")
	}
}

func neverALevel(t *testing.T, p *program, speech string) {
	t.Helper()
	result := p.rehearse("--demo", "--speech", speech, "--answers", "1")
	report := p.logIn(p.accounts().Candidate).report(t, result.Session)
	ratings := report.ratings()
	for _, r := range ratings {
		if r.Outcome != "not_assessable" || r.Level != 0 || r.Reason == "" {
			t.Errorf("rating %+v, want not assessable and why", r)
		}
	}
	if quotes := quotesAreWords(t, report); quotes > 0 || len(ratings) == 0 {
		t.Errorf("%d quotes, %d ratings", quotes, len(ratings))
	}
}

// heardHere: while the speech server fails this machine writes the words down, and says so in the log.
func heardHere(t *testing.T, p *program, speech string) {
	t.Helper()
	result := p.rehearse("--demo", "--speech", speech, "--answers", "1")
	candidate := p.logIn(p.accounts().Candidate)
	p.checkRecording(candidate, result)
	lines := candidate.report(t, result.Session).lines()
	for _, line := range lines {
		if text := line.text(0, len(line.Words)-1); text == "" || strings.Contains(text, spoken) {
			t.Errorf("written down is %q, want what this machine heard", text)
		}
	}
	if len(lines) == 0 {
		t.Error("nothing is written down")
	}
	if !strings.Contains(p.output.String(), "until it can, speech is written down on this machine") {
		t.Error("the log does not say who listens")
	}
}
