package assess

import (
	"slices"
	"strings"
	"testing"

	"greenroom/assess/openaitest"
)

// Each rating is kept with the rung that was really used for it and the name that its server answered with, also
// where the server changes both from one rating to the next.
func TestEachRatingSaysHowItWasAskedAndWhatAnswered(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		faults []openaitest.Fault // one for each request
		want   []Asked            // of the ratings, in the order that they were asked for
	}{
		"takes the schema":      {nil, []Asked{{Held: HeldBySchema}, {Held: HeldBySchema}}},
		"refuses the schema":    {[]openaitest.Fault{openaitest.SchemaRefused}, []Asked{{Held: HeldToObject}, {Held: HeldToObject}}},
		"refuses every form":    {[]openaitest.Fault{openaitest.ObjectRefused, openaitest.ObjectRefused}, []Asked{{Held: HeldByWords}, {Held: HeldByWords}}},
		"another from then on":  {[]openaitest.Fault{openaitest.OtherModel, openaitest.OtherModel}, []Asked{{HeldBySchema, "another-model"}, {HeldBySchema, "another-model"}}},
		"another for one":       {[]openaitest.Fault{openaitest.OtherModel}, []Asked{{HeldBySchema, "another-model"}, {Held: HeldBySchema}}},
		"refuses, then another": {[]openaitest.Fault{openaitest.SchemaRefused, openaitest.OtherModel}, []Asked{{HeldToObject, "another-model"}, {Held: HeldToObject}}},
	} {
		server := testServer(t)
		server.AnswerChat(goodThere)
		for _, fault := range c.faults {
			server.Fail(openaitest.PathChat, fault, 1)
		}
		a, kept, _, _ := bench(t, good)
		a.Model, a.LevelsOnly = testModel(t, testConfig(server)), true
		kept.evidence[kept.lines[0].Ref()] = []Evidence{} // gathered before
		evidenceForAll(kept)
		must(t, a.Answer(t.Context(), "session", 0, 1))
		var got []Asked
		for _, rating := range kept.ratings {
			got = append(got, rating.Asked())
		}
		if len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("%s: asked %+v, want %+v first", name, got, c.want)
		}
	}
}

// A server whose answers cannot be used is kept with the rating too, one that nobody asked is not made up.
func TestRatingsWithoutALevelSayHowTheyWereAsked(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	server.AnswerChat(func(openaitest.ChatRequest) string { return "Level 5, a great answer!" })
	a, kept, _, _ := bench(t, good)
	a.Model, a.LevelsOnly = testModel(t, testConfig(server)), true
	evidenceForAll(kept)
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.ratings) == 0 {
		t.Fatal("nothing was written")
	}
	for _, r := range kept.ratings {
		if r.Outcome() != OutcomeNotAssessable || r.Reason() != reasonUnusable || r.Asked().Held != HeldBySchema {
			t.Errorf("%s, %q, asked %+v", r.Outcome(), r.Reason(), r.Asked())
		}
	}
	kept.ratings, kept.lines[0].Words = nil, nil
	must(t, a.Answer(t.Context(), "session", 0, 1))
	for _, r := range kept.ratings {
		if r.Reason() != reasonNoWords || r.Asked() != (Asked{}) {
			t.Errorf("%q, asked %+v; want nothing asked", r.Reason(), r.Asked())
		}
	}
}

func TestAMoreExactNameIsTheSameModel(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		asked, answered string
		same            bool
	}{
		{"gpt-4o", "gpt-4o", true},
		{"gpt-4o", "gpt-4o-2024-08-06", true},
		{"qwen3-8b", "qwen3-8b-2025-04", true},
		{"gpt-4", "gpt-4-0613", true},
		{"flash-1.5", "flash-1.5-001", true},
		{"qwen3-8b", "/models/qwen3-8b", true},
		{"gpt-4o", "gpt-4o-mini", false},
		{"gpt-4o", "gpt-4o-mini-2024-07-18", false},
		{"gpt-4", "gpt-4.1", false},
		{"gpt-4", "gpt-4-32k", false},
		{"o1", "foo1", false},
		{"qwen3-8b", "qwen3", false},
	} {
		if got := sameModel(c.asked, c.answered); got != c.same {
			t.Errorf("%q for %q: the same %t, want %t", c.answered, c.asked, got, c.same)
		}
	}
}

// What a server calls its model is shown on pages: nothing else gets there by that way.
func TestNamesOfModelsAreNamesAndNothingElse(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"qwen3:8b-q4_K_M":                  "qwen3:8b-q4_K_M",
		"meta/llama@2025-04+lora.1":        "meta/llama@2025-04+lora.1",
		"<script>alert(1)</script>":        "_script_alert_1__/script_",
		"a\nb\u202ec":                      "a_b_c",
		strings.Repeat("x", 3*longestName): strings.Repeat("x", longestName),
		strings.Repeat("é", longestName):   strings.Repeat("_", longestName),
		"":                                 "",
	} {
		if got := cleanName(said); got != want {
			t.Errorf("%q became %q, want %q", said, got, want)
		}
	}
}

func TestNamesThatAServerHadAreKeptInOrder(t *testing.T) {
	t.Parallel()
	var names answeringNames
	for _, name := range []string{"a", "a", "", "b", "a", "a"} {
		names.note(name)
	}
	if got := names.list(); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("%q, want b, then a", got)
	}
	for name := range strings.SplitSeq("0123456789", "") {
		names.note(name)
	}
	if got := names.list(); len(got) != mostNames || got[mostNames-1] != "9" {
		t.Errorf("%q, want the newest %d", got, mostNames)
	}
}
