//go:build cgo

package assess

import (
	"errors"
	"fmt"
	"sync"

	"greenroom/media"
)

// Silero v6 hears each frame after the last 64 samples of the one before; without them it says that
// nobody ever speaks.
const (
	sileroContext = 64
	sileroState   = 2 * 1 * 128
)

// silero judges one voice. Its tensors are made once, so that a frame allocates next to nothing.
type silero struct {
	runtime *SpeechRuntime

	mu      sync.Mutex // Close may come while Probability runs
	closed  bool
	input   *tensor   // context and frame
	state   *tensor   // what the network remembers
	inputs  []*tensor // input, state, sample rate
	outputs []*tensor // probability, next state
}

var _ media.VoiceActivity = (*silero)(nil)

func newSilero(r *SpeechRuntime) (*silero, error) {
	r.library.retain()
	s := &silero{runtime: r}
	if err := s.makeTensors(); err != nil {
		return nil, errors.Join(fmt.Errorf("new voice activity: %w", err), s.Close())
	}
	return s, nil
}

func (s *silero) makeTensors() (err error) {
	library := s.runtime.library
	const heard = sileroContext + media.VoiceFrame
	if s.input, err = newTensor(library, make([]float32, heard), 1, heard); err != nil {
		return err
	}
	s.inputs = append(s.inputs, s.input)
	if s.state, err = newTensor(library, make([]float32, sileroState), 2, 1, 128); err != nil {
		return err
	}
	s.inputs = append(s.inputs, s.state)
	// A scalar: with shape [1] v6 takes its branch for 8 kHz.
	rate, err := newScalar(library, media.SampleRate)
	if err != nil {
		return err
	}
	s.inputs = append(s.inputs, rate)
	probability, err := newTensor(library, make([]float32, 1), 1, 1)
	if err != nil {
		return err
	}
	s.outputs = append(s.outputs, probability)
	next, err := newTensor(library, make([]float32, sileroState), 2, 1, 128)
	if err != nil {
		return err
	}
	s.outputs = append(s.outputs, next)
	return nil
}

// Probability implements [media.VoiceActivity].
func (s *silero) Probability(frame []float32) (float32, error) {
	if len(frame) != media.VoiceFrame {
		return 0, fmt.Errorf("voice activity: frame of %d samples, want %d", len(frame), media.VoiceFrame)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runtime.mu.RLock()
	defer s.runtime.mu.RUnlock()
	if s.closed || s.runtime.closed {
		return 0, fmt.Errorf("voice activity: %w", errSpeechClosed)
	}
	heard := s.input.floats()
	copy(heard, heard[media.VoiceFrame:]) // the last samples of the frame before
	copy(heard[sileroContext:], frame)
	if err := s.runtime.silero.run(s.inputs, s.outputs); err != nil {
		return 0, fmt.Errorf("voice activity: %w", err)
	}
	copy(s.state.floats(), s.outputs[1].floats())
	return s.outputs[0].floats()[0], nil
}

// Close implements [media.VoiceActivity]. A second call does nothing.
func (s *silero) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	destroyAll(s.inputs)
	destroyAll(s.outputs)
	return s.runtime.library.release()
}
