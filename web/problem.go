package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
	"greenroom/media"
)

// problem is an RFC 9457 problem document: the public side of an error. Next says what the reader can
// do about it.
type problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	Next   string `json:"next,omitempty"`

	retryAfter time.Duration
	cause      error // for the log only
}

var _ interface {
	huma.StatusError
	huma.HeadersError
	huma.ContentTypeFilter
} = (*problem)(nil)

const problemType = "application/problem+json"

func newProblem(status int, detail, next string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Next: next}
}

// because keeps the private cause beside the public text.
func (p *problem) because(err error) *problem {
	p.cause = err
	return p
}

func (p *problem) Error() string {
	if p.cause != nil {
		return p.Detail + ": " + p.cause.Error()
	}
	return p.Detail
}

func (p *problem) Unwrap() error { return p.cause }

// GetStatus implements [huma.StatusError].
func (p *problem) GetStatus() int { return p.Status }

// GetHeaders implements [huma.HeadersError].
func (p *problem) GetHeaders() http.Header {
	if p.retryAfter <= 0 {
		return nil
	}
	seconds := int(math.Ceil(p.retryAfter.Seconds()))
	return http.Header{"Retry-After": {strconv.Itoa(seconds)}}
}

// ContentType implements [huma.ContentTypeFilter].
func (p *problem) ContentType(string) string { return problemType }

// notFound is the one answer to everything that is unknown, foreign, not granted or not any more.
func notFound() *problem {
	return newProblem(http.StatusNotFound, "There is nothing here that you can see.",
		"Go back to your list and open it from there.")
}

// onHold is for a session's own candidate alone.
func onHold(held consent.ErrHeld) *problem {
	return newProblem(http.StatusLocked, "This session is under legal hold since "+held.Since.UTC().Format("2 January 2006")+
		": nobody can see it for now, and neither can you. Nothing of it is lost.",
		"The operator of this server can tell you why. It opens again when the hold ends.").because(held)
}

func notLoggedIn() *problem {
	return newProblem(http.StatusUnauthorized, "You are not logged in.", "Log in and try again.")
}

func tooMany(detail string, wait time.Duration) *problem {
	p := newProblem(http.StatusTooManyRequests, detail, "Wait a moment and try again.")
	p.retryAfter = max(wait, time.Second)
	return p
}

// problemOf is the one mapping from errors to HTTP. What it does not know is a 500 whose cause only
// the log sees.
func problemOf(err error) *problem {
	var known *problem
	var step consent.ErrBadStep
	var tooLarge *http.MaxBytesError
	var held consent.ErrHeld
	var event consent.ErrBadEvent
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &held): // before ErrNotFound, which a hold is to everybody else
		return onHold(held)
	case errors.Is(err, consent.ErrNotFound), errors.Is(err, media.ErrNothingRecorded):
		return notFound().because(err)
	case errors.As(err, &step):
		return newProblem(http.StatusConflict, "This interview has already moved on: "+step.Error()+".",
			"Reload the page to see where it stands.").because(err)
	case errors.As(err, &event):
		return newProblem(http.StatusConflict, "This has changed meanwhile: "+event.Error()+".",
			"Reload the page to see where it stands.").because(err)
	case errors.Is(err, consent.ErrRestricted):
		return newProblem(http.StatusConflict, "You restricted this session, so that nothing new is done with it.",
			"Lift the restriction on the session's page first.").because(err)
	case errors.Is(err, consent.ErrInterviewLive):
		return newProblem(http.StatusConflict, "An interview of yours is still going on. Closing the account now would lose the answer you are giving, so nothing was closed.",
			"End the interview in its room, or erase it; then close the account.").because(err)
	case errors.Is(err, consent.ErrNoticeChanged):
		return newProblem(http.StatusConflict, "The notice has changed since you read it. Nothing was stored.",
			"Reload the page and read it again.").because(err)
	case errors.Is(err, consent.ErrEmailTaken):
		return newProblem(http.StatusConflict, "This e-mail address has an account already.",
			"Log in with it, or use another address.").because(err)
	case errors.Is(err, consent.ErrExportUnderWay):
		return newProblem(http.StatusConflict, "A copy of your data is being made already.",
			"Wait until it is ready; one is made at a time.").because(err)
	case errors.Is(err, consent.ErrExportsSpent):
		return newProblem(http.StatusTooManyRequests, fmt.Sprintf("You asked for %d copies of your data within a day.", consent.MostExports),
			"Download one of those, or come back tomorrow.").because(err)
	case errors.As(err, &tooLarge):
		return newProblem(http.StatusRequestEntityTooLarge, "The request is larger than 1 MiB.",
			"Send less at once.").because(err)
	default:
		return newProblem(http.StatusInternalServerError, "Something failed on the server. Nothing you saved is lost.",
			"Try again in a moment.").because(err)
	}
}

// plainProblem turns the errors that huma writes itself into ours. It repeats no value that was
// sent: one of them may be a password.
func plainProblem(e *huma.ErrorModel) *problem {
	switch {
	case e.Status == http.StatusRequestEntityTooLarge:
		return newProblem(e.Status, "The request is larger than 1 MiB.", "Send less at once.")
	case e.Status >= http.StatusInternalServerError:
		return problemOf(e)
	}
	var faults []string
	for _, d := range e.Errors {
		if d == nil {
			continue
		}
		where := strings.TrimPrefix(d.Location, "body.")
		if where == "" {
			where = "body"
		}
		faults = append(faults, where+": "+d.Message)
	}
	detail := "The request is not valid."
	if len(faults) > 0 {
		detail = "The request is not valid: " + strings.Join(faults, "; ") + "."
	}
	return newProblem(e.Status, detail, "Correct it and send it again.")
}

// writeProblem answers a plain handler's request with the problem, byte for byte as huma would.
func writeProblem(w http.ResponseWriter, p *problem) {
	maps.Copy(w.Header(), p.GetHeaders())
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(p) // the client is gone: nobody to tell
}
