//go:build cgo

package assess

import (
	"context"
	"fmt"
	"math"

	"greenroom/media"
)

// The shape of Moonshine-tiny, and the tokens it begins and ends with.
const (
	moonshineLayers = 6
	moonshineHeads  = 8
	moonshineWidth  = 36 // of one head
	startToken      = 1
	endToken        = 2
)

// moonshine is the local transcriber. It knows English only and gives no word times.
type moonshine struct {
	runtime *SpeechRuntime
}

var _ Transcriber = (*moonshine)(nil)

// Engine implements [Transcriber].
func (*moonshine) Engine() string { return EngineHere }

// Transcribe implements [Transcriber]. It gives up in the middle of the encoder, or between
// two steps of the decoder (a few milliseconds), when ctx ends.
func (m *moonshine) Transcribe(ctx context.Context, u media.Utterance) ([]Word, bool, error) {
	if err := checkUtterance(u); err != nil {
		return nil, false, err
	}
	m.runtime.mu.RLock()
	defer m.runtime.mu.RUnlock()
	if m.runtime.closed {
		return nil, false, fmt.Errorf("%w: %w", ErrTranscriber, errSpeechClosed)
	}
	if len(u.PCM) < minUtterance {
		return nil, true, nil
	}
	tokens, err := m.recognise(ctx, u.PCM)
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrTranscriber, err)
	}
	words := withoutMadeUp(m.runtime.words.words(tokens))
	spreadWords(words, u.Start, u.End)
	return words, true, nil
}

// recognise returns the tokens of the most probable text, each picked greedily.
func (m *moonshine) recognise(ctx context.Context, pcm []float32) ([]heardToken, error) {
	hidden, err := m.encode(ctx, pcm)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	defer hidden.destroy()
	past, err := m.emptyPast()
	defer func() { destroyAll(past) }()
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	var tokens []heardToken
	token := heardToken{id: startToken}
	for step := range maxTokens(pcm) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if token, err = m.step(token.id, hidden, past, step > 0); err != nil {
			return nil, fmt.Errorf("decode step %d: %w", step, err)
		}
		if token.id == endToken {
			break
		}
		tokens = append(tokens, token)
	}
	return tokens, nil
}

// maxTokens bounds the decoder, which may otherwise repeat itself for ever: 6.5 tokens a second are
// more than anybody says.
func maxTokens(pcm []float32) int {
	return int(6.5*float64(len(pcm))/media.SampleRate) + 4
}

func (m *moonshine) encode(ctx context.Context, pcm []float32) (*tensor, error) {
	input, err := newTensor(m.runtime.library, pcm, 1, int64(len(pcm)))
	if err != nil {
		return nil, err
	}
	defer input.destroy()
	outputs := make([]*tensor, 1)
	if err := m.runtime.encoder.runUntil(ctx, []*tensor{input}, outputs); err != nil {
		return nil, err
	}
	return outputs[0], nil
}

// step feeds one token and returns the next. It replaces what the decoder remembers in past.
func (m *moonshine) step(token int64, hidden *tensor, past []*tensor, cached bool) (heardToken, error) {
	id, err := newTensor(m.runtime.library, []int64{token}, 1, 1)
	if err != nil {
		return heardToken{}, err
	}
	defer id.destroy()
	branch, err := newTensor(m.runtime.library, []bool{cached}, 1)
	if err != nil {
		return heardToken{}, err
	}
	defer branch.destroy()
	inputs := append(append([]*tensor{id, hidden}, past...), branch)
	outputs := make([]*tensor, 1+len(past))
	if err := m.runtime.decoder.run(inputs, outputs); err != nil {
		return heardToken{}, err
	}
	defer outputs[0].destroy()
	for i, present := range outputs[1:] {
		// With the cache on, what the decoder says about the encoder is empty: keep the first.
		if cached && aboutEncoder(i) {
			present.destroy()
			continue
		}
		past[i].destroy()
		past[i] = present
	}
	return mostProbable(outputs[0].floats()), nil
}

// emptyPast is what the decoder gets for its first step, on which it ignores it.
func (m *moonshine) emptyPast() ([]*tensor, error) {
	past := make([]*tensor, moonshineLayers*4)
	for i := range past {
		zeros := make([]float32, moonshineHeads*moonshineWidth)
		var err error
		if past[i], err = newTensor(m.runtime.library, zeros, 1, moonshineHeads, 1, moonshineWidth); err != nil {
			return past, err
		}
	}
	return past, nil
}

// aboutEncoder: of each layer's four tensors the last two are about the encoder.
func aboutEncoder(i int) bool { return i%4 >= 2 }

// decoderNames lists the decoder's inputs and outputs in the order that step uses.
func decoderNames() (inputs, outputs []string) {
	inputs, outputs = []string{"input_ids", "encoder_hidden_states"}, []string{"logits"}
	for layer := range moonshineLayers {
		for _, part := range []string{"decoder.key", "decoder.value", "encoder.key", "encoder.value"} {
			inputs = append(inputs, fmt.Sprintf("past_key_values.%d.%s", layer, part))
			outputs = append(outputs, fmt.Sprintf("present.%d.%s", layer, part))
		}
	}
	return append(inputs, "use_cache_branch"), outputs
}

// negligible: what lies so far below the largest logit adds less than a ten-thousandth to the sum, even 32,768
// times.
const negligible = 20

// mostProbable returns the token of the largest logit and its probability; endToken if there is none.
func mostProbable(logits []float32) heardToken {
	if len(logits) == 0 {
		return heardToken{id: endToken}
	}
	best := min(endToken, len(logits)-1) // also where none is a number
	for i, logit := range logits {
		if logit > logits[best] {
			best = i
		}
	}
	var sum float64 // of the others' parts, with the largest as 1
	for _, logit := range logits {
		if below := logits[best] - logit; below < negligible {
			sum += math.Exp(-float64(below))
		}
	}
	if !(sum >= 1) { // also not a number: nothing is known
		return heardToken{id: int64(best)}
	}
	return heardToken{id: int64(best), probability: float32(1 / sum)}
}
