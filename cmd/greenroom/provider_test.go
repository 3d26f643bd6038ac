package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const registerFile = `{
  "providers": [{
    "origin": "https://ai.example",
    "region": "EU",
    "no_training": {"text": "We do not train on what you send.", "link": "https://ai.example/terms#training"},
    "reviewed": "2026-06-01"
  }]
}`

func TestServerElsewhereIsEnabledOnlyByTheRegister(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.json", registerFile)
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		ai     aiConfig
		now    time.Time
		region string   // of the entry that was found
		says   []string // of the error; none: it starts
	}{
		"no server":             {aiConfig{}, now, "", nil},
		"this machine":          {aiConfig{BaseURL: "http://127.0.0.1:11434/v1"}, now, "", nil},
		"this machine by name":  {aiConfig{BaseURL: "http://localhost:11434/v1", ProviderFile: filepath.Join(dir, "none")}, now, "", nil},
		"registered":            {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: good, Regions: "CH, EU,"}, now, "EU", nil},
		"no register":           {aiConfig{BaseURL: "https://ai.example/v1", Regions: "EU"}, now, "", []string{"set GREENROOM_AI_PROVIDER_FILE", "GREENROOM_AI_REGIONS"}},
		"another container":     {aiConfig{BaseURL: "http://ollama:11434/v1"}, now, "", []string{"set GREENROOM_AI_PROVIDER_FILE"}},
		"no file":               {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: filepath.Join(dir, "none")}, now, "", []string{"GREENROOM_AI_PROVIDER_FILE", "no such file"}},
		"not what is expected":  {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: write("odd.json", `{"provider":{}}`)}, now, "", []string{"GREENROOM_AI_PROVIDER_FILE", "odd.json", "unknown field"}},
		"endless":               {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: "/dev/zero"}, now, "", []string{"at most 65536 are read"}},
		"another server":        {aiConfig{BaseURL: "https://other.example/v1", ProviderFile: good, Regions: "EU"}, now, "", []string{"https://other.example is not in the register", good}},
		"no region is allowed":  {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: good}, now, "", []string{`works in "EU"`, "GREENROOM_AI_REGIONS"}},
		"another is":            {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: good, Regions: "US"}, now, "", []string{`works in "EU"`, "GREENROOM_AI_REGIONS"}},
		"the review is too old": {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: good, Regions: "EU"}, now.AddDate(0, 3, 0), "", []string{"older than 90 days", "today's date into " + good}},
		"the review is to come": {aiConfig{BaseURL: "https://ai.example/v1", ProviderFile: good, Regions: "EU"}, now.AddDate(0, -2, 0), "", []string{"still to come"}},
	} {
		provider, err := (&config{AI: c.ai}).provider(c.now)
		if (err == nil) != (len(c.says) == 0) || provider.Region != c.region {
			t.Errorf("%s: %+v, %v; want region %q, error %q", name, provider, err, c.region, c.says)
			continue
		}
		for _, part := range c.says {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want it to say %q", name, err, part)
			}
		}
	}
}

// A voice of its own server has that server's entry and key, and never those of the other.
func TestVoiceHasItsOwnServersEntryAndKey(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "register.json")
	if err := os.WriteFile(file, []byte(registerFile), 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 7, 1, 12, 0, 0, 0, time.UTC)
	ai := aiConfig{BaseURL: "https://ai.example/v1", APIKey: "first", ProviderFile: file, Regions: "EU", VoiceModel: "m", Voice: "v"}
	both := &config{AI: ai}
	provider, err := both.voiceProvider(now)
	if at := both.voice(provider); err != nil || at.BaseURL != ai.BaseURL || at.APIKey != "first" || at.Provider.Region != "EU" || at.Voice != "v" || at.VoiceModel != "m" {
		t.Errorf("on the same server: %v at %s", err, at)
	}
	for address, says := range map[string]string{
		"http://127.0.0.1:8880/v1": "", "https://voice.example/v1": "https://voice.example is not in the register", "http://kokoro:8880/v1": "is not in the register",
	} {
		own := &config{AI: ai}
		own.AI.VoiceBaseURL, own.AI.VoiceAPIKey = address, "second"
		provider, err := own.voiceProvider(now)
		if (err == nil) != (says == "") || err != nil && (!strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "leave GREENROOM_AI_VOICE_BASE_URL empty")) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
		if at := own.voice(provider); at.BaseURL != address || at.APIKey != "second" || at.Provider.Origin != "" {
			t.Errorf("%s: asked at %s", address, at)
		}
	}
}

// The start itself ends with it, before anything is opened.
func TestServerWithoutItsReviewDoesNotStart(t *testing.T) {
	a := &app{config: &config{AI: aiConfig{BaseURL: "https://ai.example/v1", ChatModel: "m"}}}
	if err := a.openModels(t.Context()); err == nil || !strings.Contains(err.Error(), "set GREENROOM_AI_PROVIDER_FILE") {
		t.Errorf("started: %v", err)
	}
}
