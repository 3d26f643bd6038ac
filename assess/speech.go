//go:build cgo

package assess

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"greenroom/media"
)

// SpeechRuntime holds the local speech models: Moonshine for text, Silero for voice activity. It may
// be used from many goroutines.
type SpeechRuntime struct {
	library *onnxLibrary
	encoder *network
	decoder *network
	silero  *network
	words   *vocabulary

	mu     sync.RWMutex // read-held while a model runs, so that Close waits for it
	closed bool
}

// errSpeechClosed says that the runtime was closed before it was asked.
var errSpeechClosed = errors.New("the local speech models are closed")

// OpenSpeechRuntime loads the library and the models from a folder. It takes about half a second and
// 130 MB.
func OpenSpeechRuntime(config SpeechRuntimeConfig) (*SpeechRuntime, error) {
	for _, name := range []string{libraryFile, encoderFile, decoderFile, vocabularyFile, sileroFile} {
		if _, err := os.Stat(filepath.Join(config.LibDir, name)); err != nil {
			return nil, fmt.Errorf("open speech models: run make setup, or configure a speech server: %w", err)
		}
	}
	library, err := openONNX(filepath.Join(config.LibDir, libraryFile))
	if err != nil {
		return nil, fmt.Errorf("open speech models: %w", err)
	}
	r := &SpeechRuntime{library: library}
	if err := r.load(config.LibDir); err != nil {
		return nil, errors.Join(fmt.Errorf("open speech models: %w", err), r.Close())
	}
	return r, nil
}

func (r *SpeechRuntime) load(dir string) (err error) {
	if r.words, err = readVocabulary(filepath.Join(dir, vocabularyFile)); err != nil {
		return err
	}
	inputs, outputs := []string{"input_values"}, []string{"last_hidden_state"}
	if r.encoder, err = r.library.load(filepath.Join(dir, encoderFile), inputs, outputs); err != nil {
		return err
	}
	inputs, outputs = decoderNames()
	if r.decoder, err = r.library.load(filepath.Join(dir, decoderFile), inputs, outputs); err != nil {
		return err
	}
	inputs, outputs = []string{"input", "state", "sr"}, []string{"output", "stateN"}
	r.silero, err = r.library.load(filepath.Join(dir, sileroFile), inputs, outputs)
	return err
}

// Close waits for what runs and frees the models. Voices that are still open stay safe to close.
func (r *SpeechRuntime) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil
	}
	r.closed = true
	var failures []error
	for _, n := range []*network{r.encoder, r.decoder, r.silero} {
		if n != nil {
			failures = append(failures, n.destroy())
		}
	}
	return errors.Join(append(failures, r.library.release())...)
}

// Transcriber returns the local transcriber. Several goroutines may use it at once; each call keeps
// one processor busy.
func (r *SpeechRuntime) Transcriber() Transcriber { return &moonshine{runtime: r} }

// NewVoiceActivity returns a judge of one voice, which is its own to keep and to close.
func (r *SpeechRuntime) NewVoiceActivity() (media.VoiceActivity, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if r.closed {
		return nil, errSpeechClosed
	}
	return newSilero(r)
}
