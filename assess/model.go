package assess

import (
	"context"
	"encoding/json"
	"errors"

	"greenroom/consent"
)

// ErrModel is wrapped by every error of a [Model], with what to do next.
var ErrModel = errors.New("language model")

// Model is a language model that an assessor asks. Implementations bound their own time, tries and
// answer size; they never check what the answer says: the caller decodes and validates it, because
// servers accept a schema and ignore it.
type Model interface {
	// Complete asks once and returns the whole answer. An answer that was cut off is an error; where the server
	// ended it on purpose, what it said about itself comes with the error, and no text. The Permit is
	// for [consent.ArtefactModel] of the session that the prompt is about.
	Complete(ctx context.Context, permit consent.Permit, request ModelRequest) (ModelAnswer, error)
	// Name names the model, as stored with each rating.
	Name() string
	// Allowed returns [consent.ErrProvider] while nothing may be sent to it; Complete then sends nothing either.
	Allowed() error
	// Place is the host that sees what is sent, as the candidate's notice names it.
	Place() string
}

// ModelRequest is one question to a [Model].
type ModelRequest struct {
	System string // instructions of this program; never anything that somebody said
	User   Prompt
	// Schema, if set, is the JSON Schema of the answer. Servers that cannot enforce it get it as text
	// at the end of System.
	Schema     json.RawMessage
	SchemaName string // letters, digits, "_" and "-"; "answer" when empty
	MaxTokens  int    // 0: the server's default
	// OnDelta, if set, is called with each piece of the answer as it arrives, in order, from the
	// goroutine that called Complete.
	OnDelta func(text string)
}

// ModelAnswer is a finished answer.
type ModelAnswer struct {
	Text             string
	FinishReason     string // "stop"; another one only beside an error
	Model            string // as the server names it, see [cleanName]; may be empty
	Held             Held   // how it was held to the schema; empty where there was none
	PromptTokens     int    // 0 where the server does not count
	CompletionTokens int
}
