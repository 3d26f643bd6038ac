package eval

import (
	"testing"

	"greenroom/assess"
)

// What a raw reply makes up is seen before the pipeline drops it, and honest replies are not accused.
func TestWhatARepliesMakesUpIsSeen(t *testing.T) {
	t.Parallel()
	count := &tally{source: assess.FoldedWords("I decided to move the team, and my colleague Jane helped. Takes responsibility for the outcome. It’s the team's outcome.")}
	for name, c := range map[string]struct {
		reply  string
		words  int
		madeUp bool
	}{
		"a range in the line":            {`{"evidence":[{"first":0,"last":4}]}`, 5, false},
		"nothing found":                  {`{"evidence":[]}`, 5, false},
		"a range beyond":                 {`{"evidence":[{"first":0,"last":5}]}`, 5, true},
		"one good, one beyond":           {`{"evidence":[{"first":0,"last":1},{"first":4,"last":9}]}`, 5, true},
		"a range below 0":                {`{"evidence":[{"first":-1,"last":2}]}`, 5, true},
		"a range backwards":              {`{"evidence":[{"first":3,"last":2}]}`, 5, true},
		"a range without end":            {`{"evidence":[{"first":3}]}`, 5, true},
		"a sentence":                     {`{"level":3,"why_not_higher":"No result is told."}`, 0, false},
		"a quote":                        {`{"level":3,"why_not_lower":"They said \"I decided to move\" themselves."}`, 0, false},
		"a quote with a gap":             {`{"level":3,"why_not_lower":"\"I decided … the team\""}`, 0, false},
		"a quote of the anchor":          {`{"level":3,"why_not_higher":"It lacks \"responsibility for the outcome\"."}`, 0, false},
		"a masked name":                  {`{"level":3,"why_not_lower":"\"my colleague [name] helped\""}`, 0, false},
		"an invented quote":              {`{"level":3,"why_not_lower":"\"I saved the company\""}`, 0, true},
		"curly quotes":                   {`{"level":3,"why_not_lower":"“I saved the company”"}`, 0, true},
		"a quote with two words changed": {`{"level":3,"why_not_lower":"\"they decided to move the team\""}`, 0, true},
		"a quote in feedback":            {`{"strengths":[{"text":"\"my colleague Jane helped\""}]}`, 0, false},
		"invented feedback":              {`{"strengths":[{"text":"You said \"I led the company\"."}]}`, 0, true},
		"fenced":                         {"```json\n{\"why_not_lower\":\"They said \\\"I saved the company\\\".\"}\n```", 0, true},
		"fenced, a range beyond":         {"```\n{\"evidence\":[{\"first\":0,\"last\":5}]}\n```", 5, true},
		"fenced and honest":              {"```json\n{\"evidence\":[{\"first\":0,\"last\":4}]}\n```", 5, false},
		"single quotes":                  {`{"why_not_lower":"They said 'I saved the company' here."}`, 0, true},
		"low quotes":                     {`{"why_not_lower":"They said „I saved the company“ here."}`, 0, true},
		"angle quotes":                   {`{"why_not_lower":"They said «I saved the company» here."}`, 0, true},
		"another apostrophe":             {`{"why_not_lower":"\"it's the team’s outcome\""}`, 0, false},
		"no JSON":                        {`I would say "five".`, 0, false},
	} {
		if got := count.madeUp(c.reply, c.words); got != c.madeUp {
			t.Errorf("%s: %v, want %v", name, got, c.madeUp)
		}
	}
}
