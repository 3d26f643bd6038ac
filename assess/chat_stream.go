package assess

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// chatReader puts a streamed answer together.
type chatReader struct {
	wire    *wire
	onDelta func(string)
	text    strings.Builder
	answer  ModelAnswer
}

// chatChunk is one event of the stream. It is decoded here because the client drops what it does not
// know, errors among it.
type chatChunk struct {
	Choices []struct {
		Index int `json:"index"`
		Delta struct {
			Content string `json:"content"`
			Refusal string `json:"refusal"`
		} `json:"delta"`
		FinishReason string `json:"finish_reason"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Model json.RawMessage `json:"model"`
}

// read takes events until the stream ends. Only an answer whose model said that it is complete counts:
// a stream that was cut ends like one that was not.
func (r *chatReader) read(next func() ([]byte, error)) (ModelAnswer, error) {
	for {
		raw, err := next()
		switch {
		case errors.Is(err, io.EOF):
			return r.finish()
		case err != nil || len(raw) == 0: // no event and no error: an error that the client cannot read
			return ModelAnswer{}, r.broken(err)
		}
		if err := r.take(raw); err != nil {
			return r.answer, err
		}
	}
}

func (r *chatReader) take(raw []byte) error {
	if refused := r.wire.refusalIn(raw, http.StatusOK); refused != nil {
		return refused
	}
	var chunk chatChunk
	if err := json.Unmarshal(raw, &chunk); err != nil {
		return fmt.Errorf("an event of the answer is not the expected JSON: %w", err)
	}
	if name := firstText(chunk.Model); name != "" {
		r.answer.Model = cleanName(name)
	}
	var usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	}
	if json.Unmarshal(chunk.Usage, &usage) == nil && usage.PromptTokens > 0 {
		r.answer.PromptTokens, r.answer.CompletionTokens = usage.PromptTokens, usage.CompletionTokens
	}
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue
		}
		if choice.Delta.Refusal != "" {
			return errDeclined
		}
		if r.text.Len()+len(choice.Delta.Content) > maxChatText {
			return errAnswerTooLarge
		}
		r.text.WriteString(choice.Delta.Content)
		if r.onDelta != nil && choice.Delta.Content != "" {
			r.onDelta(choice.Delta.Content)
		}
		r.answer.FinishReason = cmp.Or(choice.FinishReason, r.answer.FinishReason)
	}
	return nil
}

func (r *chatReader) finish() (ModelAnswer, error) {
	switch r.answer.FinishReason {
	case "stop":
		r.answer.Text = r.text.String()
		return r.answer, nil
	case "":
		return ModelAnswer{}, r.broken(networkError{errors.New("the answer was cut off")})
	case "length":
		return r.answer, errTooLong
	case "content_filter":
		return r.answer, errDeclined
	default:
		return ModelAnswer{}, fmt.Errorf("the answer ended early (%q)", r.wire.printable(r.answer.FinishReason))
	}
}

// broken finds out why a stream broke.
func (r *chatReader) broken(err error) error {
	if refused := r.wire.lastError(); refused != nil {
		return refused
	}
	if err == nil {
		return errors.New("the answer has an event that cannot be read")
	}
	return err
}
