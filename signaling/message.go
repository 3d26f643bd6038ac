package signaling

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// ProtocolVersion is the version of the room protocol that this package speaks.
const ProtocolVersion = 2

// MaxFrame is the largest WebSocket frame accepted from a page, in bytes.
const MaxFrame = 64 << 10

// ErrBadMessage says that a frame is not a message of the protocol. What follows it in the error's
// text is written by this package and may be shown to the page.
var ErrBadMessage = errors.New("bad message")

// Message is one message of the protocol; a type implements it by naming itself.
type Message interface{ messageType() string }

// Milliseconds is how durations and media times travel.
type Milliseconds int64

// InMilliseconds rounds down.
func InMilliseconds(d time.Duration) Milliseconds { return Milliseconds(d / time.Millisecond) }

// Messages from the page.
type (
	// Hello comes first and names the version. Page is the page's own name for itself, which it keeps
	// over reloads and lost connections; Takeover asks for the session although another page has it.
	Hello struct {
		Version  int    `json:"version"`
		Page     string `json:"page,omitempty"`
		Takeover bool   `json:"takeover,omitempty"`
	}
	// Offer is the page's SDP; Takeover asks to send although a program does (WHIP).
	Offer struct {
		SDP      string `json:"sdp"`
		Takeover bool   `json:"takeover,omitempty"`
	}
	// Begin asks for the first question.
	Begin struct{}
	// StartAnswer ends the preparation early.
	StartAnswer struct{}
	// Done ends the answer, or what is said to its probe.
	Done struct{}
	// Moment holds the clocks of the answer.
	Moment struct{}
	// Again answers the question once more.
	Again struct{}
	// Next ends the review.
	Next struct{}
	// Skip gives the question up.
	Skip struct{}
	// Finish ends the interview.
	Finish struct{}
	// Muted says that the candidate turned a device off or on.
	Muted struct {
		Kind  string `json:"kind"` // audio or video
		Muted bool   `json:"muted"`
	}
	// VoiceMessage says that the page says what is asked aloud, or does so no longer; Interrupted: because
	// the candidate began to talk.
	VoiceMessage struct {
		Speaking    bool `json:"speaking"`
		Interrupted bool `json:"interrupted,omitempty"`
	}
)

// ICECandidate travels both ways.
type ICECandidate struct {
	ICECandidate *ICECandidateInit `json:"ice_candidate"`
}

// ICECandidateInit is the W3C dictionary. An empty Candidate says that there are no more.
type ICECandidateInit struct {
	Candidate        string  `json:"candidate"`
	SDPMid           *string `json:"sdp_mid,omitempty"`
	SDPMLineIndex    *uint16 `json:"sdp_mline_index,omitempty"`
	UsernameFragment *string `json:"username_fragment,omitempty"`
}

// Messages from the server.
type (
	// Welcome answers Hello. Voice says that the server says questions aloud, over HTTP. Program says that sound and picture come from a program (WHIP): the page
	// does not offer its own unasked.
	Welcome struct {
		Version   int      `json:"version"`
		Session   string   `json:"session"`
		RoleTitle string   `json:"role_title"`
		Total     int      `json:"total"` // questions in the plan
		Consents  Consents `json:"consents"`
		Program   bool     `json:"program,omitempty"`
		Voice     bool     `json:"voice,omitempty"`
	}
	// ProgramMessage says that a program (WHIP) began or stopped to send sound and picture in place of
	// the page.
	ProgramMessage struct {
		Sending bool `json:"sending"`
	}
	// Answer is the server's SDP.
	Answer struct {
		SDP string `json:"sdp"`
	}
	// TurnMessage says where the interview stands. Index, Take, Question and the times are absent
	// while waiting and when finished; the times also where nothing limits the phase. ClosingMS counts down
	// to the end of the answer by silence, HeldMS to where the clocks go on, SpeakingMS to where they go on at the
	// latest while what is asked is said aloud; RemainingMS holds the latter two.
	TurnMessage struct {
		Phase       Phase         `json:"phase"`
		Index       *int          `json:"index,omitempty"`
		Total       int           `json:"total"`
		Take        int           `json:"take,omitempty"`
		TakesLeft   int           `json:"takes_left,omitempty"`
		Question    *Question     `json:"question,omitempty"`
		Probe       *Probe        `json:"probe,omitempty"`
		RemainingMS *Milliseconds `json:"remaining_ms,omitempty"`
		LimitMS     Milliseconds  `json:"limit_ms,omitempty"`
		ClosingMS   *Milliseconds `json:"closing_ms,omitempty"`
		HeldMS      *Milliseconds `json:"held_ms,omitempty"`
		SpeakingMS  *Milliseconds `json:"speaking_ms,omitempty"`
		Moments     int           `json:"moments,omitempty"` // how often the clocks may still be held
	}
	// CaptionMessage is the recognised text of one utterance.
	CaptionMessage struct {
		Epoch    int          `json:"epoch"`
		Sequence int          `json:"sequence"`
		StartMS  Milliseconds `json:"start_ms"`
		EndMS    Milliseconds `json:"end_ms"`
		Text     string       `json:"text"`
		// Indexes of the words of Text, which has single spaces.
		Doubtful []int          `json:"doubtful,omitempty"`
		Repaired []RepairedWord `json:"repaired,omitempty"`
	}
	// CaptionPartialMessage is what was said so far of an utterance that still runs.
	CaptionPartialMessage struct {
		Epoch    int          `json:"epoch"`
		Sequence int          `json:"sequence"`
		StartMS  Milliseconds `json:"start_ms"`
		EndMS    Milliseconds `json:"end_ms"`
		Stable   string       `json:"stable"`
		Unstable string       `json:"unstable"`
	}
	// CaptionFailedMessage says that one utterance has no text.
	CaptionFailedMessage struct {
		Epoch    int          `json:"epoch"`
		Sequence int          `json:"sequence"`
		StartMS  Milliseconds `json:"start_ms"`
		EndMS    Milliseconds `json:"end_ms"`
		Message  string       `json:"message"`
	}
	// MediaMessage says what the server receives of each kind.
	MediaMessage struct {
		Audio MediaState `json:"audio"`
		Video MediaState `json:"video"`
	}
	// RecordingMessage says whether the session is being kept.
	RecordingMessage struct {
		State     RecordingState `json:"state"`
		ElapsedMS Milliseconds   `json:"elapsed_ms"`
		Message   string         `json:"message,omitempty"`
	}
	// ConsentsMessage says which consents hold now.
	ConsentsMessage struct {
		Consents Consents `json:"consents"`
	}
	// GapMessage says which stretch of a track is missing.
	GapMessage struct {
		Kind    string       `json:"kind"`
		StartMS Milliseconds `json:"start_ms"`
		EndMS   Milliseconds `json:"end_ms"`
		Reason  string       `json:"reason"`
	}
	// Problem says what went wrong and what to do next. After a fatal one the server closes.
	Problem struct {
		Code    string `json:"code"`
		Message string `json:"message"`
		Next    string `json:"next"`
		Fatal   bool   `json:"fatal"`
	}
	// Ended says that this connection has no room any more; the server closes after it.
	Ended struct {
		Reason EndReason `json:"reason"`
	}
)

// Consents are the three boxes as they travel.
type Consents struct {
	Recording     bool `json:"recording"`
	Transcription bool `json:"transcription"`
	Assessment    bool `json:"assessment"`
}

// Question is what the candidate is asked, as it travels.
type Question struct {
	Text string `json:"text"`
	Kind string `json:"kind"`
}

// ByModel marks what a model asks.
const ByModel = "model"

// Probe is a follow-up question of the present one, as it travels.
type Probe struct {
	Index int    `json:"index"` // among the question's probes
	Text  string `json:"text"`
	By    string `json:"by,omitempty"` // [ByModel]: a model asks it, in the place of one of the bank; empty: it is the bank's
}

// MediaState is how one kind of media arrives.
type MediaState string

// The states of one kind of media.
const (
	MediaOff       MediaState = "off"       // the page sends no such track
	MediaReceiving MediaState = "receiving" // packets came within the last two seconds
	MediaMuted     MediaState = "muted"     // the candidate turned it off
	MediaMissing   MediaState = "missing"   // it should come and does not
)

// RecordingState is whether what arrives is kept.
type RecordingState string

// The states of the recording.
const (
	RecordingOn      RecordingState = "on"
	RecordingDelayed RecordingState = "delayed" // kept here, not yet in the store
	RecordingFailed  RecordingState = "failed"  // not kept
	RecordingOff     RecordingState = "off"     // no consent, or nothing arrives yet
)

// EndReason is why a connection has no room any more.
type EndReason string

// The reasons of [Ended].
const (
	EndFinished       EndReason = "finished"
	EndTimeLimit      EndReason = "time_limit" // the session reached its longest length
	EndAbandoned      EndReason = "abandoned"  // nobody was connected for too long
	EndTakenOver      EndReason = "taken_over" // another page took the session over
	EndServerStopping EndReason = "server_stopping"
	EndLoggedOut      EndReason = "logged_out"
	EndErased         EndReason = "erased" // the session was erased or ended elsewhere
)

func (*Hello) messageType() string                 { return "hello" }
func (*Offer) messageType() string                 { return "offer" }
func (*ICECandidate) messageType() string          { return "ice_candidate" }
func (*Begin) messageType() string                 { return "begin" }
func (*StartAnswer) messageType() string           { return "start_answer" }
func (*Done) messageType() string                  { return "done" }
func (*Moment) messageType() string                { return "moment" }
func (*Again) messageType() string                 { return "again" }
func (*Next) messageType() string                  { return "next" }
func (*Skip) messageType() string                  { return "skip" }
func (*Finish) messageType() string                { return "finish" }
func (*Muted) messageType() string                 { return "muted" }
func (*VoiceMessage) messageType() string          { return "voice" }
func (*Welcome) messageType() string               { return "welcome" }
func (*ProgramMessage) messageType() string        { return "program" }
func (*Answer) messageType() string                { return "answer" }
func (*TurnMessage) messageType() string           { return "turn" }
func (*CaptionMessage) messageType() string        { return "caption" }
func (*CaptionFailedMessage) messageType() string  { return "caption_failed" }
func (*MediaMessage) messageType() string          { return "media" }
func (*RecordingMessage) messageType() string      { return "recording" }
func (*ConsentsMessage) messageType() string       { return "consents" }
func (*GapMessage) messageType() string            { return "gap" }
func (*Problem) messageType() string               { return "problem" }
func (*Ended) messageType() string                 { return "ended" }
func (*CaptionPartialMessage) messageType() string { return "caption_partial" }

func fromPage(name string) Message {
	switch name {
	case "hello":
		return new(Hello)
	case "offer":
		return new(Offer)
	case "ice_candidate":
		return new(ICECandidate)
	case "begin":
		return new(Begin)
	case "start_answer":
		return new(StartAnswer)
	case "done":
		return new(Done)
	case "moment":
		return new(Moment)
	case "again":
		return new(Again)
	case "next":
		return new(Next)
	case "skip":
		return new(Skip)
	case "finish":
		return new(Finish)
	case "muted":
		return new(Muted)
	case "voice":
		return new(VoiceMessage)
	default:
		return nil
	}
}

func fromServer(name string) Message {
	switch name {
	case "welcome":
		return new(Welcome)
	case "program":
		return new(ProgramMessage)
	case "answer":
		return new(Answer)
	case "ice_candidate":
		return new(ICECandidate)
	case "turn":
		return new(TurnMessage)
	case "caption":
		return new(CaptionMessage)
	case "caption_partial":
		return new(CaptionPartialMessage)
	case "caption_failed":
		return new(CaptionFailedMessage)
	case "media":
		return new(MediaMessage)
	case "recording":
		return new(RecordingMessage)
	case "consents":
		return new(ConsentsMessage)
	case "gap":
		return new(GapMessage)
	case "problem":
		return new(Problem)
	case "ended":
		return new(Ended)
	default:
		return nil
	}
}

// DecodeFromPage decodes a frame as the server does: unknown types, unknown fields and impossible
// values are refused with [ErrBadMessage].
func DecodeFromPage(frame []byte) (Message, error) {
	message, err := decode(frame, fromPage, true)
	if err != nil {
		return nil, err
	}
	if err := check(message); err != nil {
		return nil, err
	}
	return message, nil
}

// DecodeFromServer decodes a frame as a page does: unknown fields are ignored.
func DecodeFromServer(frame []byte) (Message, error) { return decode(frame, fromServer, false) }

// Encode writes a message with its type in front.
func Encode(m Message) ([]byte, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", m.messageType(), err)
	}
	frame := make([]byte, 0, len(body)+32)
	frame = append(frame, `{"type":"`...)
	frame = append(frame, m.messageType()...)
	frame = append(frame, '"')
	if len(body) > len("{}") {
		frame = append(frame, ',')
	}
	return append(frame, body[1:]...), nil
}

func decode(frame []byte, empty func(string) Message, strict bool) (Message, error) {
	if len(frame) > MaxFrame {
		return nil, fmt.Errorf("%w: it is larger than 64 KiB", ErrBadMessage)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(frame, &fields); err != nil {
		return nil, fmt.Errorf("%w: it is not one JSON object", ErrBadMessage)
	}
	var name string
	if err := json.Unmarshal(fields["type"], &name); err != nil {
		return nil, fmt.Errorf("%w: it has no type", ErrBadMessage)
	}
	message := empty(name)
	if message == nil {
		return nil, fmt.Errorf("%w: its type is unknown", ErrBadMessage)
	}
	delete(fields, "type")
	body, err := json.Marshal(fields)
	if err != nil {
		return nil, fmt.Errorf("%w: it is not one JSON object", ErrBadMessage)
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	if strict {
		decoder.DisallowUnknownFields()
	}
	if err := decoder.Decode(message); err != nil {
		// The decoder's own text could repeat what the page sent; it is not passed on.
		return nil, fmt.Errorf("%w: a field of the %s is unknown or has the wrong kind of value", ErrBadMessage, name)
	}
	return message, nil
}

func check(message Message) error {
	switch m := message.(type) {
	case *Hello:
		if m.Page != "" && !isPageName(m.Page) {
			return fmt.Errorf("%w: the page is not 16 to 64 letters, digits, - or _", ErrBadMessage)
		}
	case *ICECandidate:
		if m.ICECandidate == nil {
			return fmt.Errorf("%w: the ice_candidate is missing", ErrBadMessage)
		}
	case *Muted:
		if m.Kind != "audio" && m.Kind != "video" {
			return fmt.Errorf("%w: the kind is neither audio nor video", ErrBadMessage)
		}
	case *VoiceMessage:
		if m.Speaking && m.Interrupted {
			return fmt.Errorf("%w: a voice that speaks was not interrupted", ErrBadMessage)
		}
	}
	return nil
}

// isPageName: long enough that two pages do not choose the same, short enough to keep.
func isPageName(text string) bool {
	if len(text) < 16 || len(text) > 64 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
