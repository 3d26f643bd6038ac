package web

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// Voices says aloud what live interviews ask.
type Voices interface {
	// Say returns the sound of a question that the session's room has asked already, or of its probe from 1
	// on; [consent.ErrNotFound] for one that is still to come, and where no room of the session is open here.
	Say(ctx context.Context, session consent.SessionID, question, probe int) (assess.Sound, error)
}

func (s *Server) voiceRoutes() {
	s.plain(candidate, "GET /sessions/{id}/questions/{question}/voice", "get-question-voice",
		"A question that your live interview has asked, as sound; 204 where no voice is set up, and the browser's own may speak", "audio/*", s.sayQuestion)
	s.plain(candidate, "GET /sessions/{id}/questions/{question}/probes/{probe}/voice", "get-probe-voice",
		"A follow-up question that your live interview has asked, counted from 1, as sound; 204 where no voice is set up", "audio/*", s.sayQuestion)
}

// voicePiece is what is handed on at once, in bytes: a quarter of a second of samples, far more of anything else.
const voicePiece = 12 << 10

func (s *Server) sayQuestion(w http.ResponseWriter, r *http.Request, account consent.Account) {
	sound, err := s.voiceOf(r, account)
	switch {
	case err != nil:
		writeProblem(w, s.failed(r.Context(), err))
		return
	case sound == nil:
		w.WriteHeader(http.StatusNoContent)
		return
	}
	defer func() { _ = sound.Close() }() // only read
	h := w.Header()
	h.Set("Content-Type", sound.Type)
	h.Set("Content-Disposition", "inline")
	h.Set("Accept-Ranges", "none")
	if sound.Size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(sound.Size, 10))
	}
	if r.Method == http.MethodHead {
		return
	}
	if err := passOn(w, sound); err != nil {
		// What was sent must not look whole, and a reader that has gone does not mind.
		panic(http.ErrAbortHandler)
	}
}

// voiceOf returns nil where no voice is set up.
func (s *Server) voiceOf(r *http.Request, account consent.Account) (*assess.Sound, error) {
	session, err := s.sessionOf(r.Context(), account, r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	question, ok := position(r.PathValue("question"))
	if !ok || question > mostQuestions || session.State != consent.SessionLive {
		return nil, consent.ErrNotFound
	}
	probe := int64(0)
	if text := r.PathValue("probe"); text != "" {
		if probe, ok = position(text); !ok || probe == 0 || probe > mostQuestions {
			return nil, consent.ErrNotFound
		}
	}
	if s.cfg.Voices == nil {
		return nil, nil //nolint:nilnil // said in the comment
	}
	sound, err := s.cfg.Voices.Say(r.Context(), session.ID, int(question), int(probe))
	switch {
	case err == nil:
		return &sound, nil
	case errors.Is(err, assess.ErrVoice):
		return nil, newProblem(http.StatusServiceUnavailable, "The question cannot be said aloud at the moment.",
			"Read it on the page; the interview goes on.").because(err)
	default:
		return nil, fmt.Errorf("say a question: %w", err)
	}
}

// mostQuestions is more than any plan has.
const mostQuestions = 1000

// passOn hands sound on as it comes.
func passOn(w http.ResponseWriter, sound io.Reader) error {
	control := http.NewResponseController(w)
	piece := make([]byte, voicePiece)
	for {
		n, err := sound.Read(piece)
		if n > 0 {
			_ = control.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every connection has one
			if _, err := w.Write(piece[:n]); err != nil {
				return fmt.Errorf("send sound: %w", err)
			}
			_ = control.Flush() // a writer without it sends at its own time
		}
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read sound: %w", err)
		}
	}
}
