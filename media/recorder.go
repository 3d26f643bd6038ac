package media

import (
	"context"
	"log/slog"
	"time"

	"greenroom/consent"
)

// Frame is one encoded frame of a track: a picture, or an Opus packet. Payload is borrowed.
type Frame struct {
	Time          time.Duration // media time since the session began
	Duration      time.Duration // 0 if unknown
	Key           bool          // decodable on its own; always true for audio
	Width, Height int           // pixels; key frames only, 0 if unknown
	Payload       []byte
}

// RecordingState is how the recording of a live session is doing.
type RecordingState string

// The states of a recording.
const (
	RecordingOn      RecordingState = "on"      // what arrives is being kept
	RecordingDelayed RecordingState = "delayed" // keeping is behind, nothing is lost yet
	RecordingFailed  RecordingState = "failed"  // what arrives is being lost
	RecordingOff     RecordingState = "off"     // withdrawn or finished
)

// RecordingStatus is what the candidate is told about the recording.
type RecordingStatus struct {
	State   RecordingState
	Message string // a sentence for the candidate; empty when on or off
}

// RecorderConfig is what a [Recorder] needs.
type RecorderConfig struct {
	Session consent.SessionID
	Epoch   int
	Store   SegmentStore
	// Permit is asked for each segment; it must be for [consent.ArtefactCapture].
	Permit func(context.Context) (consent.Permit, error)
	// OnStatus hears each change of status, from one goroutine; it must not block. May be nil.
	OnStatus func(RecordingStatus)
	// OnGap hears of each stretch that could not be kept, from one goroutine; it must not block.
	// May be nil.
	OnGap func(Gap)
	Log   *slog.Logger
	Now   func() time.Time // nil: time.Now
}

// Recorder turns the frames of one session into segments.
type Recorder struct {
	config RecorderConfig
}

// NewRecorder returns a Recorder; it does nothing until [Recorder.Run].
func NewRecorder(config RecorderConfig) *Recorder { return &Recorder{config: config} }

// Run keeps what is [Recorder.Put] until [Recorder.Finish] or the end of ctx; it returns after
// sealing.
func (r *Recorder) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// Put hands over one frame. It copies the payload and never blocks.
func (r *Recorder) Put(kind Kind, codec Codec, f Frame) {}

// SetKeyFrameRequest sets what asks the sender of the kind for a key frame.
func (r *Recorder) SetKeyFrameRequest(kind Kind, ask func()) {}

// Withdraw stops keeping at once: consent was withdrawn.
func (r *Recorder) Withdraw() {}

// Finish seals what is open; [Recorder.Run] then returns.
func (r *Recorder) Finish() {}
