package assess

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// heardLine is a line as an engine with measured times writes it: each word lasts 400 ms, with 100 ms after it.
func heardLine(texts ...string) Line {
	line := Line{Session: "s", Start: time.Second, End: time.Second + time.Duration(len(texts))*500*time.Millisecond}
	for i, text := range texts {
		at := line.Start + time.Duration(i)*500*time.Millisecond
		line.Words = append(line.Words, Word{Text: text, Start: at, End: at + 400*time.Millisecond, Confidence: 0.9})
	}
	return line
}

func TestCorrectingALine(t *testing.T) {
	t.Parallel()
	heard := heardLine("We", "moved", "cough", "car", "to", "Postgres.")
	heard.Words[5].Heard = "post gress"
	at := func(half int) time.Duration { return time.Second + time.Duration(half)*500*time.Millisecond }
	for name, c := range map[string]struct {
		text    string
		want    string // words, those that were corrected in brackets
		changed int
		spread  bool // times that were not measured
		times   map[int][2]time.Duration
	}{
		"another word":     {"We loved cough car to Postgres.", "We [loved] cough car to Postgres.", 1, false, map[int][2]time.Duration{1: {at(1), at(1) + 400*time.Millisecond}}},
		"two for two":      {"We moved off cars to Postgres.", "We moved [off] [cars] to Postgres.", 2, false, map[int][2]time.Duration{3: {at(3), at(3) + 400*time.Millisecond}}},
		"one for two":      {"We moved Kafka to Postgres.", "We moved [Kafka] to Postgres.", 2, true, map[int][2]time.Duration{2: {at(2), at(3) + 400*time.Millisecond}}},
		"one is added":     {"We moved cough car over to Postgres.", "We moved cough car [over] to Postgres.", 1, true, map[int][2]time.Duration{4: {at(4) - 100*time.Millisecond, at(4)}}},
		"one is left out":  {"We moved car to Postgres.", "We moved car to Postgres.", 1, false, map[int][2]time.Duration{2: {at(3), at(3) + 400*time.Millisecond}}},
		"spelling":         {"We moved cough car to Postgres!", "We moved cough car to [Postgres!]", 1, false, map[int][2]time.Duration{5: {at(5), at(5) + 400*time.Millisecond}}},
		"in front":         {"Then We moved cough car to Postgres.", "[Then] We moved cough car to Postgres.", 1, true, map[int][2]time.Duration{0: {at(0), at(0)}}},
		"nobody spoke":     {"  ", "", 6, false, nil},
		"all of it":        {"Nothing is left here", "[Nothing] [is] [left] [here]", 6, true, map[int][2]time.Duration{3: {0, at(5) + 400*time.Millisecond}}},
		"spaces, no words": {"We  moved cough  car to Postgres. ", "", -1, false, nil},
	} {
		got, err := heard.Correct(heard.Words, c.text)
		if c.changed < 0 {
			if !errors.Is(err, ErrNothingCorrected) {
				t.Errorf("%s: %v, want ErrNothingCorrected", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		texts := make([]string, len(got.Words))
		for i, w := range got.Words {
			if texts[i] = w.Text; w.Corrected {
				texts[i] = "[" + w.Text + "]"
			}
			if w.Corrected == (w.Confidence > 0) || w.Corrected && w.Heard != "" {
				t.Errorf("%s: word %d is %+v", name, i, w)
			}
		}
		if text := strings.Join(texts, " "); text != c.want || got.Changed != c.changed || got.HasEstimatedTimes() != c.spread || got.Revision != 1 {
			t.Errorf("%s: %q, %d changed, spread %v, revision %d; want %q, %d, %v, 1", name, text, got.Changed, got.HasEstimatedTimes(), got.Revision, c.want, c.changed, c.spread)
		}
		for i, want := range c.times {
			w := got.Words[i]
			if want[0] != 0 && w.Start != want[0] || w.End != want[1] {
				t.Errorf("%s: word %d from %v to %v, want %v", name, i, w.Start, w.End, want)
			}
		}
	}
	if heard.Text() != "We moved cough car to Postgres." || heard.Revision != 0 {
		t.Errorf("the line itself became %q", heard.Text())
	}
}

// A second correction is about what the engine wrote, too: what is put back is no correction.
func TestCorrectingTwice(t *testing.T) {
	t.Parallel()
	heard := heardLine("We", "loved", "Postgres.")
	once, err := heard.Correct(heard.Words, "We moved off Postgres.")
	if err != nil {
		t.Fatal(err)
	}
	twice, err := once.Correct(heard.Words, "We loved Postgres.")
	if err != nil || twice.Revision != 2 || twice.Changed != 0 || !slices.Equal(twice.Words, heard.Words) {
		t.Errorf("put back: %+v, %v", twice, err)
	}
	if _, err := once.Correct(heard.Words, "We moved off Postgres."); !errors.Is(err, ErrNothingCorrected) {
		t.Errorf("the same again: %v", err)
	}
}

// Times are estimated for as long as a word is there that has such.
func TestEstimatedTimesGoWithTheirWords(t *testing.T) {
	t.Parallel()
	measured, spread := heardLine("We", "loved", "Postgres."), heardLine("We", "loved", "Postgres.")
	spread.Interpolated = true
	for name, c := range map[string]struct {
		line  Line
		texts []string // one correction after the other
		want  bool
	}{
		"shared out":                  {measured, []string{"We moved off Postgres."}, true},
		"shared out, then put back":   {measured, []string{"We moved off Postgres.", "We loved Postgres."}, false},
		"shared out, then one by one": {measured, []string{"We moved off Postgres.", "We moved Postgres."}, false},
		"shared out, then left out":   {measured, []string{"We really loved Postgres.", ""}, false},
		"by the engine":               {spread, []string{"We moved Postgres."}, true},
		"by the engine, put back":     {spread, []string{"We moved off Postgres.", "We loved Postgres."}, true},
		"by the engine, left out":     {spread, []string{""}, false},
	} {
		line := c.line
		for _, text := range c.texts {
			var err error
			if line, err = line.Correct(c.line.Words, text); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		if got := line.HasEstimatedTimes(); got != c.want {
			t.Errorf("%s: %v, want %v of %+v", name, got, c.want, line.Words)
		}
	}
}

func TestTermsOfSeveralWordsStay(t *testing.T) {
	t.Parallel()
	heard := heardLine("a", "load balancer", "near")
	got, err := heard.Correct(heard.Words, "a load balancer here")
	if err != nil || len(got.Words) != 3 || got.Words[1] != heard.Words[1] || got.Changed != 1 {
		t.Errorf("%+v, %v", got.Words, err)
	}
}

func TestWhatCannotHaveBeenSaidIsRefused(t *testing.T) {
	t.Parallel()
	heard := heardLine("We", "moved", "it", "away") // two seconds: 12 words and 3, 80 characters and 20
	for name, c := range map[string]struct {
		text string
		want error
	}{
		"as fast as can be":      {strings.Repeat("so ", 15), nil},
		"faster":                 {strings.Repeat("so ", 16), ErrNotSayable},
		"few, but endless words": {strings.Repeat("x", 101), ErrNotSayable},
		"too long for any line":  {strings.Repeat("so ", 400), ErrTextTooLong},
		"two lines":              {"We moved\nit", ErrTextNotPlain},
		"turned round":           {"We \u202e moved it", ErrTextNotPlain},
		"broken":                 {"We \xff", ErrTextNotPlain},
	} {
		if _, err := heard.Correct(heard.Words, c.text); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	quick := heardLine("We")
	quick.End = quick.Start
	for i := range 30 { // an engine that says so
		quick.Words = append(quick.Words, Word{Text: fmt.Sprint("w", i)})
	}
	if _, err := quick.Correct(quick.Words, strings.Replace(quick.Text(), "w3 ", "three ", 1)); err != nil {
		t.Errorf("as many words as the engine wrote: %v", err)
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	first := heardLine("We", "moved", "cough", "car", "to", "Postgres.").Words
	for now, want := range map[string][]Change{
		"We moved Kafka to Postgres now.":      {{Kept: "We moved"}, {Was: "cough car", Now: "Kafka"}, {Kept: "to"}, {Was: "Postgres.", Now: "Postgres now."}},
		"moved cough car to Postgres.":         {{Was: "We"}, {Kept: "moved cough car to Postgres."}},
		"We moved cough car to Postgres. Yes.": {{Kept: "We moved cough car to Postgres."}, {Now: "Yes."}},
		"We moved cough car to Postgres.":      {{Kept: "We moved cough car to Postgres."}},
		"":                                     {{Was: "We moved cough car to Postgres."}},
	} {
		if got := Difference(first, heardLine(strings.Fields(now)...).Words); !slices.Equal(got, want) {
			t.Errorf("%q: %+v, want %+v", now, got, want)
		}
	}
	if got := Difference(nil, nil); len(got) != 0 {
		t.Errorf("of nothing: %+v", got)
	}
}

// What a measurement is made from: a line that nobody said is no speech.
func TestALineThatNobodySaidIsNotMeasured(t *testing.T) {
	t.Parallel()
	answer := Answer{End: time.Minute}
	kept, gone := say(10*time.Second, 20*time.Second, "We moved it."), say(2*time.Second, 5*time.Second, "")
	found := Measure(answer, []Line{gone, kept}, nil)
	if spoke, wait := measured(t, found, "speaking_time"), measured(t, found, "time_to_first_word"); spoke.Value != 10 || wait.Value != 10 {
		t.Errorf("spoke %v s, waited %v s; want 10 and 10", spoke.Value, wait.Value)
	}
}

func FuzzCorrect(f *testing.F) {
	f.Add("We moved cough car to Postgres", "We moved Kafka to Postgres", uint16(3000))
	f.Add("a load\u00a0balancer", "a load balancer  here", uint16(0))
	f.Add("", "word", uint16(900))
	f.Add("one two two one", "two one one two", uint16(2000))
	f.Fuzz(func(t *testing.T, first, text string, milliseconds uint16) {
		if len(first) > 4000 {
			return
		}
		line := Line{Start: time.Second, End: time.Second + time.Duration(milliseconds)*time.Millisecond}
		words := strings.Split(first, " ")
		step := (line.End - line.Start) / time.Duration(len(words))
		for i, w := range words {
			at := line.Start + time.Duration(i)*step
			line.Words = append(line.Words, Word{Text: w, Start: at, End: at + step, Confidence: 1})
		}
		got, err := line.Correct(line.Words, text)
		if err != nil {
			return
		}
		if !slices.Equal(strings.Fields(got.Text()), strings.Fields(text)) {
			t.Fatalf("%q became %q", text, got.Text())
		}
		if len(got.Words) > 0 && (got.Words[0].Start < line.Start || got.Words[len(got.Words)-1].End > line.End) {
			t.Fatalf("from %v to %v in a line from %v to %v", got.Words[0].Start, got.Words[len(got.Words)-1].End, line.Start, line.End)
		}
		before := line.Start
		kept := 0
		for _, w := range got.Words {
			if w.Start < before || w.End < w.Start {
				t.Fatalf("times run back: %+v", got.Words)
			}
			before = w.Start
			if !w.Corrected {
				kept++
			}
		}
		if got.Changed < len(got.Words)-kept || got.Changed < len(line.Words)-kept {
			t.Fatalf("%d changed, %d kept of %d, now %d", got.Changed, kept, len(line.Words), len(got.Words))
		}
		var was, now []string
		for _, change := range Difference(line.Words, got.Words) {
			if change.Kept != "" {
				was, now = append(was, change.Kept), append(now, change.Kept)
			}
			if change.Was != "" {
				was = append(was, change.Was)
			}
			if change.Now != "" {
				now = append(now, change.Now)
			}
		}
		if together := strings.Join(now, " "); together != got.Text() {
			t.Fatalf("the difference comes to %q, the line is %q", together, got.Text())
		}
		if len(was) == 0 && strings.TrimSpace(first) != "" {
			t.Fatalf("nothing of %q is in the difference", first)
		}
	})
}
