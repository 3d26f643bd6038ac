package assess

import (
	"strings"
	"testing"
	"time"
)

// captioned is a line whose words last 400 ms each, one after the other.
func captioned(start time.Duration, texts ...string) Line {
	line := Line{Start: start}
	for i, text := range texts {
		at := start + time.Duration(i)*400*time.Millisecond
		line.Words = append(line.Words, Word{Text: text, Start: at, End: at + 300*time.Millisecond})
	}
	return line
}

func TestCaptionsAreInTheOrderInWhichTheyWereSaid(t *testing.T) {
	t.Parallel()
	record := Record{
		Loose:   []Line{captioned(30*time.Second, "later"), captioned(time.Second, "loose")},
		Answers: []AnswerResult{{Lines: []Line{captioned(10*time.Second, "the", "<b>&", "ran\n\nbold")}}},
	}
	want := "WEBVTT\n\n00:00:01.000 --> 00:00:01.300\nloose\n\n" +
		"00:00:10.000 --> 00:00:11.100\nthe &lt;b&gt;&amp; ran bold\n\n" +
		"00:00:30.000 --> 00:00:30.300\nlater\n"
	if got := WebVTT(record); got != want {
		t.Errorf("captions %q, want %q", got, want)
	}
}

func TestCaptionsAreCutIntoReadablePieces(t *testing.T) {
	t.Parallel()
	vtt := WebVTT(Record{Loose: []Line{captioned(time.Hour, strings.Fields(strings.Repeat("word ", 25))...)}})
	if n := strings.Count(vtt, " --> "); n != 3 {
		t.Errorf("%d captions for 25 words, want 3:\n%s", n, vtt)
	}
	if !strings.Contains(vtt, "\n01:00:00.000 --> 01:00:04.700\n") {
		t.Errorf("first caption:\n%s", vtt)
	}
}

func TestNothingSaidIsStillAValidFile(t *testing.T) {
	t.Parallel()
	if got := WebVTT(Record{Answers: []AnswerResult{{Lines: []Line{{}}}}}); got != "WEBVTT\n" {
		t.Errorf("captions of nothing: %q", got)
	}
}
