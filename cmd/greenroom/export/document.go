package export

import (
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
)

// Schema names the layout of the file and of every JSON file in it. A reader refuses names it does not
// know; a new field that old readers may ignore keeps the name.
const Schema = "greenroom-export/1"

// The kinds of JSON files, as their first field says.
const (
	kindManifest   = "manifest"
	kindAccount    = "account"
	kindSession    = "session"
	kindTranscript = "transcript"
)

// Manifest is manifest.json: what is in the file.
type Manifest struct {
	Kind    string            `json:"kind" enum:"manifest"`
	Schema  string            `json:"schema" enum:"greenroom-export/1"`
	Export  consent.ExportID  `json:"export"`
	Account consent.AccountID `json:"account" doc:"A random name that means nothing outside the server."`
	Whole   bool              `json:"whole" doc:"Everything the account has; otherwise one session."`
	Created time.Time         `json:"created"`
	LeftOut []LeftOut         `json:"left_out" doc:"Sessions that were asked for and are not here."`
	Files   []File            `json:"files" doc:"Every file but manifest.json and manifest.jws."`
}

// Seal is what a server signs of an export, in manifest.jws: the manifest, by its hash, so that what is
// signed stays short however many files there are.
type Seal struct {
	Schema   string            `json:"schema"`
	Export   consent.ExportID  `json:"export"`
	Account  consent.AccountID `json:"account"`
	Created  time.Time         `json:"created"`
	Manifest string            `json:"manifest_sha256"`
}

// LeftOut is a session that is not in the file, and why.
type LeftOut struct {
	Session consent.SessionID   `json:"session"`
	Why     consent.ExportFault `json:"why" enum:"erased,held,live"`
}

// File is one file as the manifest knows it.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size" minimum:"0" doc:"In bytes."`
	SHA256 string `json:"sha256" pattern:"^[0-9a-f]{64}$"`
}

// AccountData is data.json.
type AccountData struct {
	Kind     string        `json:"kind" enum:"account"`
	Schema   string        `json:"schema" enum:"greenroom-export/1"`
	Created  time.Time     `json:"created" doc:"When this was read."`
	Profile  Profile       `json:"profile"`
	LogIns   []LogIn       `json:"log_ins" doc:"Log-ins that are still kept."`
	Notices  []Notice      `json:"notices" doc:"What was answered before each interview, word for word."`
	Sessions []SessionLine `json:"sessions"`
	Receipts []string      `json:"receipts" doc:"Files of receipts about sessions that are not here any more."`
}

// Profile is the account itself. Its password is kept only as a hash that cannot be turned back.
type Profile struct {
	ID      consent.AccountID `json:"id"`
	Email   string            `json:"email"`
	Name    string            `json:"display_name"`
	AgeRule string            `json:"age_rule" doc:"The age rule that was passed; no birth date is held."`
	Since   time.Time         `json:"since"`
}

// LogIn is one log-in.
type LogIn struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until" doc:"When it ends at the latest."`
}

// Notice is a text that was answered.
type Notice struct {
	Session  consent.SessionID `json:"session"`
	Answered time.Time         `json:"answered"`
	Version  string            `json:"version"`
	SHA256   string            `json:"sha256" pattern:"^[0-9a-f]{64}$" doc:"Of the text."`
	Text     string            `json:"text"`
}

// SessionLine is one session of the account.
type SessionLine struct {
	ID        consent.SessionID   `json:"id"`
	RoleTitle string              `json:"role_title"`
	Folder    string              `json:"folder,omitempty" doc:"Where its files are; absent where it is left out."`
	LeftOut   consent.ExportFault `json:"left_out,omitempty" enum:"erased,held,live"`
}

// SessionData is session.json.
type SessionData struct {
	Kind           string               `json:"kind" enum:"session"`
	Schema         string               `json:"schema" enum:"greenroom-export/1"`
	ID             consent.SessionID    `json:"id"`
	State          consent.SessionState `json:"state" enum:"scheduled,consented,ended,assessed,abandoned"`
	Role           string               `json:"role"`
	RoleTitle      string               `json:"role_title"`
	Mode           consent.Mode         `json:"mode" enum:"practice,exam"`
	Created        time.Time            `json:"created"`
	MediaStart     time.Time            `json:"media_start,omitzero" doc:"Wall time of media time zero, from which every _ms counts."`
	Ended          time.Time            `json:"ended,omitzero"`
	LengthMS       int64                `json:"length_ms"`
	Consents       Consents             `json:"consents"`
	ConsentEvents  []ConsentEvent       `json:"consent_events"`
	Plan           Plan                 `json:"plan"`
	Recording      *Recording           `json:"recording,omitempty" doc:"Absent where nothing was recorded."`
	Gaps           []Gap                `json:"gaps" doc:"Stretches that the recording should have and has not."`
	Answers        []Answer             `json:"answers"`
	Authorizations []Authorization      `json:"authorizations"`
	Accesses       []Access             `json:"accesses" doc:"Who was shown what, the newest first."`
	AICalls        []AICall             `json:"ai_calls"`
	Events         []Event              `json:"events"`
	Receipts       []string             `json:"receipts" doc:"Names of the receipts' files."`
}

// Consents are the three boxes.
type Consents struct {
	Recording     bool `json:"recording"`
	Transcription bool `json:"transcription"`
	Assessment    bool `json:"assessment"`
}

// ConsentEvent is an answer to the notice, or one consent taken back.
type ConsentEvent struct {
	At           time.Time       `json:"at"`
	Kind         string          `json:"kind"`
	Withdrawn    consent.Consent `json:"withdrawn,omitempty" enum:"recording,transcription,assessment"`
	Consents     Consents        `json:"consents" doc:"What held after it."`
	NoticeSHA256 string          `json:"notice_sha256"`
}

// Plan is what was asked.
type Plan struct {
	BankVersion  string       `json:"bank_version"`
	BankSHA256   string       `json:"bank_sha256"`
	FollowUps    int          `json:"follow_ups,omitempty" doc:"How many follow-up questions of its own a model was allowed."`
	Questions    []Question   `json:"questions"`
	Competencies []Competency `json:"competencies"`
}

// Question is one question.
type Question struct {
	ID           string                       `json:"id"`
	Kind         string                       `json:"kind"`
	Text         string                       `json:"text"`
	Competencies []string                     `json:"competencies"`
	PrepareMS    int64                        `json:"prepare_ms"`
	AnswerMS     int64                        `json:"answer_ms"`
	Anchors      map[string]map[string]string `json:"anchors,omitempty" doc:"By competency: what levels 1, 3 and 5 look like in an answer to this very question, where that is written."`
}

// Competency is a skill with the behaviour that its levels are described by.
type Competency struct {
	ID         string            `json:"id"`
	Name       string            `json:"name"`
	Definition string            `json:"definition"`
	Anchors    map[string]string `json:"anchors" doc:"Described behaviour for levels 1, 3 and 5."`
}

// Recording says what recording.webm is.
type Recording struct {
	File       string `json:"file"`
	Size       int64  `json:"size" doc:"In bytes."`
	DurationMS int64  `json:"duration_ms"`
	Audio      bool   `json:"audio"`
	Video      bool   `json:"video"`
}

// Gap is a stretch for which a track has nothing although it should.
type Gap struct {
	Kind    media.Kind      `json:"kind" enum:"audio,video"`
	StartMS int64           `json:"start_ms"`
	EndMS   int64           `json:"end_ms"`
	Reason  media.GapReason `json:"reason"`
}

// Answer is one try at one question, with everything that was found in it.
type Answer struct {
	Question     int              `json:"question" doc:"Index in the plan, from 0."`
	Take         int              `json:"take" doc:"From 1."`
	StartMS      int64            `json:"start_ms"`
	EndMS        int64            `json:"end_ms"`
	LimitMS      int64            `json:"limit_ms"`
	EndedBy      assess.AnswerEnd `json:"ended_by"`
	FollowUp     *FollowUp        `json:"follow_up,omitempty" doc:"What a model asked in the answer, in the place of the bank's probe."`
	Pending      bool             `json:"pending" doc:"Assessment was still under way when this was read."`
	Revision     int              `json:"revision" doc:"How often you corrected words of it."`
	CorrectedAt  time.Time        `json:"corrected_at,omitzero"`
	Measurements []Measurement    `json:"measurements"`
	Ratings      []Rating         `json:"ratings" doc:"Also the candidate's own, which are never shared, and those of earlier revisions."`
	Evidence     []Evidence       `json:"evidence"`
	Earlier      []Evidence       `json:"earlier_evidence,omitempty" doc:"What was found in lines before you corrected them."`
	Feedback     []Feedback       `json:"feedback,omitempty" doc:"What a model said about the answer."`
	Contests     []Contest        `json:"contests" doc:"What you contest."`
}

// FollowUp is a question that a model asked.
type FollowUp struct {
	Text         string    `json:"text"`
	Model        string    `json:"model"`
	PromptSHA256 string    `json:"prompt_sha256" doc:"Of the instructions."`
	BankSHA256   string    `json:"bank_sha256" doc:"Of the bank that the session's plan came from."`
	At           time.Time `json:"at"`
}

// Measurement is a counted fact.
type Measurement struct {
	Name    string   `json:"name"`
	Value   *float64 `json:"value,omitempty" doc:"Absent where it is not valid."`
	Unit    string   `json:"unit"`
	Counted string   `json:"counted" doc:"How it was counted."`
	Valid   bool     `json:"valid"`
	Invalid string   `json:"invalid,omitempty" doc:"Why it is not valid here."`
}

// Rating is a level given by a named rater, or why there is none.
type Rating struct {
	Competency   string         `json:"competency"`
	Rater        Rater          `json:"rater"`
	Outcome      assess.Outcome `json:"outcome" enum:"level,not_observed,not_assessable"`
	Level        int            `json:"level,omitempty" minimum:"1" maximum:"5"`
	WhyNotHigher string         `json:"why_not_higher,omitempty"`
	WhyNotLower  string         `json:"why_not_lower,omitempty"`
	Reason       string         `json:"reason,omitempty"`
	At           time.Time      `json:"at"`
	Revision     int            `json:"revision,omitempty" doc:"Of the words that a model rated; those of the answer's revision count. Absent: what was first written down."`
	Held         assess.Held    `json:"held,omitempty" enum:"schema,object,words" doc:"How a model's answer was held to its form; absent where no model was asked."`
	Answered     string         `json:"answered,omitempty" doc:"The name that the server gave its model, where it is not the configured one."`
	HeardBadly   []string       `json:"heard_badly,omitempty" enum:"lost,clipped,unsure" doc:"What was wrong with the sound of the answer, beside a model's rating."`
	PartlyRead   bool           `json:"partly_read,omitempty" doc:"The model gave no usable reply about what some utterances of the answer show."`
	OrgName      string         `json:"org_name,omitempty" doc:"Of a person's organization."`
	Why          string         `json:"why,omitempty" doc:"A person's sentence."`
}

// Contest is what the candidate contests of one competency. What it came to is the rating of that pass.
type Contest struct {
	Competency string    `json:"competency"`
	At         time.Time `json:"at"`
	MomentMS   int64     `json:"moment_ms" doc:"The moment it is about; -1: the whole answer."`
	Words      string    `json:"words,omitempty"`
	ByModel    bool      `json:"by_model" doc:"A model was to rate again."`
	LookedAt   time.Time `json:"looked_at,omitzero" doc:"When that was done, or could not be."`
}

// Rater is who gave a rating or found evidence.
type Rater struct {
	Kind         assess.RaterKind `json:"kind" enum:"self,model,human"`
	Model        string           `json:"model,omitempty"`
	Pass         assess.Pass      `json:"pass,omitempty" enum:"first,second,third,contest,with_flagged" doc:"A model rates more than once; absent for people and for evidence."`
	PromptSHA256 string           `json:"prompt_sha256,omitempty"`
	RubricSHA256 string           `json:"rubric_sha256,omitempty"`
	BankSHA256   string           `json:"bank_sha256,omitempty" doc:"Of the bank that the session's plan came from."`
}

// Feedback is one sentence with what it rests on.
type Feedback struct {
	Kind         assess.FeedbackKind `json:"kind" enum:"strength,gap,drill"`
	Text         string              `json:"text"`
	Evidence     []int               `json:"evidence,omitempty" doc:"Places in the answer's evidence."`
	Measurements []string            `json:"measurements,omitempty" doc:"Names of the answer's measurements."`
}

// Evidence is a range of words of one line of the transcript.
type Evidence struct {
	Competency string          `json:"competency"`
	Polarity   assess.Polarity `json:"polarity" enum:"supports,contradicts"`
	Part       assess.Part     `json:"part" enum:"situation,task,action,result,other"`
	Rater      Rater           `json:"rater"`
	Epoch      int             `json:"epoch"`
	Sequence   int             `json:"sequence"`
	First      int             `json:"first" doc:"Index of the first word in its line."`
	Last       int             `json:"last" doc:"Index of the last word, inclusive."`
	Quote      string          `json:"quote"`
	Revision   int             `json:"revision,omitempty" doc:"Of the line, of what was found before it was corrected."`
}

// Authorization is what one organization may see, and what happened to that.
type Authorization struct {
	ID         consent.AuthorizationID    `json:"id"`
	OrgName    string                     `json:"org_name"`
	Purpose    consent.Purpose            `json:"purpose"`
	Scopes     []consent.Scope            `json:"scopes"`
	ValidFrom  time.Time                  `json:"valid_from"`
	ValidUntil time.Time                  `json:"valid_until"`
	State      consent.AuthorizationState `json:"state"`
	Events     []Past                     `json:"events"`
}

// Past is something that happened.
type Past struct {
	At   time.Time `json:"at"`
	Kind string    `json:"kind"`
}

// Access is one look at one part by an organization.
type Access struct {
	At       time.Time        `json:"at"`
	OrgName  string           `json:"org_name"`
	Artefact consent.Artefact `json:"artefact"`
}

// AICall is one question to a model.
type AICall struct {
	At           time.Time         `json:"at"`
	For          consent.AIPurpose `json:"for" enum:"evidence,rating,feedback,follow_up,transcription"`
	Model        string            `json:"model"`
	Place        string            `json:"place,omitempty" doc:"The host that was sent the words."`
	PromptSHA256 string            `json:"prompt_sha256,omitempty" doc:"Of the instructions."`
	Times        int               `json:"times" doc:"Utterances, for speech to text."`
}

// Event is one line of the session's log.
type Event struct {
	Sequence int64          `json:"sequence"`
	At       time.Time      `json:"at"`
	Kind     string         `json:"kind"`
	Detail   map[string]any `json:"detail"`
}

// Transcript is transcript.json.
type Transcript struct {
	Kind    string            `json:"kind" enum:"transcript"`
	Schema  string            `json:"schema" enum:"greenroom-export/1"`
	Session consent.SessionID `json:"session"`
	Lines   []Line            `json:"lines" doc:"In the order in which they were said."`
}

// Line is the words of one utterance.
type Line struct {
	Epoch        int        `json:"epoch"`
	Sequence     int        `json:"sequence"`
	Question     int        `json:"question" doc:"Index in the plan of the answer it belongs to; -1 outside any."`
	Take         int        `json:"take"`
	StartMS      int64      `json:"start_ms"`
	EndMS        int64      `json:"end_ms"`
	Engine       string     `json:"engine" doc:"Who wrote it down."`
	Interpolated bool       `json:"interpolated" doc:"Times of some of its words at least are estimated, not measured."`
	LostMS       *int64     `json:"lost_ms,omitempty" doc:"How much of its sound never came; absent where that was not looked at."`
	ClippedMS    *int64     `json:"clipped_ms,omitempty" doc:"How much of its sound was cut off because it was too loud; absent where that was not looked at."`
	Words        []Word     `json:"words"`
	Revision     int        `json:"revision" doc:"How often you corrected it."`
	CorrectedAt  time.Time  `json:"corrected_at,omitzero"`
	Difference   []Change   `json:"difference,omitempty" doc:"How it differs from what the engine wrote."`
	Originals    []Original `json:"originals,omitempty" doc:"What stood there before each correction. Nobody but you sees it."`
}

// Change is a run of words that stayed, or what stood in a place and what stands there now.
type Change struct {
	Kept string `json:"kept,omitempty"`
	Was  string `json:"was,omitempty"`
	Now  string `json:"now,omitempty"`
}

// Original is what stood in a line until it was corrected.
type Original struct {
	Revision int       `json:"revision" doc:"0: what the engine wrote."`
	Until    time.Time `json:"until"`
	Words    []Word    `json:"words"`
}

// Word is one word.
type Word struct {
	Text       string  `json:"text"`
	StartMS    int64   `json:"start_ms"`
	EndMS      int64   `json:"end_ms"`
	Confidence float32 `json:"confidence,omitempty" doc:"How sure the speech engine was that it heard this word, above 0 and up to 1; absent where it did not say."`
	Heard      string  `json:"heard,omitempty" doc:"What the engine wrote, where a term of the question was put in its place."`
	Corrected  bool    `json:"corrected,omitempty" doc:"You wrote it, in the place of what the engine heard."`
}
