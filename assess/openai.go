package assess

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sashabaranov/go-openai"

	"greenroom/consent"
	"greenroom/media"
)

// OpenAIConfig configures a server that speaks the OpenAI protocol. Zero durations mean the defaults.
type OpenAIConfig struct {
	BaseURL       string // e.g. "https://api.openai.com/v1"
	APIKey        string // empty: none is sent
	SpeechModel   string
	ChatModel     string
	VoiceModel    string        // says questions aloud
	Voice         string        // its voice, as the server names it
	SpeechTimeout time.Duration // for one utterance with all tries; 60 s
	ChatTimeout   time.Duration // for one answer with all tries; 3 min
	VoiceTimeout  time.Duration // for one spoken question with all tries, to its last byte; 1 min
	IdleTimeout   time.Duration // longest silence in a streamed answer; 60 s
	HTTPClient    *http.Client  // nil: a plain one. Redirects are never followed.
	// Provider is the register's entry of a server that is not on this machine; there is no other way to use one.
	Provider consent.Provider
	Now      func() time.Time // nil: this machine's time
}

// LogValue shows everything but the key.
func (c OpenAIConfig) LogValue() slog.Value { return slog.StringValue(c.String()) }

// String shows everything but the key.
func (c OpenAIConfig) String() string {
	key := "not set"
	if c.APIKey != "" {
		key = "set"
	}
	return fmt.Sprintf("%s, key %s, speech model %q, chat model %q, voice model %q", c.BaseURL, key, c.SpeechModel, c.ChatModel, c.VoiceModel)
}

// GoString shows everything but the key.
func (c OpenAIConfig) GoString() string { return c.String() }

const (
	openAITries = 4
	openAIPause = 500 * time.Millisecond // before the second try; doubles

	maxTranscription = 1 << 20 // bytes of an answer with the text of one utterance
	maxChatStream    = 8 << 20 // bytes of a streamed answer, wrapping and keep-alives included
	maxChatText      = 128 << 10
	// Servers under load send keep-alive comments for minutes; the client's limit of 300 is too low.
	maxKeepAlives = 1 << 20
)

// openAI is what the adapters share.
type openAI struct {
	config OpenAIConfig
	base   string // of every address that is asked
	place  string
	http   http.Client
	pause  time.Duration
}

func newOpenAI(config OpenAIConfig) (*openAI, error) {
	base, err := url.Parse(config.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") ||
		base.User != nil || base.RawQuery != "" || base.Fragment != "" {
		return nil, errors.New(`the base URL must look like "https://host/v1", without user, query or fragment`)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	config.SpeechTimeout = cmp.Or(config.SpeechTimeout, time.Minute)
	config.ChatTimeout = cmp.Or(config.ChatTimeout, 3*time.Minute)
	config.VoiceTimeout = cmp.Or(config.VoiceTimeout, time.Minute)
	config.IdleTimeout = cmp.Or(config.IdleTimeout, time.Minute)
	o := &openAI{config: config, base: strings.TrimRight(base.String(), "/"), place: base.Host, pause: openAIPause}
	o.http.Transport = plainTransport()
	if config.HTTPClient != nil {
		o.http = *config.HTTPClient
	}
	// A redirect would send a candidate's words to a place that the notice does not name.
	o.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if err := o.Allowed(); err != nil {
		return nil, err
	}
	return o, nil
}

// plainTransport uses a proxy of the environment for https only: it sees no more than the host then.
func plainTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone() //nolint:forcetypeassert // of net/http
	transport.Proxy = func(request *http.Request) (*url.URL, error) {
		if request.URL.Scheme != "https" {
			return nil, nil //nolint:nilnil // no proxy
		}
		return http.ProxyFromEnvironment(request)
	}
	return transport
}

// Allowed returns [consent.ErrProvider] while nothing may be sent to the server: it is not on this machine, and
// not the one that was reviewed, or its review is too old by now. Each request asks.
func (o *openAI) Allowed() error {
	if consent.OnThisMachine(o.base) {
		return nil
	}
	origin, err := consent.OriginOf(o.base)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", consent.ErrProvider, err)
	case origin != o.config.Provider.Origin:
		return fmt.Errorf("%w: %s is not in the register", consent.ErrProvider, origin)
	}
	return o.config.Provider.Check(o.config.Now())
}

// Place is the host that sees what is sent, as the candidate's notice names it.
func (o *openAI) Place() string { return o.place }

// over returns a client that sends through w.
func (o *openAI) over(w *wire) *openai.Client {
	w.client, w.secret, w.base, w.allowed = &o.http, o.config.APIKey, o.base, o.Allowed
	config := openai.DefaultConfig(o.config.APIKey)
	config.BaseURL = o.config.BaseURL
	config.HTTPClient = w
	config.EmptyMessagesLimit = maxKeepAlives
	return openai.NewClientWithConfig(config)
}

// OpenAITranscriber sends utterances to /audio/transcriptions. It may be used from many goroutines.
type OpenAITranscriber struct {
	*openAI
	plain atomic.Bool // the server refused word times before
}

var _ Transcriber = (*OpenAITranscriber)(nil)

// NewOpenAITranscriber returns a transcriber; it connects to nothing yet.
func NewOpenAITranscriber(config OpenAIConfig) (*OpenAITranscriber, error) {
	if config.SpeechModel == "" {
		return nil, fmt.Errorf("%w: name the speech model to use", ErrTranscriber)
	}
	o, err := newOpenAI(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTranscriber, err)
	}
	return &OpenAITranscriber{openAI: o}, nil
}

// Engine implements [Transcriber].
func (t *OpenAITranscriber) Engine() string { return "openai:" + t.config.SpeechModel }

// Transcribe implements [Transcriber]. It asks for word times first; some models refuse the format
// that has them.
func (t *OpenAITranscriber) Transcribe(ctx context.Context, u media.Utterance) ([]Word, bool, error) {
	if err := checkUtterance(u); err != nil {
		return nil, false, err
	}
	if len(u.PCM) < minUtterance {
		return nil, true, nil
	}
	ctx, cancel := context.WithTimeout(ctx, t.config.SpeechTimeout)
	defer cancel()
	request := openai.AudioRequest{Model: t.config.SpeechModel, FilePath: utteranceFile}
	wav := wavFile(u.PCM)
	answer, err := t.askFor(ctx, request, wav, !t.plain.Load())
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.unsupported() && !t.plain.Load() {
		if answer, err = t.askFor(ctx, request, wav, false); err == nil {
			t.plain.Store(true)
		}
	}
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w: %s", ErrTranscriber, err, nextStep(err))
	}
	words, interpolated := answer.place(u.Start, u.End)
	return withoutMadeUp(words), interpolated, nil
}

func (t *OpenAITranscriber) askFor(ctx context.Context, request openai.AudioRequest, wav []byte, verbose bool) (answer transcription, err error) {
	request.Format = openai.AudioResponseFormatJSON
	if verbose {
		request.Format = openai.AudioResponseFormatVerboseJSON
		request.TimestampGranularities = []openai.TranscriptionTimestampGranularity{
			openai.TranscriptionTimestampGranularityWord, openai.TranscriptionTimestampGranularitySegment,
		}
	}
	err = persist(ctx, openAITries, t.pause, func(ctx context.Context) error {
		w := &wire{limit: maxTranscription, whole: true}
		request.Reader = bytes.NewReader(wav)
		if _, err := t.over(w).CreateTranscription(ctx, request); err != nil {
			return err
		}
		if refused := w.refusalIn(w.body, http.StatusOK); refused != nil {
			return refused
		}
		answer, err = decodeTranscription(w.body)
		return err
	})
	return answer, err
}

// OpenAISpeaker has questions of the bank said aloud at /audio/speech. It may be used from many goroutines.
type OpenAISpeaker struct {
	*openAI
	texts map[[sha256.Size]byte]struct{} // all that may be said
	plain atomic.Bool                    // the server refused to be asked for a format before
}

var _ Speaker = (*OpenAISpeaker)(nil)

// NewOpenAISpeaker returns a speaker of the bank's texts and of no others; it connects to nothing yet.
func NewOpenAISpeaker(config OpenAIConfig, bank Bank) (*OpenAISpeaker, error) {
	if config.VoiceModel == "" || config.Voice == "" {
		return nil, fmt.Errorf("%w: name the model and the voice to use", ErrVoice)
	}
	o, err := newOpenAI(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrVoice, err)
	}
	s := &OpenAISpeaker{openAI: o, texts: map[[sha256.Size]byte]struct{}{}}
	for _, text := range bank.SpokenTexts() {
		s.texts[textKey(text)] = struct{}{}
	}
	return s, nil
}

// Name implements [Speaker].
func (s *OpenAISpeaker) Name() string { return "openai:" + s.config.VoiceModel + "/" + s.config.Voice }

// says reports whether a text is one of the bank's.
func (s *OpenAISpeaker) says(text string) bool {
	_, ok := s.texts[textKey(text)]
	return ok
}

// Say implements [Speaker]. It asks for MP3, which every browser plays from its first frame on; a server that
// refuses to be asked makes what it makes.
func (s *OpenAISpeaker) Say(ctx context.Context, text string) (io.ReadCloser, string, error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.VoiceTimeout)
	sound, err := s.askFor(ctx, text, !s.plain.Load())
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.unsupported() && !s.plain.Load() {
		if sound, err = s.askFor(ctx, text, false); err == nil {
			s.plain.Store(true)
		}
	}
	if err != nil {
		cancel()
		return nil, "", fmt.Errorf("%w: %w: %s", ErrVoice, err, nextStep(err))
	}
	sound.cancel = cancel
	return sound, sound.mime, nil
}

func (s *OpenAISpeaker) askFor(ctx context.Context, text string, mp3 bool) (sound *madeSound, err error) {
	request := openai.CreateSpeechRequest{Model: openai.SpeechModel(s.config.VoiceModel), Voice: openai.SpeechVoice(s.config.Voice), Input: text}
	if mp3 {
		request.ResponseFormat = openai.SpeechResponseFormatMp3
	}
	err = persist(ctx, openAITries, s.pause, func(ctx context.Context) error {
		w := &wire{limit: maxSound, idle: s.config.IdleTimeout, says: s.says}
		answer, err := s.over(w).CreateSpeech(ctx, request)
		if err != nil {
			return err
		}
		made := &madeSound{body: answer.ReadCloser, buffered: bufio.NewReader(answer.ReadCloser)}
		head, err := made.buffered.Peek(soundHead)
		if made.mime = soundType(head); made.mime == "" && err == nil {
			_, err = io.CopyN(io.Discard, made.buffered, maxRefusal) // it may say what is wrong
		}
		switch {
		case err != nil && !errors.Is(err, io.EOF):
		case w.lastError() != nil:
			err = w.lastError()
		case made.mime == "":
			err = errors.New("the answer is no sound that browsers play (MP3, Ogg, WAV or WebM)")
		default:
			sound = made
			return nil
		}
		_ = answer.Close() // nothing more is read
		return err
	})
	return sound, err
}

// madeSound is a sound while it is being made.
type madeSound struct {
	body     io.Closer
	buffered *bufio.Reader
	mime     string
	cancel   context.CancelFunc
}

func (m *madeSound) Read(p []byte) (int, error) { return m.buffered.Read(p) }

func (m *madeSound) Close() error {
	defer m.cancel()
	return m.body.Close()
}

// OpenAIModel asks a model at /chat/completions. It may be used from many goroutines.
type OpenAIModel struct {
	*openAI

	mu    sync.Mutex
	known chatShape // what the server took last

	names answeringNames
}

var _ Model = (*OpenAIModel)(nil)

// NewOpenAIModel returns a model; it connects to nothing yet.
func NewOpenAIModel(config OpenAIConfig) (*OpenAIModel, error) {
	if config.ChatModel == "" {
		return nil, fmt.Errorf("%w: name the chat model to use", ErrModel)
	}
	o, err := newOpenAI(config)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrModel, err)
	}
	return &OpenAIModel{openAI: o, known: firstShape(config.ChatModel)}, nil
}

// Name implements [Model].
func (m *OpenAIModel) Name() string { return "openai:" + m.config.ChatModel }

// Complete implements [Model]. What a server refuses is left out in the next try, and remembered once
// a try without it went well.
func (m *OpenAIModel) Complete(ctx context.Context, permit consent.Permit, request ModelRequest) (ModelAnswer, error) {
	if err := permit.Demand(request.User.session, consent.ArtefactModel); err != nil {
		return ModelAnswer{}, fmt.Errorf("%w: %w", ErrModel, err)
	}
	ctx, cancel := context.WithTimeout(ctx, m.config.ChatTimeout)
	defer cancel()
	m.mu.Lock()
	shape := m.known
	m.mu.Unlock()
	if request.Schema == nil {
		shape.format = formatPlain
	}
	for {
		answer, err := m.completeAs(ctx, request, shape)
		if err == nil {
			m.remember(shape, request.Schema != nil)
			return answer, nil
		}
		refused := (*refusal)(nil)
		simpler, ok := shape, false
		switch {
		case !errors.As(err, &refused):
		case refused.tooLong():
			err = fmt.Errorf("%w: %w", errPastContext, err)
		case refused.unsupported():
			simpler, ok = shape.without(refused.message)
		}
		if !ok {
			return answer, fmt.Errorf("%w: %w: %s", ErrModel, err, nextStep(err))
		}
		shape = simpler
	}
}

// remember keeps what the server took. A call that began before another one learnt more does not undo that.
func (m *OpenAIModel) remember(shape chatShape, withSchema bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !withSchema {
		shape.format = m.known.format // nothing was learnt about it
	}
	m.known = m.known.lower(shape)
}

func (m *OpenAIModel) completeAs(ctx context.Context, request ModelRequest, shape chatShape) (answer ModelAnswer, err error) {
	err = persist(ctx, openAITries, m.pause, func(ctx context.Context) error {
		answer, err = m.completeOnce(ctx, request, shape)
		return err
	})
	return answer, err
}

func (m *OpenAIModel) completeOnce(ctx context.Context, request ModelRequest, shape chatShape) (ModelAnswer, error) {
	w := &wire{limit: maxChatStream, idle: m.config.IdleTimeout, coldest: shape.temperature}
	stream, err := m.over(w).CreateChatCompletionStream(ctx, m.chatRequest(request, shape))
	if refused := (*refusal)(nil); errors.As(err, &refused) && refused.code == "content_filter" {
		return ModelAnswer{Held: shape.held(request)}, errDeclined // some servers filter before they answer
	}
	if err != nil {
		return ModelAnswer{}, err //nolint:wrapcheck // the caller says what was asked
	}
	defer func() { _ = stream.Close() }() // only read
	reader := chatReader{wire: w, onDelta: request.OnDelta}
	answer, err := reader.read(stream.RecvRaw)
	if err != nil && !errors.Is(err, errUnusable) {
		answer = ModelAnswer{}
	} else {
		answer.Held = shape.held(request)
		m.names.note(answer.Model) // also of what cannot be used: it says what answers there
	}
	if err != nil && reader.text.Len() > 0 && request.OnDelta != nil {
		return answer, finalError{err} // pieces were handed on already: a second try would repeat them
	}
	return answer, err
}

// chatRequest holds what the caller gave, how to answer, and nothing else.
func (m *OpenAIModel) chatRequest(request ModelRequest, shape chatShape) openai.ChatCompletionRequest {
	chat := openai.ChatCompletionRequest{Model: m.config.ChatModel}
	if shape.usage {
		chat.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	if shape.seed {
		chat.Seed = new(int)
	}
	if shape.newLimit {
		chat.MaxCompletionTokens = request.MaxTokens
	} else {
		chat.MaxTokens = request.MaxTokens //nolint:staticcheck // what servers that are not OpenAI understand
	}
	system := request.System
	switch {
	case request.Schema == nil:
	case shape.format == formatSchema:
		chat.ResponseFormat = &openai.ChatCompletionResponseFormat{
			Type: openai.ChatCompletionResponseFormatTypeJSONSchema,
			JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{
				Name: cmp.Or(request.SchemaName, "answer"), Schema: request.Schema, Strict: true,
			},
		}
	default:
		system = strings.TrimSpace(system + "\n\n" + schemaAsText + string(request.Schema))
		if shape.format == formatObject {
			chat.ResponseFormat = &openai.ChatCompletionResponseFormat{Type: openai.ChatCompletionResponseFormatTypeJSONObject}
		}
	}
	if system != "" {
		chat.Messages = append(chat.Messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleSystem, Content: system})
	}
	chat.Messages = append(chat.Messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleUser, Content: request.User.text})
	return chat
}

const schemaAsText = "Answer with one JSON object that fits this JSON Schema, and with nothing else:\n"
