package assess

import (
	"errors"
	"testing"
	"time"
)

var begun = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// at is the moment s seconds into the interview on both clocks.
func at(s int) Moment {
	return Moment{Wall: begun.Add(time.Duration(s) * time.Second), Media: time.Duration(s) * time.Second}
}

func twoQuestions() Plan {
	return Plan{Questions: []Question{
		{ID: "a", PrepareFor: 30 * time.Second, AnswerFor: 120 * time.Second},
		{ID: "b", PrepareFor: 30 * time.Second, AnswerFor: 120 * time.Second},
	}}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestInterviewGoesThroughItsPlan(t *testing.T) {
	i := NewInterview(twoQuestions(), nil)
	if got := i.Turn().Phase; got != PhaseWaiting {
		t.Fatalf("a new interview is %s, want waiting", got)
	}
	must(t, i.Act(ActBegin, at(0)))
	if i.Tick(at(29)) {
		t.Error("the preparation of 30 s ended after 29")
	}
	if !i.Tick(at(30)) || i.Turn().Phase != PhaseAnswering {
		t.Fatalf("after the preparation the turn is %+v, want answering", i.Turn())
	}
	must(t, i.Act(ActDone, at(90)))
	must(t, i.Act(ActStartAnswer, at(95)))
	if !i.Tick(at(216)) || i.Turn().Phase != PhaseFinished {
		t.Fatalf("after the last answer the turn is %+v, want finished", i.Turn())
	}
	want := []Answer{
		{Question: 0, Take: 1, Start: 30 * time.Second, End: 90 * time.Second, Limit: 2 * time.Minute, EndedBy: EndedByDone},
		// The tick came a second late; the answer still ends at its limit.
		{Question: 1, Take: 1, Start: 95 * time.Second, End: 215 * time.Second, Limit: 2 * time.Minute, EndedBy: EndedByLimit},
	}
	got := i.Closed()
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("closed answers = %+v, want %+v", got, want)
	}
	if again := i.Closed(); len(again) != 0 {
		t.Errorf("closed answers were given twice: %+v", again)
	}
}

func TestInterviewRefusesActsOutOfPhase(t *testing.T) {
	for name, c := range map[string]struct {
		before []Act
		act    Act
	}{
		"done while waiting":          {nil, ActDone},
		"skip while waiting":          {nil, ActSkip},
		"begin twice":                 {[]Act{ActBegin}, ActBegin},
		"done while preparing":        {[]Act{ActBegin}, ActDone},
		"start answer while in it":    {[]Act{ActBegin, ActStartAnswer}, ActStartAnswer},
		"done after the end":          {[]Act{ActFinish}, ActDone},
		"unknown act":                 {nil, Act("dance")},
		"begin again after it is all": {[]Act{ActBegin, ActSkip, ActSkip}, ActBegin},
	} {
		i := NewInterview(twoQuestions(), nil)
		for n, act := range c.before {
			must(t, i.Act(act, at(n)))
		}
		before := i.Turn()
		if err := i.Act(c.act, at(10)); !errors.Is(err, ErrWrongPhase) {
			t.Errorf("%s: error %v, want ErrWrongPhase", name, err)
		}
		if i.Turn() != before {
			t.Errorf("%s: the turn changed from %+v to %+v", name, before, i.Turn())
		}
	}
}

func TestFinishKeepsTheRunningAnswer(t *testing.T) {
	for act, want := range map[Act]AnswerEnd{ActFinish: EndedByFinish, ActDrop: EndedByDrop} {
		i := NewInterview(twoQuestions(), nil)
		must(t, i.Act(ActBegin, at(0)))
		must(t, i.Act(ActStartAnswer, at(5)))
		must(t, i.Act(act, at(20)))
		closed := i.Closed()
		if len(closed) != 1 || closed[0].EndedBy != want || closed[0].End-closed[0].Start != 15*time.Second {
			t.Errorf("%s closed %+v, want one answer of 15 s ended by %s", act, closed, want)
		}
	}
}

func TestSkippedQuestionIsNotedWithoutLength(t *testing.T) {
	i := NewInterview(twoQuestions(), nil)
	must(t, i.Act(ActBegin, at(0)))
	must(t, i.Act(ActSkip, at(7)))
	closed := i.Closed()
	if len(closed) != 1 || closed[0].EndedBy != EndedBySkip || closed[0].Start != closed[0].End {
		t.Errorf("skipping closed %+v, want one answer of no length", closed)
	}
	if i.Turn().Question != 1 {
		t.Errorf("after skipping the question is %d, want 1", i.Turn().Question)
	}
}

func TestInterviewGoesOnAfterWhatWasAnswered(t *testing.T) {
	i := NewInterview(twoQuestions(), []Answer{{Question: 0, Take: 1}})
	must(t, i.Act(ActBegin, at(0)))
	if got := i.Turn().Question; got != 1 {
		t.Errorf("a resumed interview asks question %d, want 1", got)
	}
	if got := NewInterview(twoQuestions(), []Answer{{Question: 1}}).Turn().Phase; got != PhaseFinished {
		t.Errorf("an interview with every question answered is %s, want finished", got)
	}
}

func TestClosingBeforeMediaGivesNoNegativeLength(t *testing.T) {
	i := NewInterview(twoQuestions(), nil)
	noMedia := func(s int) Moment { return Moment{Wall: at(s).Wall} }
	must(t, i.Act(ActBegin, noMedia(0)))
	i.Tick(noMedia(31))
	i.Tick(noMedia(200))
	for _, a := range i.Closed() {
		if a.End < a.Start || a.Start < 0 {
			t.Errorf("answer without media has the span %v to %v", a.Start, a.End)
		}
	}
}

func TestPlaceFindsTheAnswerThatSpeechBelongsTo(t *testing.T) {
	i := NewInterview(twoQuestions(), nil)
	must(t, i.Act(ActBegin, at(0)))
	must(t, i.Act(ActStartAnswer, at(10)))
	must(t, i.Act(ActDone, at(40)))
	must(t, i.Act(ActStartAnswer, at(50)))
	for name, c := range map[string]struct{ start, end, question int }{
		"before any answer":               {2, 8, -1},
		"in the first":                    {12, 20, 0},
		"begun a little early":            {9, 15, 0},
		"between two answers":             {42, 47, -1},
		"the tail of the first":           {38, 41, 0},
		"over both, mostly in the second": {39, 58, 1},
		"in the running one":              {60, 70, 1},
	} {
		seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
		if got, _ := i.Place(seconds(c.start), seconds(c.end)); got != c.question {
			t.Errorf("%s: %d s to %d s belongs to question %d, want %d", name, c.start, c.end, got, c.question)
		}
	}
	resumed := NewInterview(twoQuestions(), []Answer{{Question: 0, Take: 1, Start: 10 * time.Second, End: 40 * time.Second}})
	if got, take := resumed.Place(12*time.Second, 13*time.Second); got != 0 || take != 1 {
		t.Errorf("after a resume, speech in the first answer belongs to question %d, take %d", got, take)
	}
}
