package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// captionWords is how many words a caption has at most: two lines of a player.
const captionWords = 12

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
	return webVTT(record), nil
}

func webVTT(record assess.Record) string {
	lines := slices.Clone(record.Loose)
	for _, answered := range record.Answers {
		lines = append(lines, answered.Lines...)
	}
	slices.SortStableFunc(lines, func(a, b assess.Line) int { return cmp.Compare(a.Start, b.Start) })
	var out strings.Builder
	out.WriteString("WEBVTT\n")
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")
	for _, line := range lines {
		for words := range slices.Chunk(line.Words, captionWords) {
			text := strings.Join(strings.Fields(escape.Replace(textOf(words))), " ") // one line: a blank one would end the cue
			if text == "" {
				continue
			}
			fmt.Fprintf(&out, "\n%s --> %s\n%s\n", vttTime(words[0].Start), vttTime(words[len(words)-1].End), text)
		}
	}
	return out.String()
}

func vttTime(d time.Duration) string {
	d = max(d, 0).Truncate(time.Millisecond)
	return fmt.Sprintf("%02d:%02d:%02d.%03d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60, d.Milliseconds()%1000)
}
