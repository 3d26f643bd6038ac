// Package openaitest is a small HTTP server that speaks the OpenAI protocol, for tests, demonstrations
// and the scripted candidate: models, chat completions (whole and streamed), transcriptions and spoken
// texts, with the faults that real servers show.
//
// A [Server] listens on 127.0.0.1 and owns its goroutines; Close ends them. Its methods may be called
// from anywhere, also while requests are served.
package openaitest

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"
)

// Models that every server lists.
const (
	ChatModel   = "test-chat"
	SpeechModel = "test-speech"
	VoiceModel  = "test-voice"
)

// maxRequest bounds a request, in bytes.
const maxRequest = 4 << 20

// Request is what a client sent.
type Request struct {
	Method string
	URL    string // as sent: path and query
	Path   string // without the /v1
	Header http.Header
	Body   []byte // as sent; for transcriptions the whole form
}

// ChatRequest is a question to the model.
type ChatRequest struct {
	Model          string          `json:"model"`
	Messages       []Message       `json:"messages"`
	Stream         bool            `json:"stream"`
	ResponseFormat *ResponseFormat `json:"response_format"`
}

// Message is one message of a [ChatRequest].
type Message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

// ResponseFormat is how the answer is to be written.
type ResponseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Name   string          `json:"name"`
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

// SchemaName returns the name of the asked-for schema, or "".
func (r ChatRequest) SchemaName() string {
	if r.ResponseFormat == nil {
		return ""
	}
	return r.ResponseFormat.JSONSchema.Name
}

// System and User return the content of the messages with that role, joined by line ends.
func (r ChatRequest) System() string { return r.of("system") }

// User returns what the user said.
func (r ChatRequest) User() string { return r.of("user") }

func (r ChatRequest) of(role string) string {
	var contents []string
	for _, m := range r.Messages {
		if m.Role == role {
			contents = append(contents, m.Content)
		}
	}
	return strings.Join(contents, "\n")
}

// Audio is an uploaded utterance.
type Audio struct {
	Model   string
	Format  string // "json" or "verbose_json"
	Words   bool   // word times were asked for
	WAV     []byte
	Seconds float64 // of 16 kHz mono audio with 16 bits
}

// Server is the test server.
type Server struct {
	http *httptest.Server
	stop chan struct{}

	mu         sync.Mutex
	chat       func(ChatRequest) string
	transcribe func(Audio) string
	say        func(Spoken) []byte
	faults     []plannedFault
	requests   []Request
	watch      func(Request)
}

type plannedFault struct {
	path  string
	fault Fault
	left  int // requests; below 0 for ever
}

// New starts a server that answers every chat with "{}" and every utterance with "hello world",
// and says a tone of a second.
func New() *Server {
	s := &Server{
		stop:       make(chan struct{}),
		chat:       func(ChatRequest) string { return "{}" },
		transcribe: func(Audio) string { return "hello world" },
		say:        func(Spoken) []byte { return Tone(time.Second) },
		watch:      func(Request) {},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/models", s.serveModels)
	mux.HandleFunc("POST /v1/chat/completions", s.serveChat)
	mux.HandleFunc("POST /v1/audio/transcriptions", s.serveTranscription)
	mux.HandleFunc("POST /v1/audio/speech", s.serveVoice)
	s.http = httptest.NewServer(mux) // on 127.0.0.1
	return s
}

// Close ends the server and what it is still answering.
func (s *Server) Close() {
	close(s.stop)
	s.http.CloseClientConnections()
	s.http.Close()
}

// BaseURL is what a client is configured with; it ends in /v1.
func (s *Server) BaseURL() string { return s.http.URL + "/v1" }

// AnswerChat sets what the model says.
func (s *Server) AnswerChat(answer func(ChatRequest) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chat = answer
}

// AnswerSpeech sets what is heard in an utterance.
func (s *Server) AnswerSpeech(answer func(Audio) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.transcribe = answer
}

// AnswerVoice sets the sound of a text.
func (s *Server) AnswerVoice(answer func(Spoken) []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.say = answer
}

// The paths that faults can be planned for.
const (
	PathChat   = "/chat/completions"
	PathSpeech = "/audio/transcriptions"
	PathVoice  = "/audio/speech"
)

// Fail lets the next times requests to path meet the fault, after those planned before it; times
// below 0 means all of them.
func (s *Server) Fail(path string, fault Fault, times int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, plannedFault{path: path, fault: fault, left: times})
}

// Heal forgets all planned faults.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests returns what was asked so far, in order.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Take returns what was asked since the last Take, in order, and forgets it.
func (s *Server) Take() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	taken := s.requests
	s.requests = nil
	return taken
}

// Watch sets what is called with each request once it arrived, before it is answered.
func (s *Server) Watch(see func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.watch = see
}

// receive reads a request and meets the fault planned for it; done says that all is answered.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (body []byte, fault Fault, done bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil {
		writeError(w, http.StatusBadRequest, "cannot read the request")
		return nil, "", true
	}
	request := Request{Method: r.Method, URL: r.URL.RequestURI(), Path: strings.TrimPrefix(r.URL.Path, "/v1"), Header: r.Header.Clone(), Body: body}
	fault, watch := s.note(request)
	watch(request)
	return body, fault, s.always(w, r, body, fault)
}

// note keeps a request and takes the fault planned for it; watch is to be told.
func (s *Server) note(request Request) (fault Fault, watch func(Request)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, request)
	for i := range s.faults {
		planned := &s.faults[i]
		if planned.path != request.Path || planned.left == 0 {
			continue
		}
		if planned.left > 0 {
			planned.left--
		}
		return planned.fault, s.watch
	}
	return "", s.watch
}

func (s *Server) serveModels(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, map[string]any{"object": "list", "data": []any{
		map[string]any{"id": ChatModel, "object": "model"},
		map[string]any{"id": SpeechModel, "object": "model"},
		map[string]any{"id": VoiceModel, "object": "model"},
	}})
}

// hang answers nothing until the client or the server gives up.
func (s *Server) hang(r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-s.stop:
	case <-time.After(time.Minute):
	}
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client went away: nobody to tell
}

func writeError(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message": message, "type": "invalid_request_error", "param": nil, "code": nil,
	}})
}
