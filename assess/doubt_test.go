package assess

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestWordsThatMayBeMisheardAreNamed(t *testing.T) {
	line := Line{Words: []Word{{Text: "a"}, {Text: "b", Confidence: DoubtfulBelow - 0.01}, {Text: "c", Confidence: DoubtfulBelow}, {Text: "d", Confidence: 1, Heard: "tea"}}}
	if got := line.Doubtful(); !slices.Equal(got, []int{1}) {
		t.Errorf("doubtful are %v, want only the second: nothing is known of the first", got)
	}
	if got := line.Repaired(); !slices.Equal(got, []int{3}) {
		t.Errorf("repaired are %v, want only the last", got)
	}
}

func TestOldLinesAreStillRead(t *testing.T) {
	const old = `{"text":"plan","start":1,"end":2}`
	var word Word
	if err := json.Unmarshal([]byte(old), &word); err != nil || word != (Word{Text: "plan", Start: 1, End: 2}) || word.Doubtful() {
		t.Errorf("read as %+v, error %v", word, err)
	}
	if again, err := json.Marshal(word); err != nil || string(again) != old {
		t.Errorf("written as %s, error %v", again, err)
	}
}
