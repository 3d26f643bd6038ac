package assess

import (
	"math"
	"strings"
	"testing"
	"time"
)

// say makes a line of evenly spread words.
func say(start, end time.Duration, text string) Line {
	line := Line{Start: start, End: end}
	for w := range strings.FieldsSeq(text) {
		line.Words = append(line.Words, Word{Text: w, Start: start, End: end})
	}
	return line
}

func measured(t *testing.T, found []Measurement, name string) Measurement {
	t.Helper()
	for _, m := range found {
		if m.Name == name {
			return m
		}
	}
	t.Fatalf("no measurement %q in %+v", name, found)
	return Measurement{}
}

func TestMeasureCountsWhatWasSaid(t *testing.T) {
	answer := Answer{Session: "s", Question: 2, Take: 1, Start: 10 * time.Second, End: 40 * time.Second}
	found := Measure(answer, []Line{
		say(12*time.Second, 18*time.Second, "I broke the build, and we lost 3 hours of our time."),
		say(18700*time.Millisecond, 20*time.Second, "My fix took two days."),
		say(24*time.Second, 26*time.Second, "We never did that again."),
	}, nil)
	for name, want := range map[string]float64{
		"answer_length": 30, "time_to_first_word": 2, "speaking_time": 9.3, "words": 22,
		"words_per_minute": 22 / (9.3 / 60), "pauses": 1, "longest_pause": 4,
		"first_person_singular": 2, "first_person_plural": 3, "numbers": 2,
	} {
		got := measured(t, found, name)
		if !got.Valid || math.Abs(got.Value-want) > 1e-9 {
			t.Errorf("%s = %v (valid %v, %s), want %v", name, got.Value, got.Valid, got.Invalid, want)
		}
		if got.Counted == "" || got.Question != 2 || got.Take != 1 || got.Session != "s" {
			t.Errorf("%s does not say how it was counted or whose it is: %+v", name, got)
		}
	}
}

func TestMeasureGivesNoNumberWhereNothingMeasuredIt(t *testing.T) {
	answer := Answer{Start: 0, End: 5 * time.Second}
	for _, m := range Measure(answer, nil, nil) {
		if m.Name == "answer_length" {
			continue
		}
		if m.Valid || m.Value != 0 || m.Invalid == "" {
			t.Errorf("%s without a word = %+v, want invalid, zero and a reason", m.Name, m)
		}
	}
}

func TestMeasureRefusesRatesOfShortAnswers(t *testing.T) {
	found := Measure(Answer{End: time.Minute}, []Line{say(0, 2*time.Second, "Yes, I did that once.")}, nil)
	for _, name := range []string{"words_per_minute", "word_variety"} {
		if got := measured(t, found, name); got.Valid {
			t.Errorf("%s of a five-word answer is valid: %+v", name, got)
		}
	}
}

func TestMeasureNeverCountsFillers(t *testing.T) {
	found := Measure(Answer{End: time.Minute}, []Line{say(0, 20*time.Second, strings.Repeat("um well er so ", 20))}, nil)
	if got := measured(t, found, "fillers"); got.Valid {
		t.Errorf("fillers = %+v, want invalid: the engine drops them", got)
	}
}

func TestWordVarietyIsTheSameForARepeatedAnswer(t *testing.T) {
	distinct := make([]string, varietyWindow)
	for i := range distinct {
		distinct[i] = "w" + strings.Repeat("x", i)
	}
	once := strings.Join(distinct, " ")
	found := Measure(Answer{End: time.Minute}, []Line{say(0, 20*time.Second, once+" "+once)}, nil)
	if got := measured(t, found, "word_variety"); got.Value != 1 {
		t.Errorf("variety of the same 50 words twice = %v, want 1: every window of 50 has 50 words", got.Value)
	}
}
