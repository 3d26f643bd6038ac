package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
	"greenroom/media"
)

// recordingJSON describes one frozen snapshot of a recording.
type recordingJSON struct {
	Through    int64     `json:"through" doc:"Give it as ?through= with every request for this snapshot's bytes."`
	DurationMS int64     `json:"duration_ms"`
	Size       int64     `json:"size" doc:"In bytes."`
	Audio      bool      `json:"audio"`
	Video      bool      `json:"video"`
	Gaps       []gapJSON `json:"gaps"`
}

func (s *Server) playbackRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-recording", Method: http.MethodGet, Path: "/sessions/{id}/recording",
		Summary: "What there is of your recording now",
	}, s.getRecording)
	register(s, employer, huma.Operation{
		OperationID: "get-shared-recording", Method: http.MethodGet, Path: "/shared/{id}/recording",
		Summary: "What there is now of the recording that is shared with your organization",
	}, s.getRecording)
	s.plain(candidate, "GET /sessions/{id}/recording.webm", "get-recording-media",
		"The recording itself; takes one byte range", "video/webm", s.playRecording)
	s.plain(employer, "GET /shared/{id}/recording.webm", "get-shared-recording-media",
		"The shared parts of the recording; takes one byte range", "video/webm", s.playRecording)
	s.plain(candidate, "GET /sessions/{id}/captions.vtt", "get-captions",
		"The transcript as WebVTT", "text/vtt", s.getCaptions)
	s.plain(employer, "GET /shared/{id}/captions.vtt", "get-shared-captions",
		"The shared transcript as WebVTT", "text/vtt", s.getCaptions)
}

func (s *Server) getRecording(ctx context.Context, account consent.Account, in *sessionPath) (*body[recordingJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	rights, err := s.rights(ctx, account, id)
	if err != nil {
		return nil, err
	}
	layout, err := s.layout(ctx, rights, 0)
	if err != nil {
		return nil, err
	}
	record, err := s.cfg.Records.Record(ctx, RecordPermits{Session: rights.permits[consent.ArtefactSession]})
	if err != nil {
		return nil, fmt.Errorf("read gaps: %w", err)
	}
	return answer(recordingJSON{
		Through: layout.Through(), DurationMS: layout.Duration().Milliseconds(), Size: layout.Size(),
		Audio: layout.Audio(), Video: layout.Video(), Gaps: reporter{rights: rights, record: record}.gaps(),
	}), nil
}

// playRecording answers with bytes of the virtual file that holds what the reader may play.
func (s *Server) playRecording(w http.ResponseWriter, r *http.Request, account consent.Account) {
	if err := s.play(w, r, account); err != nil {
		writeProblem(w, s.failed(r.Context(), err))
	}
}

// play returns an error only while nothing was sent.
func (s *Server) play(w http.ResponseWriter, r *http.Request, account consent.Account) error {
	if wait := s.pieces.allow(string(account.ID)); wait > 0 {
		return tooMany("You are asking for more of the recording at once than a player needs.", wait)
	}
	id, err := parseID[consent.SessionID](r.PathValue("id"))
	if err != nil {
		return err
	}
	through, err := throughOf(r)
	if err != nil {
		return err
	}
	rights, err := s.rights(r.Context(), account, id)
	if err != nil {
		return err
	}
	layout, err := s.layout(r.Context(), rights, through)
	if err != nil {
		return err
	}
	var kinds []media.Kind
	var artefacts []consent.Artefact
	if layout.Audio() {
		kinds, artefacts = append(kinds, media.KindAudio), append(artefacts, consent.ArtefactAudio)
	}
	if layout.Video() {
		kinds, artefacts = append(kinds, media.KindVideo), append(artefacts, consent.ArtefactVideo)
	}
	if err := s.noteAccess(r.Context(), rights, artefacts...); err != nil {
		return err
	}
	bytes, partial, err := rangeOf(r, layout.Size())
	if err != nil {
		w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(layout.Size(), 10))
		w.Header().Set("Accept-Ranges", "bytes")
		return newProblem(http.StatusRequestedRangeNotSatisfiable, "The recording ends before that.", "Ask for bytes inside the recording.").because(err)
	}
	head := mediaHead{size: layout.Size(), bytes: bytes, partial: partial, video: layout.Video()}
	if r.Method == http.MethodHead {
		head.send(w)
		return nil
	}
	p := &player{server: s, account: account, session: id, layout: layout, kinds: kinds, head: head, facts: rights.snapshot}
	return p.play(w, r)
}

// throughOf reads which snapshot is meant. It is required: without it the file would change between
// two ranges of it.
func throughOf(r *http.Request) (int64, error) {
	values := r.URL.Query()["through"]
	if len(values) == 1 {
		if through, ok := position(values[0]); ok && through > 0 {
			return through, nil
		}
	}
	return 0, newProblem(http.StatusBadRequest, "This address does not say which state of the recording is meant.",
		"Use the address that the report gives.")
}

// mediaHead is the head of a media answer.
type mediaHead struct {
	size    int64
	bytes   byteRange
	partial bool
	video   bool
}

func (m mediaHead) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "audio/webm")
	if m.video {
		h.Set("Content-Type", "video/webm")
	}
	h.Set("Accept-Ranges", "bytes")
	h.Set("Content-Disposition", "inline")
	h.Set("Content-Length", strconv.FormatInt(m.bytes.to-m.bytes.from, 10))
	status := http.StatusOK
	if m.partial {
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", m.bytes.from, m.bytes.to-1, m.size))
		status = http.StatusPartialContent
	}
	w.WriteHeader(status)
}

// isRefusal tells a refusal from a fault: the first ends a stream quietly, the second is logged.
func isRefusal(err error) bool {
	return errors.Is(err, consent.ErrNotFound) || errors.Is(err, errGone)
}
