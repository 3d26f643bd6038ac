package main

import (
	"encoding/json"
	"strings"
	"testing"

	"greenroom/assess/openaitest"
)

const (
	leavingName  = "Zoqueline Vaxquarro"
	leavingEmail = "zoq.vaxquarro@brightfjord.example"
	leavingWords = "Hello, my name is Zoqueline Vaxquarro, I studied at the University of Kwixhaven and my number is zero one seven " +
		"five five five one two three four. Write to zoq dot vaxquarro at brightfjord dot example. " + spoken
)

// masksOutside: a candidate says their name, their school, their number and their address; the transcript
// keeps every word, and the model's server gets none of them. This is the path of every real request, from
// the account in Postgres on.
func masksOutside(t *testing.T, p *program, ai *openaitest.Server, speech string) {
	t.Helper()
	ai.AnswerSpeech(func(openaitest.Audio) string { return leavingWords })
	defer ai.AnswerSpeech(func(openaitest.Audio) string { return spoken })
	ai.Take()
	account, browser := p.signUpAs(leavingName, leavingEmail)
	result := p.rehearse("--email", account.Email, "--password", account.Password, "--speech", speech, "--answers", "1")
	kept := browser.get(t, "/api/v1/sessions/"+result.Session+"/report", 200)
	if !strings.Contains(kept, `"Zoqueline"`) || !strings.Contains(kept, `"Kwixhaven"`) {
		t.Errorf("the transcript lacks words: %s", kept)
	}
	secrets := []string{"zoq", "vaxquarro", "brightfjord", "kwixhaven", "zero one", result.Session, account.Password, "key-that"}
	chats := 0
	for _, request := range ai.Take() {
		headers, err := json.Marshal(request.Header)
		if err != nil {
			t.Fatal(err)
		}
		var chat openaitest.ChatRequest
		if request.Path == openaitest.PathChat {
			chats++
			if err := json.Unmarshal(request.Body, &chat); err != nil || !strings.Contains(chat.User(), ":[name]") {
				t.Errorf("nothing is masked in %s", request.Body)
			}
		}
		sent := strings.ToLower(request.Method + request.URL + strings.ReplaceAll(string(headers), "Bearer key-that-is-secret", "") + string(request.Body))
		for _, secret := range secrets {
			if strings.Contains(sent, strings.ToLower(secret)) {
				t.Errorf("%q was sent to %s", secret, request.URL)
			}
		}
	}
	if chats == 0 {
		t.Error("the model was asked nothing, so nothing is shown")
	}
}
