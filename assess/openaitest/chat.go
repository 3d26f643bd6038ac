package openaitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

func (s *Server) serveChat(w http.ResponseWriter, r *http.Request) {
	body, fault, done := s.receive(w, r)
	if done {
		return
	}
	var request ChatRequest
	if err := json.Unmarshal(body, &request); err != nil || request.Model == "" || len(request.Messages) == 0 {
		writeError(w, http.StatusBadRequest, "the request is not a chat")
		return
	}
	if message := refused(fault, body, request); message != "" {
		writeError(w, http.StatusBadRequest, message)
		return
	}
	s.mu.Lock()
	answer := s.chat
	s.mu.Unlock()
	text := answer(request)
	if request.Stream {
		s.stream(w, r, request.Model, text, fault)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"id": "chat-1", "object": "chat.completion", "model": request.Model,
		"choices": []any{map[string]any{
			"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text},
		}},
		"usage": usage(text),
	})
}

// refused returns what the server says if the fault is about something that the request holds.
func refused(fault Fault, body []byte, request ChatRequest) string {
	var fields map[string]json.RawMessage
	_ = json.Unmarshal(body, &fields) // was decoded before
	has := func(name string) bool { _, ok := fields[name]; return ok }
	format := request.ResponseFormat
	switch {
	case fault == SchemaRefused && format != nil && format.Type == "json_schema":
		return "response_format json_schema is not supported"
	case fault == ObjectRefused && format != nil:
		return "response_format is not supported"
	case fault == TemperatureError && has("temperature"):
		return "unsupported value: 'temperature' does not support 0 with this model"
	case fault == SeedError && has("seed"):
		return "unknown parameter: seed"
	case fault == LimitError && has("max_tokens"):
		return "unsupported parameter: 'max_tokens': use 'max_completion_tokens' instead"
	case fault == TooLong && len(body) > ShortContext:
		return "This model's maximum context length is 4096 tokens. Please reduce the length of the messages."
	case fault == UsageError && has("stream_options"):
		return "unknown field stream_options"
	default:
		return ""
	}
}

func usage(text string) map[string]any {
	words := len(strings.Fields(text))
	return map[string]any{"prompt_tokens": 7, "completion_tokens": words, "total_tokens": 7 + words}
}

// stream sends the text word by word, with the fault in the middle.
func (s *Server) stream(w http.ResponseWriter, r *http.Request, model, text string, fault Fault) {
	if fault == OtherModel {
		model = "another-model"
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	control := http.NewResponseController(w)
	send := func(line string) {
		_, _ = fmt.Fprint(w, line, "\n\n") // the client went away: the next write ends nothing either
		_ = control.Flush()
	}
	pieces := strings.SplitAfter(text, " ")
	if fault == KeepAlives {
		for range 2000 {
			send(": still working")
		}
	}
	for i, piece := range pieces {
		if i >= len(pieces)/2 && s.breakStream(w, r, fault, send) {
			return
		}
		send(event(piece, "", fault))
	}
	switch fault {
	case NoFinish:
	case FinishLength:
		send(event("", "length", fault))
	case FinishFiltered:
		send(event("", "content_filter", fault))
	default:
		send(event("", "stop", fault))
	}
	counts, _ := json.Marshal(map[string]any{"object": "chat.completion.chunk", "model": model, "choices": []any{}, "usage": usage(text)})
	if fault == LyingUsage {
		counts, _ = json.Marshal(map[string]any{"model": model, "choices": []any{}, "usage": map[string]any{"prompt_tokens": 1_000_000, "completion_tokens": 1_000_000}})
	}
	send("data: " + string(counts))
	if fault != NoDone {
		send("data: [DONE]")
	}
}

// breakStream is called in the middle of the text; it reports whether the stream ends there.
func (s *Server) breakStream(w http.ResponseWriter, r *http.Request, fault Fault, send func(string)) bool {
	switch fault {
	case StreamCut:
		_, _ = fmt.Fprint(w, `data: {"object":"chat.completion.chunk","choices":[{"ind`)
		drop(w)
	case StreamEnds:
	case StreamError:
		send(`data: {"error":{"message":"the engine died","type":"server_error","code":500}}`)
	case StreamTextError:
		send(`data: {"error":"the engine died"}`)
	case StreamObjectError:
		send(`data: {"object":"error","message":"the engine died","code":500}`)
	case Declined:
		send(`data: {"choices":[{"index":0,"delta":{"refusal":"I cannot help with that"}}]}`)
	case Malformed:
		send(`data: {"choices":[{"index":`)
	case StreamStalls:
		s.hang(r)
	case Huge:
		s.floodStream(r, send)
	default:
		return false
	}
	return true
}

func (s *Server) floodStream(r *http.Request, send func(string)) {
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		default:
			send(event(strings.Repeat("more ", 1000), "", Huge))
		}
	}
}

func event(piece, finish string, fault Fault) string {
	choice := map[string]any{"index": 0, "delta": map[string]any{"content": piece}, "finish_reason": nil}
	if finish != "" {
		choice["finish_reason"], choice["delta"] = finish, map[string]any{}
	}
	chunk := map[string]any{"id": "chat-1", "object": "chat.completion.chunk", "choices": []any{choice}, "usage": nil}
	if fault == OtherFields && finish == "" {
		choice["delta"] = map[string]any{"content": piece, "reasoning": "hm", "tool_calls": nil}
		chunk["error"], chunk["usage"], chunk["created"] = nil, "soon", 1.5
		chunk["choices"] = []any{choice, map[string]any{"index": 1, "delta": map[string]any{"content": "other"}}}
	}
	raw, _ := json.Marshal(chunk)
	return "data: " + string(raw)
}
