package media

import (
	"context"
	"fmt"
	"time"

	"greenroom/consent"
)

// Kind is which of the two tracks of a session something belongs to.
type Kind string

// The two kinds of track. They are stored apart, so that each can be shared without the other.
const (
	KindAudio Kind = "audio"
	KindVideo Kind = "video"
)

// Artefact returns what a reader needs a Permit for to read this kind.
func (k Kind) Artefact() consent.Artefact {
	if k == KindAudio {
		return consent.ArtefactAudio
	}
	return consent.ArtefactVideo
}

// Codec is how a track is encoded. Greenroom never transcodes.
type Codec string

// The codecs a session may use; all fit WebM.
const (
	CodecOpus Codec = "opus"
	CodecVP8  Codec = "vp8"
	CodecVP9  Codec = "vp9"
)

// SegmentID names one segment of one track. Epoch counts the processes that have held the session, so
// two of them can never write the same object.
type SegmentID struct {
	Session  consent.SessionID
	Kind     Kind
	Epoch    int
	Sequence int
}

// ObjectKey returns the segment's name in the object store.
func (id SegmentID) ObjectKey() string {
	return fmt.Sprintf("%s/%s/%d/%06d", id.Session, id.Kind, id.Epoch, id.Sequence)
}

// BlockRef says where one encoded frame lies inside a segment's decrypted chunks.
type BlockRef struct {
	Chunk  int           // index of the chunk
	Offset int           // of the frame's payload inside the decrypted chunk, in bytes
	Size   int           // of the payload, in bytes
	Time   time.Duration // media time since the session began
	Key    bool          // decodable on its own; always true for audio
	// Duration is how much sound an Opus packet holds; 0 for video. Playback needs it to fill holes.
	Duration time.Duration
}

// ChunkRef says where one encrypted chunk lies inside the segment object.
type ChunkRef struct {
	Offset int64 // of the ciphertext in the object, in bytes
	Size   int   // of the ciphertext, in bytes
	Plain  int   // of the decrypted chunk, in bytes
}

// SegmentTable knows where every frame of a segment lies, so that playback needs to read no media to
// lay out a file. It is stored encrypted: the sizes of Opus frames betray speech.
type SegmentTable struct {
	Chunks []ChunkRef
	Blocks []BlockRef
}

// Chunk is a run of whole Matroska SimpleBlocks that is encrypted and appended as one message.
// Plain holds the blocks with times relative to the segment's Start in milliseconds; Blocks
// describes them (their Chunk field is set by the store). Both are borrowed until Append returns.
type Chunk struct {
	Plain  []byte
	Blocks []BlockRef
}

// SegmentHead is what is known when a segment begins.
type SegmentHead struct {
	ID    SegmentID
	Codec Codec
	Start time.Duration // media time of the first block
}

// SegmentInfo is what is known when a segment is sealed.
type SegmentInfo struct {
	SegmentHead
	End           time.Duration // media time just after the last block
	Width, Height int           // pixels of the last key frame; 0 for audio
	Forced        bool          // video that does not begin with a key frame
}

// SegmentStore keeps segments. Storage implements it: cipher, spool, upload and index lie behind it.
type SegmentStore interface {
	// OpenSegment begins a spool file. The Permit is the recorder's, for [consent.ArtefactCapture].
	OpenSegment(ctx context.Context, permit consent.Permit, head SegmentHead) (SegmentWriter, error)
}

// SegmentWriter is one open segment. It has one user at a time.
type SegmentWriter interface {
	// Append encrypts the chunk and appends it to the spool file.
	Append(chunk Chunk) error
	// Seal syncs and renames the file; upload and index follow on their own, also after a crash.
	Seal(ctx context.Context, info SegmentInfo) error
	// Discard forgets the segment: its consent was withdrawn before it was sealed, or it is empty.
	Discard() error
}

// StoredSegment is one indexed segment as playback reads it.
type StoredSegment struct {
	Index int64 // place in the session's index, rising; a frozen snapshot reads up to one Index
	SegmentInfo
	Table SegmentTable
}

// RecordingReader reads what a SegmentStore kept. Storage implements it. It is safe for concurrent use: both
// tracks are read at a time.
type RecordingReader interface {
	// Segments lists the session's segments of the kind the Permit is for, by Start, up to and
	// including index through (0: all there are).
	Segments(ctx context.Context, permit consent.Permit, session consent.SessionID, kind Kind, through int64) ([]StoredSegment, error)
	// ReadChunks returns the decrypted chunks first..last (inclusive) of a segment.
	ReadChunks(ctx context.Context, permit consent.Permit, segment StoredSegment, first, last int) ([][]byte, error)
}

// Gap is a stretch of a session for which a track has nothing although it should.
type Gap struct {
	Kind   Kind
	Start  time.Duration
	End    time.Duration
	Reason GapReason
}

// GapReason is why a Gap exists.
type GapReason string

// The reasons for a gap.
const (
	GapNetwork    GapReason = "network"    // packets stopped coming
	GapReconnect  GapReason = "reconnect"  // the connection was lost and made anew
	GapStorage    GapReason = "storage"    // the spool could not take it
	GapConsent    GapReason = "consent"    // recording was withdrawn
	GapMuted      GapReason = "muted"      // the candidate turned the device off
	GapServerDown GapReason = "serverdown" // another process went on with the session
)

// Utterance is a span of speech as audio.
type Utterance struct {
	Session  consent.SessionID
	Epoch    int
	Sequence int // rises within the epoch
	Start    time.Duration
	End      time.Duration
	PCM      []float32 // 16 kHz mono in [-1, 1], at most 25 s
	// Packed is the same sound as it was sent, for whoever must keep it for long without PCM; nil if there
	// is none.
	Packed  PackedSound
	Flaws   Flaws
	EndedAt time.Time // wall time at which the last sample arrived, to measure caption delay
}

// SampleRate is the rate of every [Utterance] and of every frame given to a [VoiceActivity], in Hz.
const SampleRate = 16000

// VoiceFrame is the length of a frame given to a [VoiceActivity], in samples (32 ms).
const VoiceFrame = 512

// VoiceActivity judges consecutive frames of one voice. Assess implements it.
type VoiceActivity interface {
	// Probability returns the probability, 0 to 1, that the frame of [VoiceFrame] samples has speech.
	Probability(frame []float32) (float32, error)
	// Close frees what the model holds.
	Close() error
}

// UtteranceSink takes utterances as they end. Hear must not block: it queues or counts a loss.
type UtteranceSink interface {
	Hear(u Utterance)
}

// RunningSink looks at utterances that still run. Overhear gets what was said so far under the number that the
// whole will be heard with; nothing of it may be kept once Overhear returned, but what it copied. It must not
// block, and nothing comes of an utterance any more once it was heard as a whole or its session withdrew.
type RunningSink interface {
	Overhear(u Utterance)
	// Drop says, without sound, that an utterance which was overheard will not be heard. It must not block.
	Drop(u Utterance)
}
