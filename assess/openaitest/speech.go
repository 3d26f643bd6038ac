package openaitest

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
)

const (
	wavHeader   = 44
	bytesPerSec = 2 * 16000
)

func (s *Server) serveTranscription(w http.ResponseWriter, r *http.Request) {
	body, fault, done := s.receive(w, r)
	if done {
		return
	}
	audio, message := readAudio(r.Header.Get("Content-Type"), body)
	if message == "" && fault == VerboseRefused && audio.Format == "verbose_json" {
		message = "response_format 'verbose_json' is not compatible with this model"
	}
	if message != "" {
		writeError(w, http.StatusBadRequest, message)
		return
	}
	s.mu.Lock()
	answer := s.transcribe
	s.mu.Unlock()
	text := answer(audio)
	switch {
	case fault == Malformed:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"text":"hello wo`)) // the client went away: nobody to tell
	case fault == Huge:
		writeJSON(w, http.StatusOK, map[string]any{"text": strings.Repeat("more ", 1<<20)})
	case audio.Format == "verbose_json":
		writeJSON(w, http.StatusOK, verbose(text, audio, fault))
	default:
		writeJSON(w, http.StatusOK, map[string]any{"text": text})
	}
}

// readAudio reads the form; message says what is wrong with it.
func readAudio(contentType string, body []byte) (audio Audio, message string) {
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil || parameters["boundary"] == "" {
		return audio, "the request is not a form"
	}
	form, err := multipart.NewReader(bytes.NewReader(body), parameters["boundary"]).ReadForm(maxRequest)
	if err != nil {
		return audio, "the form cannot be read"
	}
	defer func() { _ = form.RemoveAll() }() // nothing is on disk below maxRequest
	value := func(name string) string { return strings.Join(form.Value[name], ",") }
	audio = Audio{Model: value("model"), Format: value("response_format")}
	audio.Words = slices.Contains(form.Value["timestamp_granularities[]"], "word")
	if len(form.File["file"]) != 1 {
		return audio, "the form has no file"
	}
	file, err := form.File["file"][0].Open()
	if err != nil {
		return audio, "the file cannot be read"
	}
	defer func() { _ = file.Close() }() // only read
	audio.WAV, err = io.ReadAll(file)
	isWAV := len(audio.WAV) > wavHeader && string(audio.WAV[:4]) == "RIFF" && string(audio.WAV[8:16]) == "WAVEfmt "
	switch {
	case err != nil || !isWAV:
		return audio, "the file is no WAV file"
	case audio.Model == "":
		return audio, "name a model"
	}
	audio.Seconds = float64(len(audio.WAV)-wavHeader) / bytesPerSec
	return audio, ""
}

// verbose writes an answer with times: the words share the utterance equally and, as from the real
// server, have no punctuation.
func verbose(text string, audio Audio, fault Fault) map[string]any {
	fields := strings.Fields(text)
	words := make([]any, 0, len(fields))
	for i, field := range fields {
		each := audio.Seconds / float64(len(fields))
		start, end := each*float64(i), each*float64(i+1)
		if fault == WordsBackwards {
			start, end = end, start
		}
		words = append(words, map[string]any{"word": strings.Trim(field, ".,?!"), "start": start, "end": end})
	}
	segment := map[string]any{
		"id": 0, "seek": 0, "start": 0.0, "end": audio.Seconds, "text": " " + text,
		"avg_logprob": -0.3, "no_speech_prob": 0.01,
	}
	segments := []any{segment}
	answer := map[string]any{"task": "transcribe", "language": "english", "duration": audio.Seconds, "text": text}
	if audio.Words {
		answer["words"] = words
	}
	switch fault {
	case StringDuration:
		answer["duration"], segment["id"], segment["seek"] = "2.5", "a", 0.5
	case WordsNested:
		delete(answer, "words")
		segment["words"] = words
	case NoWords:
		delete(answer, "words")
	case SilenceInside:
		answer["text"] = text + " Thank you for watching!"
		segments = append(segments, map[string]any{
			"id": 1, "text": " Thank you for watching!", "avg_logprob": -1.4, "no_speech_prob": 0.9,
		})
	default: // the other faults lie elsewhere
	}
	answer["segments"] = segments
	return answer
}
