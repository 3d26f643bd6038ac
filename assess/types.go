package assess

import (
	"context"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// AnswerEnd is why an answer ended.
type AnswerEnd string

// The reasons an answer ends.
const (
	EndedByDone    AnswerEnd = "done"
	EndedByLimit   AnswerEnd = "limit"
	EndedBySkip    AnswerEnd = "skip"
	EndedByFinish  AnswerEnd = "finish"
	EndedByDrop    AnswerEnd = "drop"    // the candidate did not come back
	EndedBySilence AnswerEnd = "silence" // nothing more was said, see [QuietBefore]
)

// Answer is the span of a session that answers one question. Times are media times.
type Answer struct {
	Session  consent.SessionID
	Question int // index in the plan
	Take     int // from 1
	Start    time.Duration
	End      time.Duration
	Limit    time.Duration
	EndedBy  AnswerEnd
	// Revision is how often the candidate corrected words of it. What is found in the answer is found in the words
	// of one revision.
	Revision    int
	CorrectedAt time.Time // when they last did; zero: never
}

// Word is one item of a transcript, addressed by its index in its line.
type Word struct {
	Text  string        `json:"text"`
	Start time.Duration `json:"start"`
	End   time.Duration `json:"end"`
	// Confidence is how sure the speech engine was that it heard this word, above 0 and up to 1; 0 where it is
	// not known. It says nothing about who spoke.
	Confidence float32 `json:"confidence,omitempty"`
	// Heard is what the engine wrote, where a term of the question was put in its place.
	Heard string `json:"heard,omitempty"`
	// Corrected: the candidate wrote it, in the place of what the engine heard.
	Corrected bool `json:"corrected,omitempty"`
	// Spread: a correction put it where there were not as many words, and shared the time of its place out.
	Spread bool `json:"spread,omitempty"`
}

// Line is the recognised text of one utterance.
type Line struct {
	Session      consent.SessionID
	Epoch        int
	Sequence     int // of the utterance within the epoch
	Question     int // index in the plan of the answer it belongs to; -1 outside any answer
	Take         int
	Start        time.Duration
	End          time.Duration
	Engine       string // e.g. "moonshine-tiny", "openai:whisper-1"
	Interpolated bool   // the engine's word times were spread over the utterance, not measured
	Words        []Word
	Revision     int          // how often the candidate corrected it
	CorrectedAt  time.Time    // when they last did; zero: never
	Changed      int          // words that differ from what the engine wrote, those that are left out among them
	Flaws        *media.Flaws // of its sound; nil where that was not looked at
}

// Transcriber turns one utterance into words. Implementations bound their own time and answer size.
type Transcriber interface {
	// Transcribe returns the words with media times, whether the times were interpolated, and an
	// error that wraps [ErrTranscriber] with what to do next. Silence gives no words and no error.
	Transcribe(ctx context.Context, u media.Utterance) (words []Word, interpolated bool, err error)
	// Engine names the engine and model, as stored with each line.
	Engine() string
}

// Gap is a stretch of a session without sound or picture. It has a name here for those who know of no media.
type Gap = media.Gap

// LineRef addresses one line of a session.
type LineRef struct {
	Epoch    int `json:"epoch"`
	Sequence int `json:"sequence"`
}

// Polarity says whether evidence speaks for or against a competency.
type Polarity string

// The polarities.
const (
	Supports    Polarity = "supports"
	Contradicts Polarity = "contradicts"
)

// Part is the part of a STAR answer (situation, task, action, result) that evidence belongs to.
type Part string

// The parts.
const (
	PartSituation Part = "situation"
	PartTask      Part = "task"
	PartAction    Part = "action"
	PartResult    Part = "result"
	PartOther     Part = "other"
)

// Evidence is a range of words that supports or contradicts a competency. Words are addressed by
// index; the server renders them, so a quote cannot be made up.
type Evidence struct {
	ID         int64
	Session    consent.SessionID
	Question   int
	Take       int
	Competency string
	Line       LineRef
	First      int // index of the first word
	Last       int // index of the last word, inclusive
	Polarity   Polarity
	Part       Part
	Rater      Rater
}

// EarlierEvidence is a range of words of an earlier revision of its line.
type EarlierEvidence struct {
	Evidence
	Revision int
}

// RaterKind is who or what gave a rating.
type RaterKind string

// The kinds of rater.
const (
	RaterSelf  RaterKind = "self"
	RaterModel RaterKind = "model"
	RaterHuman RaterKind = "human"
)

// Pass is which of the ratings of one competency of one answer a rating is. People rate once.
type Pass string

// The passes of a model. There is a third where the first and the second differ.
const (
	PassFirst  Pass = "first"
	PassSecond Pass = "second"
	PassThird  Pass = "third"
	// PassContest is asked for by the candidate; it is in no standing.
	PassContest Pass = "contest"
	// PassWithFlagged is the first one's question once more, with the words that speak to whoever rates. It stands
	// beside the others for everybody to see, and is in no standing.
	PassWithFlagged Pass = "with_flagged"
)

// Rater names who gave a rating; a model is named with the hashes of what it was told.
type Rater struct {
	Kind         RaterKind `json:"kind"`
	Model        string    `json:"model,omitempty"`
	Pass         Pass      `json:"pass,omitempty"` // a model's; PassFirst where nothing else is said
	PromptSHA256 string    `json:"prompt_sha256,omitempty"`
	RubricSHA256 string    `json:"rubric_sha256,omitempty"`
	BankSHA256   string    `json:"bank_sha256,omitempty"` // of the bank that the session's plan came from
}

// Outcome says whether a rating has a level at all.
type Outcome string

// The outcomes of rating one competency of one answer.
const (
	OutcomeLevel         Outcome = "level"
	OutcomeNotObserved   Outcome = "not_observed"   // the answer shows nothing about it
	OutcomeNotAssessable Outcome = "not_assessable" // with a reason: too short, provider failed, …
)

// Rating is a level given by a named rater. A Rating without a rater cannot be built: its fields are
// set by [NewRating], which checks them together.
type Rating struct {
	session      consent.SessionID
	question     int
	take         int
	competency   string
	rater        Rater
	outcome      Outcome
	level        int
	whyNotHigher string
	whyNotLower  string
	reason       string
	revision     int
	at           time.Time
	asked        Asked
	heard        HeardBadly
	partlyRead   bool
}

// Measurement is a counted fact about one answer. Value means nothing when Valid is false.
type Measurement struct {
	Session  consent.SessionID
	Question int
	Take     int
	Name     string  // e.g. "words_per_minute"
	Value    float64 // in Unit
	Unit     string  // e.g. "words/min", "s", "1"
	Counted  string  // how it was counted, in one sentence for the candidate
	Valid    bool
	Invalid  string // why it is not valid here
}

// AnswerResult is everything known about one take of one question.
type AnswerResult struct {
	Answer       Answer
	FollowUp     FollowUp // what a model asked in place of the bank's probe; without a text, nothing
	Lines        []Line
	Measurements []Measurement
	Evidence     []Evidence
	Ratings      []Rating       // by models, and the candidate's own
	Earlier      []Rating       // by models, of what the words were before the candidate corrected them
	People       []PersonRating // by people of organizations
	Feedback     []FeedbackItem // by a model; of one answer at most five
	Contests     []Contest      // by competency
	Originals    []Original     // of its lines, by line and revision; the candidate's own
	// EarlierEvidence is what was found in words before they were corrected; for the candidate's export alone.
	EarlierEvidence []EarlierEvidence
	// Pending: assessment work for this answer is still queued or running.
	Pending bool
}

// Record is everything a session's results consist of, as stored; a report shows a part of it.
type Record struct {
	Session consent.Session
	Plan    Plan
	Answers []AnswerResult // by question, then take
	Loose   []Line         // said outside any answer
	// LooseOriginals is what stood in those lines; the candidate's own.
	LooseOriginals []Original
	Gaps           []media.Gap
	Length         time.Duration // of the recording, or of the interview where nothing was recorded
}
