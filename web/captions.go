package web

import (
	"context"
	"fmt"
	"net/http"

	"greenroom/assess"
	"greenroom/consent"
)

// getCaptions answers with the transcript as WebVTT. Captions are the transcript: they need its Permit.
func (s *Server) getCaptions(w http.ResponseWriter, r *http.Request, account consent.Account) {
	captions, err := s.captions(r.Context(), account, r.PathValue("id"))
	if err != nil {
		writeProblem(w, s.failed(r.Context(), err))
		return
	}
	w.Header().Set("Content-Type", "text/vtt; charset=utf-8")
	w.Header().Set("Content-Disposition", "inline")
	_, _ = w.Write([]byte(captions)) //nolint:gosec // G705: text/vtt with nosniff, cues are escaped; an error: the reader is gone
}

func (s *Server) captions(ctx context.Context, account consent.Account, text string) (string, error) {
	id, err := parseID[consent.SessionID](text)
	if err != nil {
		return "", err
	}
	rights, err := s.rights(ctx, account, id)
	if err != nil {
		return "", err
	}
	if !rights.may(consent.ArtefactTranscript) {
		return "", consent.ErrNotFound
	}
	if err := s.noteAccess(ctx, rights, consent.ArtefactTranscript); err != nil {
		return "", err
	}
	record, err := s.cfg.Records.Record(ctx, RecordPermits{
		Session: rights.permits[consent.ArtefactSession], Transcript: rights.permits[consent.ArtefactTranscript],
	})
	if err != nil {
		return "", fmt.Errorf("read transcript: %w", err)
	}
	return assess.WebVTT(record), nil
}
