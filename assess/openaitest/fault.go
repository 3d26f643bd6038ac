package openaitest

import (
	"net/http"
	"strings"
)

// Fault is a way in which real servers fail.
type Fault string

// Faults of both paths.
const (
	TooMany          Fault = "429"            // with Retry-After: 1
	QuotaUsedUp      Fault = "quota"          // 429 that never goes away
	Overloaded       Fault = "503"            // without a body
	Busy             Fault = "503 for long"   // with Retry-After: 5
	Unauthorized     Fault = "401"            // that repeats the key
	TextError        Fault = "text error"     // 500 {"error":"…"}, as Ollama writes it
	DetailError      Fault = "detail error"   // 422 that repeats the request, as FastAPI writes it
	ErrorInside      Fault = "error inside"   // 200 {"error":{…}}
	ObjectError      Fault = "object error"   // 200 {"object":"error",…}, as vLLM writes it
	WebPage          Fault = "web page"       // 200 text/html
	Malformed        Fault = "malformed"      // 200 with half a JSON object
	Huge             Fault = "huge"           // an answer without end
	Slow             Fault = "slow"           // nothing at all
	Dropped          Fault = "dropped"        // the connection closes
	Redirect         Fault = "redirect"       // to the same path, so that following it would work
	SchemaRefused    Fault = "no schema"      // 400 where json_schema is asked for
	ObjectRefused    Fault = "no object"      // 400 where any response_format is asked for
	TemperatureError Fault = "no temperature" // 400 where a temperature is sent
	LimitError       Fault = "no max_tokens"  // 400 where max_tokens is sent
	Filtered         Fault = "filtered"       // 400 because of what the question says
	SeedError        Fault = "no seed"        // 400 where a seed is sent
	TooLong          Fault = "too long"       // 400 where a request has more than [ShortContext] bytes
	OtherModel       Fault = "other model"    // the answer names another model
	LyingUsage       Fault = "lying usage"    // a million tokens for a word
	UsageError       Fault = "no usage"       // 400 where stream_options is sent
)

// ShortContext is how much a server that finds requests [TooLong] takes, in bytes.
const ShortContext = 16 << 10

// Faults of streamed chats.
const (
	StreamCut         Fault = "stream cut"          // the connection closes inside an event
	StreamEnds        Fault = "stream ends"         // after half the text, with neither finish_reason nor [DONE]
	NoFinish          Fault = "no finish"           // [DONE] without finish_reason
	NoDone            Fault = "no done"             // finish_reason without [DONE]
	FinishLength      Fault = "finish length"       // finish_reason "length"
	FinishFiltered    Fault = "finish filtered"     // finish_reason "content_filter"
	Declined          Fault = "declined"            // a refusal in the place of the text
	StreamError       Fault = "stream error"        // data: {"error":{…}} after half the text
	StreamTextError   Fault = "stream text error"   // data: {"error":"…"}
	StreamObjectError Fault = "stream object error" // data: {"object":"error",…}
	StreamStalls      Fault = "stream stalls"       // half the text, then nothing
	KeepAlives        Fault = "keep-alives"         // 2,000 comment lines before the text
	OtherFields       Fault = "other fields"        // reasoning, odd usage, a second choice
)

// Faults of transcriptions.
const (
	StringDuration Fault = "string duration" // and string ids, float seek
	WordsNested    Fault = "words nested"    // in the segments
	NoWords        Fault = "no words"        // text and segments only
	WordsBackwards Fault = "words backwards" // times that make no sense
	VerboseRefused Fault = "verbose refused" // 400 where verbose_json is asked for
	SilenceInside  Fault = "silence inside"  // made-up text in a segment marked as silence
)

// Faults of spoken texts.
const (
	FormatRefused Fault = "format refused" // 400 where a response_format is asked for
	SoundCut      Fault = "sound cut"      // the connection closes after half of it
	SoundStalls   Fault = "sound stalls"   // half of it, then nothing
	OtherSound    Fault = "other sound"    // FLAC, called MP3
	HiddenError   Fault = "hidden error"   // an error object, called MP3
	EmptySound    Fault = "empty sound"    // 200 without a byte
)

// always answers the faults that do not depend on the path; it reports whether it did.
func (s *Server) always(w http.ResponseWriter, r *http.Request, body []byte, fault Fault) bool {
	switch fault {
	case TooMany:
		w.Header().Set("Retry-After", "1")
		writeError(w, http.StatusTooManyRequests, "slow down")
	case QuotaUsedUp:
		writeJSON(w, http.StatusTooManyRequests, map[string]any{"error": map[string]any{
			"message": "you exceeded your current quota", "type": "insufficient_quota", "code": "insufficient_quota",
		}})
	case Busy:
		w.Header().Set("Retry-After", "5")
		writeError(w, http.StatusServiceUnavailable, "come back later")
	case Overloaded:
		w.WriteHeader(http.StatusServiceUnavailable)
	case Unauthorized:
		writeError(w, http.StatusUnauthorized, "incorrect key: "+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	case TextError:
		writeJSON(w, http.StatusInternalServerError, map[string]any{"error": "model runner has stopped"})
	case DetailError:
		writeJSON(w, http.StatusUnprocessableEntity, map[string]any{
			"detail": "bad field, 'input': " + string(body[:min(len(body), 500)]),
		})
	case Filtered:
		writeJSON(w, http.StatusBadRequest, map[string]any{"error": map[string]any{"message": "the prompt was filtered", "code": "content_filter"}})
	case ErrorInside:
		writeError(w, http.StatusOK, "the engine is not ready")
	case ObjectError:
		writeJSON(w, http.StatusOK, map[string]any{"object": "error", "message": "the engine is not ready", "code": 40000})
	case WebPage:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<html><body>Log in to the network</body></html>")) // the client went away
	case Slow:
		s.hang(r)
	case Dropped:
		drop(w)
	case Redirect:
		if r.URL.Query().Has("again") {
			return false
		}
		w.Header().Set("Location", r.URL.Path+"?again")
		w.WriteHeader(http.StatusTemporaryRedirect)
	default:
		return false
	}
	return true
}

// drop closes the connection without another byte.
func drop(w http.ResponseWriter) {
	_ = http.NewResponseController(w).Flush() // what was written so far should arrive
	panic(http.ErrAbortHandler)               // the documented way to abort an answer
}
