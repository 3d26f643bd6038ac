package assess

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// captionWords is how many words a caption has at most: two lines of a player.
const captionWords = 12

// shortestCaption is how long one is shown at least: one without length is not shown by players.
const shortestCaption = 100 * time.Millisecond

// Lines returns every line of the transcript in the order in which they were said.
func (r Record) Lines() []Line {
	lines := slices.Clone(r.Loose)
	for _, answered := range r.Answers {
		lines = append(lines, answered.Lines...)
	}
	slices.SortStableFunc(lines, func(a, b Line) int { return cmp.Compare(a.Start, b.Start) })
	return lines
}

// WebVTT writes the transcript of a record as captions. Its times are media times, which are those of
// the recording.
func WebVTT(record Record) string {
	var out strings.Builder
	out.WriteString("WEBVTT\n")
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, line := range record.Lines() {
		for words := range slices.Chunk(line.Words, captionWords) {
			text := strings.Join(strings.Fields(escape.Replace(wordsText(words))), " ") // one line: a blank one would end the cue
			if text == "" {
				continue
			}
			start := words[0].Start
			end := max(words[len(words)-1].End, start+shortestCaption) // words that were added later may have no time of their own
			fmt.Fprintf(&out, "\n%s --> %s\n%s\n", vttTime(start), vttTime(end), text)
		}
	}
	return out.String()
}

func vttTime(d time.Duration) string {
	d = max(d, 0).Truncate(time.Millisecond)
	return fmt.Sprintf("%02d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
}
