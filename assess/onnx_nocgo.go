//go:build !cgo

package assess

import (
	"errors"

	"greenroom/media"
)

// errNoCgo says what a build without cgo lacks.
var errNoCgo = errors.New("open speech models: this build has none, because it was made without cgo: " +
	"configure a speech server, or build again with CGO_ENABLED=1 and a C compiler")

// SpeechRuntime stands for the local speech models, which a build without cgo does not have.
type SpeechRuntime struct{}

// OpenSpeechRuntime refuses: see the error.
func OpenSpeechRuntime(SpeechRuntimeConfig) (*SpeechRuntime, error) { return nil, errNoCgo }

// Close does nothing.
func (*SpeechRuntime) Close() error { return nil }

// Transcriber returns nil: no SpeechRuntime was ever opened.
func (*SpeechRuntime) Transcriber() Transcriber { return nil }

// NewVoiceActivity refuses: see the error.
func (*SpeechRuntime) NewVoiceActivity() (media.VoiceActivity, error) { return nil, errNoCgo }
