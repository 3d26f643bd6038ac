package eval

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// watched is a model whose replies are looked at before the pipeline does: what it makes up is counted
// although none of it is kept. It also counts what the answer cost.
type watched struct {
	assess.Model
	*tally
}

// tally is what all models did for one answer.
type tally struct {
	source []string // folded words that may be quoted: question, competencies, answer

	mu    sync.Mutex // guards what follows
	used  Usage
	delay []time.Duration
}

// Usage is what a model was asked and what it gave back.
type Usage struct {
	Requests         int `json:"requests"`
	PromptTokens     int `json:"prompt_tokens"` // 0 where the server does not count
	CompletionTokens int `json:"completion_tokens"`
	Repairs          int `json:"repairs"` // requests that say why the last reply could not be used
	MadeUp           int `json:"made_up"` // replies with word ranges that do not exist, or quotes that nobody said
	Failed           int `json:"failed"`  // requests that ended in an error
}

func (u *Usage) add(other Usage) {
	u.Requests += other.Requests
	u.PromptTokens += other.PromptTokens
	u.CompletionTokens += other.CompletionTokens
	u.Repairs += other.Repairs
	u.MadeUp += other.MadeUp
	u.Failed += other.Failed
}

// lineKey carries the line of which evidence is being gathered.
type lineKey struct{}

// Complete implements [assess.Model].
func (w watched) Complete(ctx context.Context, permit consent.Permit, request assess.ModelRequest) (assess.ModelAnswer, error) {
	begun := time.Now()
	answer, err := w.Model.Complete(ctx, permit, request)
	took := time.Since(begun)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delay = append(w.delay, took)
	w.used.Requests++
	w.used.PromptTokens += answer.PromptTokens
	w.used.CompletionTokens += answer.CompletionTokens
	if strings.Contains(request.System, "Your last answer could not be used") {
		w.used.Repairs++
	}
	if err != nil {
		w.used.Failed++
		return answer, err //nolint:wrapcheck // the pipeline branches on it
	}
	words, _ := ctx.Value(lineKey{}).(int)
	if w.madeUp(answer.Text, words) {
		w.used.MadeUp++
	}
	return answer, nil
}

// madeUp looks at a raw reply: at ranges beyond the line they are about (words is its length; 0: not about
// a line), and at quotes in whatever sentences it has.
func (w *tally) madeUp(text string, words int) bool {
	text = assess.Unfenced(text)
	var reply any
	if json.Unmarshal([]byte(text), &reply) != nil {
		return false // unusable, but nothing that could pass for a quote
	}
	if words > 0 && !rangesExist([]byte(text), words) {
		return true
	}
	return !w.sentencesExist(reply)
}

func rangesExist(text []byte, words int) bool {
	var reply struct {
		Evidence []struct {
			First *int `json:"first"`
			Last  *int `json:"last"`
		} `json:"evidence"`
	}
	if json.Unmarshal(text, &reply) != nil {
		return true // of another shape: there are no ranges in it
	}
	for _, e := range reply.Evidence {
		if e.First == nil || e.Last == nil || *e.First < 0 || *e.Last < *e.First || *e.Last >= words {
			return false
		}
	}
	return true
}

// sentencesExist looks at every text in a reply, however deep.
func (w *tally) sentencesExist(value any) bool {
	switch value := value.(type) {
	case string:
		return quotesExist(value, w.source)
	case []any:
		return !slices.ContainsFunc(value, func(inner any) bool { return !w.sentencesExist(inner) })
	case map[string]any:
		for _, inner := range value {
			if !w.sentencesExist(inner) {
				return false
			}
		}
	}
	return true
}

// quotesExist reports whether all that stands between quotation marks was said, in this order. A mark such
// as [name] stands for any word.
func quotesExist(sentence string, source []string) bool {
	return !slices.ContainsFunc(assess.Quotes(sentence), func(quote string) bool { return !said(quote, source) })
}

var mark = regexp.MustCompile(`\[[a-z]+\]`)

func said(quote string, source []string) bool {
	words := assess.FoldedWords(mark.ReplaceAllString(quote, " anyword "))
	if len(words) == 0 {
		return true
	}
	for from := 0; from+len(words) <= len(source); from++ {
		if slices.EqualFunc(words, source[from:from+len(words)], func(q, s string) bool { return q == s || q == "anyword" }) {
			return true
		}
	}
	return false
}
