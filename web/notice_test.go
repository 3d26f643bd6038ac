package web

import (
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func testProvider() consent.Provider {
	return consent.Provider{
		Origin: "https://ai.example", Region: "EU", Reviewed: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC),
		NoTraining: consent.Term{Text: "We do not train on it.", Link: "https://ai.example/terms"},
	}
}

func TestNoticeSaysWhereThingsGo(t *testing.T) {
	t.Parallel()
	local := Judge{TranscriberEngine: "moonshine-tiny", TranscriberPlace: ThisServer, AssessorPlace: ThisServer}
	for name, c := range map[string]struct {
		judge     Judge
		has, lack []string
	}{
		"all on this server, no model": {
			local, []string{"moonshine-tiny", "it stays on this server", "No AI model is set up"}, []string{"is sent to", "follow-up"},
		},
		"a speech service": {
			Judge{TranscriberEngine: "openai:whisper-1", TranscriberPlace: "speech.example.org", AssessorPlace: ThisServer},
			[]string{"the sound of what you say is sent to speech.example.org"},
			[]string{"it stays on this server"},
		},
		"a model elsewhere": {
			Judge{TranscriberEngine: "m", TranscriberPlace: ThisServer, AssessorModel: "judge-1", AssessorPlace: "models.example.org"},
			[]string{"judge-1", "the transcript of your answers is sent to models.example.org"},
			[]string{"No AI model is set up"},
		},
		"two models": {
			Judge{AssessorModel: "judge-1", AssessorSecond: "judge-2", AssessorPlace: "models.example.org"},
			[]string{"two AI models (judge-1 and judge-2)", "is sent to models.example.org", "the model (judge-1) may also ask you up to 3 follow-up questions"},
			[]string{"by an AI model"},
		},
		"a model here": {
			Judge{TranscriberEngine: "m", TranscriberPlace: ThisServer, AssessorModel: "judge-1", AssessorPlace: ThisServer},
			[]string{"judge-1", "The transcript is not sent anywhere"},
			[]string{"is sent to"},
		},
		"a provider with its terms": {
			Judge{TranscriberEngine: "w", TranscriberPlace: "ai.example", AssessorModel: "j", AssessorPlace: "ai.example", Provider: testProvider()},
			[]string{
				"sound of what you say is sent to ai.example. Your name and e-mail address are not sent with it. It works on it in this region: EU.",
				"It needs the writing down. It works on it in this region: EU. Its contract says: “We do not train on it.” (https://ai.example/terms). That is looked up again at least every 90 days",
			},
			[]string{"2026"},
		},
		"a provider that gets nothing of this": {
			Judge{TranscriberEngine: "m", TranscriberPlace: ThisServer, AssessorModel: "j", AssessorPlace: ThisServer, Provider: testProvider()},
			nil,
			[]string{"this region", "Its contract says"},
		},
		"nothing writes down": {Judge{}, []string{"nothing writes down"}, nil},
	} {
		text := NoticeFor(c.judge).Text
		for _, want := range c.has {
			if !strings.Contains(text, want) {
				t.Errorf("%s: the notice lacks %q:\n%s", name, want, text)
			}
		}
		for _, bad := range c.lack {
			if strings.Contains(text, bad) {
				t.Errorf("%s: the notice says %q", name, bad)
			}
		}
	}
}

func TestNoticePromisesOnlyWhatIsBuilt(t *testing.T) {
	t.Parallel()
	text := NoticeFor(Judge{}).Text
	for _, want := range []string{
		"No box is ticked for you", "nothing else changes", "your face", "your feelings", "your accent", "how confident you seem",
		"Nobody but you", "for 2 years from the end of the interview, and then erased by itself", "the privacy page does that", "unvalidated practice estimate",
		"You can correct the transcript afterwards", "You can object to AI at any time", "What a model wrote before stays as it was", "you can rate them yourself as before",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the notice lacks %q:\n%s", want, text)
		}
	}
}

// A server does not start with a text that was published under an older version: whoever raises the version changes
// what it says for every configuration.
func TestNoticeOfANewVersionHasANewText(t *testing.T) {
	t.Parallel()
	before := map[string]int{"06240377e68519cd620bd65c01b891be922ac873540081ffa593bb5beffdcbec": 4} // with nothing configured
	now := NoticeFor(Judge{})
	if version, published := before[now.SHA256()]; published && version != now.Version {
		t.Errorf("version %d says word for word what version %d said", now.Version, version)
	}
}

func TestNoticeOfAnotherConfigurationHasAnotherHash(t *testing.T) {
	t.Parallel()
	a := NoticeFor(Judge{AssessorModel: "a", AssessorPlace: "x"})
	b := NoticeFor(Judge{AssessorModel: "a", AssessorPlace: "y"})
	if a.SHA256() == b.SHA256() || a.SHA256() != NoticeFor(Judge{AssessorModel: "a", AssessorPlace: "x"}).SHA256() {
		t.Error("the hash does not follow the text")
	}
}
