package assess

import (
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// flawed is a line with so much of its sound lost and clipped, and so many of its words unsure.
func flawed(start, end time.Duration, lost, clipped time.Duration, text string, unsure int) Line {
	line := say(start, end, text)
	line.Flaws = &media.Flaws{Lost: lost, Clipped: clipped}
	for i := range line.Words {
		line.Words[i].Confidence = 0.9
		if i < unsure {
			line.Words[i].Confidence = DoubtfulBelow - 0.1
		}
	}
	return line
}

func unheard(start, end time.Duration) media.Gap {
	return media.Gap{Kind: media.KindAudio, Start: start, End: end, Reason: media.GapNetwork}
}

// What the sound of an answer comes to: no level only where it is hopeless, a note beside it before that, and
// neither where an engine or an older line does not say.
func TestTheGateLooksAtTheSound(t *testing.T) {
	t.Parallel()
	const s = time.Second
	untold := say(0, 10*s, spoken) // no flaws, no confidences
	reconnect := unheard(12*s, 18*s)
	reconnect.Reason = media.GapReconnect
	video := unheard(12*s, 18*s)
	video.Kind = media.KindVideo
	muted := unheard(12*s, 18*s)
	muted.Reason = media.GapMuted
	for name, c := range map[string]struct {
		line   Line
		gaps   []media.Gap
		reason string
		badly  HeardBadly
	}{
		"good":                        {flawed(0, 10*s, 0, 0, spoken, 0), nil, "", HeardBadly{}},
		"nothing is known":            {untold, nil, "", HeardBadly{}},
		"some lost":                   {flawed(0, 10*s, s+s/10, 0, spoken, 0), nil, "", HeardBadly{Lost: true}},
		"too little lost to be said":  {flawed(0, 10*s, s-s/10, 0, spoken, 0), nil, "", HeardBadly{}},
		"a third lost":                {flawed(0, 10*s, 3*s+s/3, 0, spoken, 0), nil, "", HeardBadly{Lost: true}},
		"more than a third lost":      {flawed(0, 10*s, 3*s+s/2, 0, spoken, 0), nil, reasonLost, HeardBadly{Lost: true}},
		"lost beside the line":        {flawed(0, 10*s, 0, 0, spoken, 0), []media.Gap{unheard(12*s, 18*s)}, reasonLost, HeardBadly{Lost: true}},
		"lost within the line alone":  {flawed(0, 10*s, 0, 0, spoken, 0), []media.Gap{unheard(2*s, 8*s)}, "", HeardBadly{}},
		"lost after the answer":       {flawed(0, 10*s, 0, 0, spoken, 0), []media.Gap{unheard(20*s, 60*s)}, "", HeardBadly{}},
		"a connection made anew":      {flawed(0, 10*s, 0, 0, spoken, 0), []media.Gap{reconnect}, "", HeardBadly{Lost: true}},
		"only the picture lost":       {flawed(0, 10*s, 0, 0, spoken, 0), []media.Gap{video}, "", HeardBadly{}},
		"muted":                       {flawed(0, 10*s, 0, 0, spoken, 0), []media.Gap{muted}, "", HeardBadly{}},
		"some clipped":                {flawed(0, 10*s, 0, 6*s/10, spoken, 0), nil, "", HeardBadly{Clipped: true}},
		"hopelessly clipped":          {flawed(0, 10*s, 0, 13*s/10, spoken, 0), nil, reasonClipped, HeardBadly{Clipped: true}},
		"some words unsure":           {flawed(0, 10*s, 0, 0, spoken, 6), nil, "", HeardBadly{Unsure: true}},
		"most words unsure":           {flawed(0, 10*s, 0, 0, spoken, 12), nil, reasonUnsure, HeardBadly{Unsure: true}},
		"most words unsure, and loud": {flawed(0, 10*s, 0, 6*s/10, spoken, 12), nil, reasonClipped, HeardBadly{Clipped: true, Unsure: true}},
		"unsure of the few that it told": {func() Line {
			line := say(0, 10*s, spoken)
			for i := range 14 {
				line.Words[i].Confidence = 0.1
			}
			return line
		}(), nil, "", HeardBadly{}},
		"corrected by the candidate": {func() Line {
			line := flawed(0, 10*s, 5*s, 5*s, spoken, 12)
			line.Revision = 1
			return line
		}(), nil, "", HeardBadly{}},
		"more flaws than sound": {flawed(0, 10*s, 60*s, 60*s, spoken, 0), nil, reasonLost, HeardBadly{Lost: true, Clipped: true}},
	} {
		answer := Answer{Session: "session", Take: 1, End: 20 * s}
		h := toBeRated(answer, []Line{c.line}, c.gaps)
		if got := gate(nil, []Line{c.line}, h); got != c.reason {
			t.Errorf("%s: %q, want %q", name, got, c.reason)
		}
		if got := h.badly(); got != c.badly {
			t.Errorf("%s: %+v, want %+v", name, got, c.badly)
		}
	}
	// Where the candidate says that nobody spoke there is no speech of which something was lost, or was not.
	emptied := flawed(10*s, 20*s, 0, 0, "", 0)
	emptied.Revision = 1
	for name, c := range map[string]struct {
		lost   time.Duration
		gaps   []media.Gap
		reason string
	}{
		"more than a third of the rest lost": {4 * s, nil, reasonLost},
		"lost where nobody spoke":            {0, []media.Gap{unheard(12*s, 18*s)}, ""},
	} {
		lines := []Line{flawed(0, 10*s, c.lost, 0, spoken, 0), emptied}
		if got := gate(nil, lines, toBeRated(Answer{Session: "session", Take: 1, End: 20 * s}, lines, c.gaps)); got != c.reason {
			t.Errorf("with a line that the candidate emptied, %s: %q, want %q", name, got, c.reason)
		}
		if m := measured(t, Measure(Answer{Session: "session", Take: 1, End: 20 * s}, lines, c.gaps), "sound_lost"); m.Value != percent(share(c.lost, 10*s)) {
			t.Errorf("with a line that the candidate emptied, %s: %+v", name, m)
		}
	}
	silent := Answer{Session: "session", Take: 1, End: 60 * s}
	for gap, want := range map[time.Duration]string{0: reasonNoWords, s: reasonNoWords, 30 * s: reasonLost} {
		h := hearingOf(silent, nil, []media.Gap{unheard(10*s, 10*s+gap)})
		if got := gate(nil, nil, h); got != want {
			t.Errorf("nothing was heard, %v lost: %q, want %q", gap, got, want)
		}
	}
}

func TestTheSoundIsMeasuredWhereItWasLookedAt(t *testing.T) {
	t.Parallel()
	const s = time.Second
	answer := Answer{Session: "session", Take: 1, End: 30 * s}
	found := Measure(answer, []Line{flawed(0, 8*s, s, s/2, spoken, 4), flawed(10*s, 18*s, 0, 0, spoken, 0)}, []media.Gap{unheard(18*s, 22*s)})
	for name, want := range map[string]float64{"sound_lost": 25, "sound_clipped": 3.1, "words_unsure": 10} {
		if m := measured(t, found, name); !m.Valid || m.Value != want || m.Unit != "%" || m.Counted == "" {
			t.Errorf("%s: %+v, want %v %%", name, m, want)
		}
	}
	old := Measure(answer, []Line{say(0, 8*s, spoken), flawed(10*s, 18*s, 0, 0, spoken, 0)}, nil)
	for name, valid := range map[string]bool{"sound_lost": false, "sound_clipped": false, "words_unsure": true} {
		if m := measured(t, old, name); m.Valid != valid || m.Value != 0 {
			t.Errorf("with a line that nobody looked at, %s: %+v, want valid %t", name, m, valid)
		}
	}
	if m := measured(t, Measure(answer, []Line{say(0, 8*s, spoken)}, nil), "words_unsure"); m.Valid || m.Invalid != reasonNotTold {
		t.Errorf("an engine that does not say: %+v", m)
	}
}

// The sound's flaws go with the ratings, and no model is asked where it is hopeless; a contest looks again.
func TestWhatWasWrongWithTheSoundIsKeptWithTheRating(t *testing.T) {
	t.Parallel()
	a, kept, model, _ := bench(t, good)
	kept.lines[0].Flaws = &media.Flaws{Lost: kept.lines[0].End / 5}
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(kept.ratings) == 0 || len(kept.ratedBy(PassSecond)) == 0 {
		t.Fatal("nothing was rated")
	}
	for _, r := range kept.ratings {
		if r.Heard() != (HeardBadly{Lost: true}) {
			t.Errorf("%s: %+v, want lost", r.Rater().Pass, r.Heard())
		}
	}
	for _, request := range model.asked {
		if text := request.User.text; request.SchemaName == "advice" && (strings.Contains(text, "sound_lost") || strings.Contains(text, "words_unsure")) {
			t.Errorf("the way that the sound took is given as a measurement to advise on: %s", text)
		}
	}
	model.asked, kept.ratings, kept.lines[0].Flaws = nil, nil, &media.Flaws{}
	kept.gaps = []media.Gap{unheard(12*time.Second, 19*time.Second)}
	must(t, a.Answer(t.Context(), "session", 0, 1))
	must(t, a.SecondLook(t.Context(), "session", 0, 1, "ownership"))
	if len(model.asked) != 0 || len(kept.ratedBy(PassContest)) != 1 {
		t.Errorf("asked %d times, %d contested ratings; want none asked", len(model.asked), len(kept.ratedBy(PassContest)))
	}
	for _, r := range kept.ratings {
		if r.Outcome() != OutcomeNotAssessable || r.Reason() != reasonLost {
			t.Errorf("%s: %s, %q", r.Rater().Pass, r.Outcome(), r.Reason())
		}
	}
}

func TestWhatWasWrongWithTheSoundHasNames(t *testing.T) {
	t.Parallel()
	for _, want := range []HeardBadly{{}, {Lost: true}, {Clipped: true}, {Unsure: true}, {true, true, true}} {
		if got := HeardBadlyBy(append(want.Names(), "other")); got != want {
			t.Errorf("%+v came back as %+v", want, got)
		}
	}
	if got := (HeardBadly{true, true, true}).Names(); !slices.Equal(got, []string{"lost", "clipped", "unsure"}) {
		t.Errorf("names %q", got)
	}
	_, err := NewRating(RatingFields{
		Session: consent.SessionID("s"), Take: 1, Competency: "c", Rater: Rater{Kind: RaterSelf}, Outcome: OutcomeNotObserved, At: begun, Heard: HeardBadly{Lost: true},
	})
	if err == nil {
		t.Error("a self-rating was given a machine's view of the sound")
	}
}
