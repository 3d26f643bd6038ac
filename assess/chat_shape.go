package assess

import "strings"

// chatFormat is how an answer is held to a schema: a ladder that goes down where servers refuse.
type chatFormat int

const (
	formatPlain  chatFormat = iota // only asked to
	formatObject                   // some JSON object
	formatSchema                   // enforced by the server
)

// held names the rung for whoever reads about a rating.
func (f chatFormat) held() Held {
	switch f {
	case formatSchema:
		return HeldBySchema
	case formatObject:
		return HeldToObject
	default:
		return HeldByWords
	}
}

// chatShape is what a request may hold beside the messages.
type chatShape struct {
	format      chatFormat
	temperature bool // send temperature 0
	newLimit    bool // max_completion_tokens instead of max_tokens
	switched    bool // newLimit was changed already
	usage       bool // ask for token counts
	seed        bool // send a seed; only a probe does
}

// held says how the request's answer is held to its schema; empty where it has none.
func (s chatShape) held(request ModelRequest) Held {
	if request.Schema == nil {
		return ""
	}
	return s.format.held()
}

// firstShape: reasoning models take no temperature and only the new limit; the client refuses them
// otherwise before anything is sent.
func firstShape(model string) chatShape {
	shape := chatShape{format: formatSchema, temperature: true, usage: true}
	for _, prefix := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, prefix) {
			shape.temperature, shape.newLimit, shape.switched = false, true, true
		}
	}
	return shape
}

// lower returns what both shapes hold: what was refused once stays left out.
func (s chatShape) lower(other chatShape) chatShape {
	if !s.switched {
		s.newLimit, s.switched = other.newLimit, other.switched
	}
	s.format = min(s.format, other.format)
	s.temperature, s.seed, s.usage = s.temperature && other.temperature, s.seed && other.seed, s.usage && other.usage
	return s
}

// without returns the shape to try next after a refusal: without what the refusal names, else one
// step down the ladder.
func (s chatShape) without(message string) (chatShape, bool) {
	switch {
	case s.temperature && strings.Contains(message, "temperature"):
		s.temperature = false
	case !s.switched && strings.Contains(message, "max_"):
		s.newLimit, s.switched = !s.newLimit, true
	case s.seed && strings.Contains(message, "seed"):
		s.seed = false
	case s.usage && strings.Contains(message, "stream_options"):
		s.usage = false
	case s.format > formatPlain:
		s.format--
	default:
		return s, false
	}
	return s, true
}
