package assess

import "time"

// The clocks of silence. Why they are as long as they are is measured in docs/turns.md.
const (
	// QuietBefore is how long nothing is said before the countdown begins, CountdownFor how long it lasts.
	// A thinking pause of eight seconds passes through both.
	QuietBefore  = 5500 * time.Millisecond
	CountdownFor = 4 * time.Second
	// voiceToEnd must have been said since the question or its probe was asked before silence means
	// anything: who has not begun is thinking.
	voiceToEnd = 2 * time.Second
	// ReopenFor is how long after silence closed an answer speech goes on with it, if it is more than a cough.
	ReopenFor    = 10 * time.Second
	voiceToGoOn  = 500 * time.Millisecond
	betweenWords = 700 * time.Millisecond // a longer silence begins a new run of speech
	// staleAfter is how far what was heard may lie behind: after that nobody knows whether it is silent.
	staleAfter = time.Second
	// mostUnheard of sound may be missing and count as silence; after more, silence begins anew.
	mostUnheard = 100 * time.Millisecond
	// wordTail stays in an answer after its last word, as in an utterance.
	wordTail = 300 * time.Millisecond
)

// Voice says whether there was speech in a stretch of media time.
type Voice struct {
	Start, End time.Duration
	Speech     bool
}

// ear folds what the voice activity says into what the clocks ask. Times are media times.
type ear struct {
	until time.Duration // heard up to here
	quiet time.Duration // the end of the last speech
	said  time.Duration // speech since count was called
	from  time.Duration // what is counted begins here
	run   time.Duration // begin of the newest run of speech
	ran   time.Duration // speech in it
}

// hear takes stretches in the order of time. Sound that came late, after silence was heard in its place,
// is heard again; then only speech says something new.
func (e *ear) hear(v Voice) {
	if v.Start-e.until > mostUnheard {
		e.quiet = v.Start // whatever was said meanwhile: it was not silence that was heard
	}
	e.until = max(e.until, v.End)
	if !v.Speech {
		return
	}
	if v.Start-e.quiet > betweenWords || e.ran == 0 {
		e.run, e.ran = v.Start, 0
	}
	e.quiet = max(e.quiet, v.End)
	e.ran += v.End - v.Start
	if v.Start >= e.from {
		e.said += v.End - v.Start
	}
}

// count begins to count what is said anew.
func (e *ear) count(from time.Duration) {
	e.from, e.said = from, 0
}

// silent returns how long it has been silent, looking back no further than from.
func (e *ear) silent(from time.Duration) time.Duration {
	return e.until - max(e.quiet, from)
}

// spoke reports whether a run of speech that began between two times is long enough to be one.
func (e *ear) spoke(from, until time.Duration) bool {
	return e.ran >= voiceToGoOn && e.run >= from && e.run <= until
}
