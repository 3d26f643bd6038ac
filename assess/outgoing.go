package assess

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"

	"greenroom/media"
)

// errOutgoing marks a request that holds something which may not leave. It is a mistake in this program:
// the request is not sent, and sending it again would not help.
var errOutgoing = errors.New("the request holds something that may not leave this server")

const (
	pathChat   = "/chat/completions"
	pathSpeech = "/audio/transcriptions"
	pathVoice  = "/audio/speech"

	// utteranceFile is the name of every sound that is sent. Servers take the kind of the file from it.
	utteranceFile = "utterance.wav"
	maxOutgoing   = 4 << 20 // bytes; an utterance has 0.8 MB
)

// outgoingChat is all that a chat may consist of.
type outgoingChat struct {
	MaxCompletionTokens int                `json:"max_completion_tokens,omitempty"`
	MaxTokens           int                `json:"max_tokens,omitempty"`
	Messages            []outgoingMessage  `json:"messages"`
	Model               string             `json:"model"`
	ResponseFormat      *outgoingFormat    `json:"response_format,omitempty"`
	Seed                *int               `json:"seed,omitempty"`
	Stream              bool               `json:"stream"`
	StreamOptions       *outgoingStreaming `json:"stream_options,omitempty"`
	Temperature         *float64           `json:"temperature,omitempty"`
}

type outgoingMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type outgoingFormat struct {
	Type       string          `json:"type"`
	JSONSchema *outgoingSchema `json:"json_schema,omitempty"`
}

type outgoingSchema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict"`
}

type outgoingStreaming struct {
	IncludeUsage bool `json:"include_usage"`
}

// outgoingVoice is all that a text to say may consist of.
type outgoingVoice struct {
	Input          string `json:"input"`
	Model          string `json:"model"`
	ResponseFormat string `json:"response_format,omitempty"`
	Voice          string `json:"voice"`
}

// outgoing writes the request anew from the parts that may leave, and refuses it if there are others:
// what a library adds one day does not leave unseen. There is no other way out of this package.
func (w *wire) outgoing(request *http.Request) error {
	path, ours := strings.CutPrefix(request.URL.String(), w.base)
	if request.Method != http.MethodPost || !ours || request.Body == nil {
		return fmt.Errorf("%w: it is not one of those that are sent", errOutgoing)
	}
	raw, err := io.ReadAll(io.LimitReader(request.Body, maxOutgoing+1))
	if err != nil || len(raw) > maxOutgoing {
		return fmt.Errorf("%w: it is too large", errOutgoing)
	}
	kind := "application/json"
	switch path {
	case pathChat:
		raw, err = w.outgoingChat(raw)
	case pathSpeech:
		raw, kind, err = outgoingSpeech(raw, request.Header.Get("Content-Type"))
	case pathVoice:
		raw, err = w.outgoingVoice(raw)
	default:
		err = fmt.Errorf("%w: nothing is sent to this path", errOutgoing)
	}
	if err != nil {
		return err
	}
	header := http.Header{"Content-Type": {kind}}
	for _, name := range []string{"Accept", "Authorization"} {
		if value := request.Header.Get(name); value != "" {
			header.Set(name, value)
		}
	}
	request.Header = header
	request.Body = io.NopCloser(bytes.NewReader(raw))
	request.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(raw)), nil }
	request.ContentLength = int64(len(raw))
	return nil
}

// outgoingChat also sets a temperature of zero, which the client leaves out.
func (w *wire) outgoingChat(raw []byte) ([]byte, error) {
	var chat outgoingChat
	if err := decodeStrictly(raw, &chat); err != nil {
		return nil, fmt.Errorf("%w: %w", errOutgoing, err)
	}
	for _, message := range chat.Messages {
		if !knownMessage(message) {
			return nil, fmt.Errorf("%w: a message of role %q is not made here", errOutgoing, message.Role)
		}
	}
	if w.coldest {
		chat.Temperature = new(float64)
	}
	text, err := json.Marshal(chat)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return text, nil
}

// knownMessage: instructions of this program, or a question of one of the shapes that are made in
// this package.
func knownMessage(message outgoingMessage) bool {
	switch message.Role {
	case "system":
		known := func(instructions string) bool { return strings.HasPrefix(message.Content, instructions) }
		return slices.ContainsFunc([]string{evidenceSystem, ratingSystem, ratingAgainSystem, feedbackSystem, followUpSystem, probeSystem}, known)
	case "user":
		content := []byte(message.Content)
		if message.Content == probeText {
			return true
		}
		return slices.ContainsFunc([]any{new(evidenceQuestion), new(ratingQuestion), new(ratingAgainQuestion), new(feedbackQuestion), new(followUpQuestion)}, func(shape any) bool {
			return decodeStrictly(content, shape) == nil
		})
	default:
		return false
	}
}

// outgoingVoice lets out a text of the question bank, and no other.
func (w *wire) outgoingVoice(raw []byte) ([]byte, error) {
	var asked outgoingVoice
	if err := decodeStrictly(raw, &asked); err != nil {
		return nil, fmt.Errorf("%w: %w", errOutgoing, err)
	}
	if w.says == nil || !w.says(asked.Input) {
		return nil, fmt.Errorf("%w: the text to say is not one of the question bank's", errOutgoing)
	}
	text, err := json.Marshal(asked)
	if err != nil {
		return nil, fmt.Errorf("write request: %w", err)
	}
	return text, nil
}

func decodeStrictly(raw []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err //nolint:wrapcheck // the caller says what it is
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more after it")
	}
	return nil
}

// outgoingSpeech writes the form anew: sound, and how to answer.
func outgoingSpeech(raw []byte, contentType string) (body []byte, kind string, err error) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, "", fmt.Errorf("%w: it is no form", errOutgoing)
	}
	var out bytes.Buffer
	form := multipart.NewWriter(&out)
	parts := multipart.NewReader(bytes.NewReader(raw), parameters["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, "", fmt.Errorf("%w: its form cannot be read", errOutgoing)
		}
		if err := outgoingPart(form, part); err != nil {
			return nil, "", err
		}
	}
	if err := form.Close(); err != nil {
		return nil, "", fmt.Errorf("write request: %w", err)
	}
	return out.Bytes(), form.FormDataContentType(), nil
}

func outgoingPart(form *multipart.Writer, part *multipart.Part) error {
	value, err := io.ReadAll(part) // bounded with the form
	if err != nil {
		return fmt.Errorf("%w: its form cannot be read", errOutgoing)
	}
	var to io.Writer
	switch name := part.FormName(); {
	case name == "file" && part.FileName() == utteranceFile && bareWAV(value):
		to, err = form.CreateFormFile(name, utteranceFile)
	case (name == "model" || name == "response_format" || name == "timestamp_granularities[]") && part.FileName() == "":
		to, err = form.CreateFormField(name)
	default:
		return fmt.Errorf("%w: part %q of its form", errOutgoing, name)
	}
	if err == nil {
		_, err = to.Write(value)
	}
	if err != nil {
		return fmt.Errorf("write request: %w", err)
	}
	return nil
}

// bareWAV: the file is one that [wavFile] made, a header and samples: no list of tags before or after them.
func bareWAV(file []byte) bool {
	if len(file) < wavHeader || len(file)%2 != 0 || string(file[36:40]) != "data" {
		return false
	}
	samples := binary.LittleEndian.Uint32(file[40:])
	return int(samples) == len(file)-wavHeader && binary.LittleEndian.Uint32(file[24:]) == media.SampleRate
}
