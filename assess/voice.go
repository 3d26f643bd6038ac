package assess

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
)

// ErrVoice is wrapped by every error of a [Speaker], with what to do next. A question that cannot be spoken
// is shown all the same, and the browser may speak it.
var ErrVoice = errors.New("spoken questions")

// Speaker says a text of the question bank aloud. It takes no other text: nothing that somebody said, wrote
// or is called is ever spoken.
type Speaker interface {
	// Say returns the sound from its beginning, while it is still being made, and its media type, which is
	// read from the sound itself. A sound that breaks off ends with an error other than [io.EOF]. The caller
	// closes it.
	Say(ctx context.Context, text string) (sound io.ReadCloser, mime string, err error)
	// Name names the model and the voice. Sound is kept under it: another model makes another sound.
	Name() string
}

// The bounds of one spoken text.
const (
	maxSound     = 4 << 20 // bytes; a minute of 24 kHz samples with 16 bits has 2.9 MB
	maxSpoken    = 1000    // bytes of text; the longest question of the bank has far less
	soundHead    = 12      // bytes that tell what a sound is
	mimeMPEG     = "audio/mpeg"
	mimeOgg      = "audio/ogg"
	mimeWAV      = "audio/wav"
	mimeWebM     = "audio/webm"
	mp3FrameSync = 0xE0
)

// soundType says by its first bytes what a sound is, as far as every browser plays it; "" for anything else,
// a web page or an error in JSON among it. What a server calls it does not count.
func soundType(head []byte) string {
	switch {
	case len(head) < soundHead:
		return ""
	case bytes.HasPrefix(head, []byte("OggS\x00")):
		return mimeOgg
	case bytes.HasPrefix(head, []byte("RIFF")) && string(head[8:12]) == "WAVE":
		return mimeWAV
	case bytes.HasPrefix(head, []byte{0x1A, 0x45, 0xDF, 0xA3}): // EBML
		return mimeWebM
	case bytes.HasPrefix(head, []byte("ID3")) && head[3] < 0xFF && head[4] < 0xFF, isMPEGFrame(head):
		return mimeMPEG
	default:
		return ""
	}
}

// isMPEGFrame: the header of a frame of layer III (ISO 11172-3, 2.4.1.3) with a bit rate and a sample rate.
func isMPEGFrame(head []byte) bool {
	const layer3 = 1
	version, layer := head[1]>>3&3, head[1]>>1&3
	bitRate, sampleRate := head[2]>>4, head[2]>>2&3
	return head[0] == 0xFF && head[1]&mp3FrameSync == mp3FrameSync && version != 1 && layer == layer3 &&
		bitRate != 0 && bitRate != 15 && sampleRate != 3
}

// SpokenTexts lists what a voice may be asked to say: the questions of the bank, then their probes, each once.
func (b Bank) SpokenTexts() []string {
	seen := map[string]bool{}
	var texts []string
	add := func(text string) {
		if !seen[text] && text != "" && len(text) <= maxSpoken {
			seen[text] = true
			texts = append(texts, text)
		}
	}
	for _, role := range b.Roles {
		for _, q := range role.Questions {
			add(q.Text)
		}
	}
	for _, role := range b.Roles {
		for _, q := range role.Questions {
			for _, probe := range q.Probes {
				add(probe)
			}
		}
	}
	return texts
}

// textKey addresses a text.
func textKey(text string) [sha256.Size]byte { return sha256.Sum256([]byte(text)) }
