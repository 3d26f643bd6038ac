package web

import (
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// reportJSON is what one reader may see of one session. What is withheld from an employer is absent
// here, not empty, and named in Withheld.
type reportJSON struct {
	Session       consent.SessionID  `json:"session"`
	RoleTitle     string             `json:"role_title"`
	Mode          consent.Mode       `json:"mode" enum:"practice,exam"`
	LengthMS      int64              `json:"length_ms"`
	EndedAt       time.Time          `json:"ended_at,omitzero"`
	Label         string             `json:"label,omitempty" doc:"How ratings by a model must be called; absent where there are none."`
	Agreement     *agreementJSON     `json:"agreement,omitempty" doc:"How far the model's levels agree with people's; absent where that was not measured for all of these ratings."`
	JudgedBy      judgeJSON          `json:"judged_by"`
	Recording     *recordingLinkJSON `json:"recording,omitempty" doc:"Absent where nothing was recorded or none of it is shared."`
	Gaps          []gapJSON          `json:"gaps"`
	Competencies  []competencyJSON   `json:"competencies"`
	Standings     []standingJSON     `json:"standings" doc:"What the models' ratings come to over all answers, by competency. Computed here, by no model."`
	Questions     []questionJSON     `json:"questions"`
	Loose         []lineJSON         `json:"loose,omitzero" doc:"Said outside any answer; absent where the transcript is withheld."`
	Withheld      []string           `json:"withheld,omitempty" enum:"ratings,feedback,quotes,transcript,measurements,recording.audio,recording.video" doc:"Employers only: parts that are not shared."`
	Authorization *grantJSON         `json:"authorization,omitempty" doc:"Employers only."`
	RatingForm    *ratingFormJSON    `json:"rating_form,omitempty" doc:"Employers only, where they may rate."`
	Candidate     string             `json:"candidate,omitempty" doc:"Employers only, where the profile is shared."`
}

type agreementJSON struct {
	Models     []string      `json:"models"`
	MeasuredAt time.Time     `json:"measured_at"`
	People     int           `json:"people" doc:"How many rated each answer, at least."`
	Answers    int           `json:"answers"`
	Questions  int           `json:"questions"`
	Kappa      intervalJSON  `json:"kappa" doc:"Quadratic weighted, with the median of the people."`
	ICC        intervalJSON  `json:"icc" doc:"ICC(2,1)."`
	Bias       intervalJSON  `json:"bias" doc:"Levels; above 0 the model is generous."`
	Humans     *intervalJSON `json:"humans,omitempty" doc:"Kappa of two people with each other."`
	Pairs      *intervalJSON `json:"pairs,omitempty" doc:"Share of twins of which the better one got the higher level."`
	Attacks    *intervalJSON `json:"attacks,omitempty" doc:"Levels that words meant to raise a level gained, mean."`
}

type intervalJSON struct {
	Value float64 `json:"value"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	N     int     `json:"n"`
}

func agreementOf(card assess.AgreementCard) *agreementJSON {
	measured := func(found *assess.Interval) *intervalJSON { return (*intervalJSON)(found) }
	return &agreementJSON{
		Models: card.Models, MeasuredAt: card.At, People: card.Raters, Answers: card.N, Questions: card.Questions,
		Kappa: intervalJSON(card.QWK), ICC: intervalJSON(card.ICC), Bias: intervalJSON(card.Bias),
		Humans: measured(card.Humans), Pairs: measured(card.Pairs), Attacks: measured(card.Inflation),
	}
}

type grantJSON struct {
	Purpose    consent.Purpose `json:"purpose" enum:"practice_review,hiring"`
	ValidUntil time.Time       `json:"valid_until"`
	Scopes     []consent.Scope `json:"scopes" enum:"ratings,feedback,transcript,recording.audio,recording.video,resume,profile"`
}

type recordingLinkJSON struct {
	Available  bool   `json:"available" doc:"False while nothing is in the store yet."`
	Through    int64  `json:"through"`
	Audio      bool   `json:"audio"`
	Video      bool   `json:"video"`
	DurationMS int64  `json:"duration_ms"`
	URL        string `json:"url"`
}

type gapJSON struct {
	Kind    media.Kind      `json:"kind" enum:"audio,video"`
	StartMS int64           `json:"start_ms"`
	EndMS   int64           `json:"end_ms"`
	Reason  media.GapReason `json:"reason,omitempty" enum:"network,reconnect,storage,consent,muted,serverdown" doc:"Only for the candidate."`
}

type competencyJSON struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Definition string            `json:"definition"`
	Anchors    map[string]string `json:"anchors" doc:"Described behaviour for levels 1, 3 and 5."`
}

type questionJSON struct {
	Index        int        `json:"index"`
	Text         string     `json:"text"`
	Kind         string     `json:"kind"`
	Competencies []string   `json:"competencies"`
	Takes        []takeJSON `json:"takes"`
	// By competency, then level.
	Anchors map[string]map[string]string `json:"anchors,omitempty" doc:"Described behaviour for the levels of this question's competencies, where the text is shown: by competency, then level."`
}

type takeJSON struct {
	Take         int               `json:"take"`
	StartMS      *int64            `json:"start_ms,omitempty" doc:"Absent for an employer who sees nothing that has times."`
	EndMS        *int64            `json:"end_ms,omitempty"`
	EndedBy      assess.AnswerEnd  `json:"ended_by,omitempty" enum:"done,limit,skip,finish,drop,silence"`
	FollowUp     *followUpJSON     `json:"follow_up,omitempty" doc:"What a model asked in the answer, in the place of the bank's probe; absent where the transcript is withheld."`
	Pending      bool              `json:"pending" doc:"Assessment work is still queued or running."`
	Lines        []lineJSON        `json:"lines,omitzero" doc:"Absent where the transcript is withheld."`
	Measurements []measurementJSON `json:"measurements,omitzero" doc:"Absent where measurements are withheld."`
	Revision     int               `json:"revision,omitempty" doc:"How often the candidate corrected words of it, where the transcript is shown: which words a person rates."`
	CorrectedAt  time.Time         `json:"corrected_at,omitzero" doc:"When the candidate last corrected words of it; everything but earlier is about the corrected words."`
	Ratings      []ratingJSON      `json:"ratings"`
	Earlier      []ratingJSON      `json:"earlier,omitempty" doc:"What models rated before the words were corrected. Only the candidate sees the sentences."`
	Standings    []standingJSON    `json:"standings" doc:"What the models' ratings of this answer come to, by competency."`
	Evidence     []evidenceJSON    `json:"evidence"`
	Feedback     []feedbackJSON    `json:"feedback" doc:"What a model says about the answer; each sentence rests on something. It may quote, so it needs what quotes need."`
	Flagged      []flaggedJSON     `json:"flagged,omitempty" doc:"Words that speak to whoever rates, where quotes may be seen. The level that counts was given without them; the rating of the pass with_flagged, with them."`
	Contests     []contestJSON     `json:"contests,omitempty" doc:"What the candidate contests, by competency."`
}

// followUpJSON is a question that a model asked.
type followUpJSON struct {
	Text  string    `json:"text"`
	Model string    `json:"model"`
	At    time.Time `json:"at"`
}

// flaggedJSON is a run of words of one line, as the server renders them.
type flaggedJSON struct {
	Epoch    int    `json:"epoch"`
	Sequence int    `json:"sequence"`
	First    int    `json:"first"`
	Last     int    `json:"last" doc:"Inclusive."`
	Quote    string `json:"quote"`
}

type lineJSON struct {
	Epoch        int        `json:"epoch"`
	Sequence     int        `json:"sequence"`
	StartMS      int64      `json:"start_ms"`
	EndMS        int64      `json:"end_ms"`
	Engine       string     `json:"engine"`
	Interpolated bool       `json:"interpolated" doc:"Times of some of its words at least are estimated, not measured."`
	Words        []wordJSON `json:"words"`
	Revision     int        `json:"revision" doc:"How often the candidate corrected it."`
	CorrectedAt  time.Time  `json:"corrected_at,omitzero"`
	Changed      int        `json:"changed,omitempty" doc:"Words that differ from what the engine wrote, those that are left out among them."`
	// What stood there, beside what stands there.
	Difference []changeJSON `json:"difference,omitempty" doc:"Only for the candidate: how a corrected line differs from what the engine wrote."`
}

type wordJSON struct {
	Text    string `json:"text"`
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
	// About the speech engine, not about who spoke.
	Confidence float32 `json:"confidence,omitempty" doc:"How sure the speech engine was that it heard this word, above 0 and up to 1; absent where it did not say. It says nothing about the speaker."`
	Doubtful   bool    `json:"doubtful,omitempty" doc:"The engine may have misheard the word."`
	Heard      string  `json:"heard,omitempty" doc:"What the engine wrote, where a term of the question was put in its place."`
	Corrected  bool    `json:"corrected,omitempty" doc:"The candidate wrote it, in the place of what the engine heard."`
}

type measurementJSON struct {
	Name    string   `json:"name"`
	Value   *float64 `json:"value,omitempty" doc:"Absent where it is not valid."`
	Unit    string   `json:"unit"`
	Counted string   `json:"counted" doc:"How it was counted, in one sentence."`
	Valid   bool     `json:"valid"`
	Invalid string   `json:"invalid,omitempty" doc:"Why it is not valid here."`
}

type ratingJSON struct {
	Competency   string         `json:"competency"`
	Rater        raterJSON      `json:"rater"`
	Outcome      assess.Outcome `json:"outcome" enum:"level,not_observed,not_assessable"`
	Level        int            `json:"level,omitempty" minimum:"1" maximum:"5"`
	WhyNotHigher string         `json:"why_not_higher,omitempty"`
	WhyNotLower  string         `json:"why_not_lower,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	At           time.Time      `json:"at"`
	OrgName      string         `json:"org_name,omitempty" doc:"Of a person's organization."`
	Yours        bool           `json:"yours,omitempty" doc:"Employers only: you gave it."`
	HeardBadly   []string       `json:"heard_badly,omitempty" enum:"lost,clipped,unsure" doc:"What was wrong with the sound of the answer, beside a model's rating: some of it did not reach the server, was too loud, or gave words that the speech engine was unsure of."`
	PartlyRead   bool           `json:"partly_read,omitempty" doc:"The model gave no usable reply about what some utterances of the answer show."`
	Why          string         `json:"why,omitempty" doc:"A person's sentence, where the transcript may be seen: it may quote."`
	Before       bool           `json:"before_correction,omitempty" doc:"A person gave it before the words were corrected."`
	Revision     int            `json:"revision,omitempty" doc:"Of the words that an earlier rating is about."`
}

type contestJSON struct {
	Competency string    `json:"competency"`
	At         time.Time `json:"at"`
	MomentMS   *int64    `json:"moment_ms,omitempty" doc:"Only for the candidate: the moment it is about."`
	Words      string    `json:"words,omitempty" doc:"Only for the candidate: what they say about it."`
	ByModel    bool      `json:"by_model" doc:"A model rates again, without knowing the first level or these words."`
	LookedAt   time.Time `json:"looked_at,omitzero" doc:"When that was done, or could not be."`
}

// ratingFormJSON is about the reader's own ratings.
type ratingFormJSON struct {
	Closed bool `json:"closed" doc:"Saved or skipped for good. Until then nobody else's ratings are shown, nor what a model found."`
}

type feedbackJSON struct {
	Kind         assess.FeedbackKind `json:"kind" enum:"strength,gap,drill"`
	Text         string              `json:"text"`
	Evidence     []int               `json:"evidence" doc:"Places in the take's evidence that it rests on."`
	Measurements []string            `json:"measurements" doc:"Names of the take's measurements that it rests on."`
}

// standingJSON is what several ratings come to; of one answer, or over a session.
type standingJSON struct {
	Competency string          `json:"competency"`
	Outcome    assess.Outcome  `json:"outcome" enum:"level,not_observed,not_assessable"`
	Level      int             `json:"level,omitempty" minimum:"1" maximum:"5" doc:"The median; of two in the middle the lower one."`
	Low        int             `json:"low,omitempty" minimum:"1" maximum:"5"`
	High       int             `json:"high,omitempty" minimum:"1" maximum:"5"`
	Raters     int             `json:"raters" doc:"Ratings that could be made."`
	Sureness   assess.Sureness `json:"sureness,omitempty" enum:"agreed,close,apart" doc:"How far the ratings lie apart; absent where there is only one."`
	Covered    int             `json:"covered,omitempty" doc:"Over a session: answers that have a level."`
	Planned    int             `json:"planned,omitempty" doc:"Over a session: questions that ask for the competency."`
}

type raterJSON struct {
	Kind         assess.RaterKind `json:"kind" enum:"self,model,human"`
	Model        string           `json:"model,omitempty"`
	Pass         assess.Pass      `json:"pass,omitempty" enum:"first,second,third,contest,with_flagged" doc:"A model rates more than once; absent for people."`
	PromptSHA256 string           `json:"prompt_sha256,omitempty"`
	RubricSHA256 string           `json:"rubric_sha256,omitempty"`
	BankSHA256   string           `json:"bank_sha256,omitempty"`
	Held         assess.Held      `json:"held,omitempty" enum:"schema,object,words" doc:"How a model's answer was held to its form; absent where it was not asked, or that was not kept."`
	Answered     string           `json:"answered,omitempty" doc:"The name that the server gave its model, where it is not the configured one."`
}

// evidenceJSON has its quote, times and word range only for readers of quotes.
type evidenceJSON struct {
	Competency string          `json:"competency"`
	Polarity   assess.Polarity `json:"polarity" enum:"supports,contradicts"`
	Part       assess.Part     `json:"part" enum:"situation,task,action,result,other"`
	StartMS    *int64          `json:"start_ms,omitempty"`
	EndMS      *int64          `json:"end_ms,omitempty"`
	Quote      string          `json:"quote,omitempty" doc:"The words themselves, rendered by the server from the transcript."`
	Epoch      *int            `json:"epoch,omitempty"`
	Sequence   *int            `json:"sequence,omitempty"`
	First      *int            `json:"first,omitempty" doc:"Index of the first word in its line."`
	Last       *int            `json:"last,omitempty" doc:"Index of the last word, inclusive."`
}
