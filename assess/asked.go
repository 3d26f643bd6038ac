package assess

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Asked is how a model was asked for a rating, and what answered: a server may change either behind the name that
// is configured.
type Asked struct {
	Held     Held   // the rung of the ladder that was used
	Answered string // the name that the server gave its model, where it is not the one that was asked for
}

// askedAs is what is kept about an answer of the model with that name.
func askedAs(name string, answer ModelAnswer) Asked {
	asked := Asked{Held: answer.Held}
	if configured := strings.TrimPrefix(name, "openai:"); answer.Model != configured {
		asked.Answered = answer.Model
	}
	return asked
}

// sameModel: a server's name may be more exact than what was asked for, by a date or a number after it, or by a
// folder before it: "qwen3-8b-2025-04" or "models/qwen3-8b" for "qwen3-8b". Other words make another model: "-mini".
func sameModel(asked, answered string) bool {
	rest, found := strings.CutPrefix(answered, asked)
	return found && (rest == "" || datedModel.MatchString(rest)) || strings.HasSuffix(answered, "/"+asked)
}

var datedModel = regexp.MustCompile(`^[-@:]\d{3,8}(?:-\d{2}){0,2}$`)

// longestName bounds a server's name for its model, in bytes.
const longestName = 100

// cleanName takes from a server's name for its model what could be more than a name: it is stored with ratings
// and shown on pages. Signs that no name has become "_".
func cleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._:/@+-", r) {
			return r
		}
		return '_'
	}, name[:min(len(name), 4*longestName)])
	return name[:min(len(name), longestName)]
}

// mostNames bounds the names that are kept of a server that has a new one each time.
const mostNames = 8

// answeringNames are the names that a server gave its model, the newest last.
type answeringNames struct {
	mu    sync.Mutex
	names []string
}

func (a *answeringNames) note(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if name == "" || len(a.names) > 0 && a.names[len(a.names)-1] == name {
		return
	}
	a.names = slices.DeleteFunc(a.names, func(known string) bool { return known == name })
	a.names = append(a.names, name)
	a.names = a.names[max(0, len(a.names)-mostNames):]
}

func (a *answeringNames) list() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.names)
}

// Names returns the newest eight names that the server gave its model since this program began, the newest last; also
// in answers that could not be used. More than one: it was changed behind its name.
func (m *OpenAIModel) Names() []string { return m.names.list() }
