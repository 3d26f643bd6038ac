package assess

import (
	"strings"
	"testing"
	"time"
)

// sureWords gives every word of a text the same confidence.
func sureWords(text string, confidence float32) []Word {
	words := interpolateWords(text, 0, time.Second)
	for i := range words {
		words[i].Confidence = confidence
	}
	return words
}

func TestMadeUpTextIsDropped(t *testing.T) {
	again := func(text string, times int) string { return strings.TrimSpace(strings.Repeat(text+" ", times)) }
	tests := []struct {
		name, text string
		confidence float32
		want       string
	}{
		{"a sure word", "Yes.", 0.9, "Yes."},
		{"a word hardly believed", "You.", 0.2, ""},
		{"a word of unknown confidence", "You.", 0, "You."},
		{"three words hardly believed", "Thank you, bye.", 0.2, ""},
		{"more words hardly believed", "We split the table.", 0.2, "We split the table."},
		{"one word again and again", again("the", 20), 0.9, ""},
		{"a sentence again and again", again("Thanks for watching, everyone!", 7), 0, ""},
		{"a loop with punctuation", "No, " + again("no.", 9), 0.9, ""},
		{"speech, then a loop", "We wrote a test for each of the old rules and " + again("then we", 8), 0.9, "We wrote a test for each of the old rules and then we"},
		{"a loop, then speech", again("so", 6) + " I asked for a review of the whole plan", 0.9, "so I asked for a review of the whole plan"},
		{"a loop that is cut short", "What did you do about it then " + again("it was late and", 6) + " it was", 0.9, "What did you do about it then it was late and it was"},
		{"what people repeat", "No no no no no, that was very very late.", 0.9, "No no no no no, that was very very late."},
		{"nothing", "", 0.9, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := wordsText(withoutMadeUp(sureWords(test.text, test.confidence))); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
