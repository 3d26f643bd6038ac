package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// Exports are the copies of their data that candidates ask for. Storage implements it under the export
// role, which sees only the rows of the account that asks.
type Exports interface {
	// Request asks for a copy of one session, or with an empty id of everything;
	// [consent.ErrExportUnderWay], [consent.ErrExportsSpent], [consent.ErrNotFound].
	Request(ctx context.Context, account consent.AccountID, session consent.SessionID) (consent.Export, error)
	ExportsOf(ctx context.Context, account consent.AccountID) ([]consent.Export, error)
	Export(ctx context.Context, account consent.AccountID, id consent.ExportID) (consent.Export, error)
	// ReadChunk returns a piece of a ready export's file, counted from 0. It needs a Permit of the export
	// for each session in it, and refuses what was erased, held or closed since the piece before.
	ReadChunk(ctx context.Context, permits []consent.Permit, export consent.Export, number int) ([]byte, error)
}

type exportsJSON struct {
	Exports []exportJSON `json:"exports" doc:"The newest first; those that are long over are forgotten."`
}

type exportJSON struct {
	ID           consent.ExportID    `json:"id"`
	Session      consent.SessionID   `json:"session,omitempty" doc:"Absent for a copy of everything."`
	RoleTitle    string              `json:"role_title,omitempty" doc:"Of that session."`
	State        consent.ExportState `json:"state" enum:"queued,running,ready,failed,gone"`
	Fault        consent.ExportFault `json:"fault,omitempty" enum:"erased,held,live,closed,server" doc:"Why it failed."`
	RequestedAt  time.Time           `json:"requested_at"`
	FinishedAt   time.Time           `json:"finished_at,omitzero"`
	GoneAt       time.Time           `json:"gone_at,omitzero" doc:"Until when a ready one can be downloaded."`
	Bytes        int64               `json:"bytes" doc:"Written so far; the size of a ready one."`
	SessionsDone int                 `json:"sessions_done"`
	SessionsAll  int                 `json:"sessions_all"`
	LeftOut      []leftOutJSON       `json:"left_out"`
}

type leftOutJSON struct {
	Session   consent.SessionID   `json:"session"`
	RoleTitle string              `json:"role_title,omitempty"`
	Why       consent.ExportFault `json:"why" enum:"erased,held,live"`
}

func exportOf(e consent.Export) exportJSON {
	out := exportJSON{
		ID: e.ID, State: e.State, Fault: e.Fault, RequestedAt: e.RequestedAt, FinishedAt: e.FinishedAt, GoneAt: e.GoneAt,
		Bytes: e.Bytes, SessionsAll: len(e.Sessions), LeftOut: []leftOutJSON{},
	}
	if !e.Whole && len(e.Sessions) == 1 {
		out.Session, out.RoleTitle = e.Sessions[0].Session, e.Sessions[0].RoleTitle
	}
	for _, s := range e.Sessions {
		if s.Done || s.Fault != "" {
			out.SessionsDone++
		}
		if s.Fault != "" {
			out.LeftOut = append(out.LeftOut, leftOutJSON{Session: s.Session, RoleTitle: s.RoleTitle, Why: s.Fault})
		}
	}
	return out
}

type requestExportInput struct {
	Body struct {
		Session string `json:"session,omitempty" doc:"Id of one session; absent: everything that is held about you."`
	}
}

func (s *Server) exportRoutes() {
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "request-export", Method: http.MethodPost, Path: "/exports", DefaultStatus: http.StatusCreated,
		Summary: "Ask for a copy of one interview or of everything that is held about you",
	}), s.requestExport)
	register(s, candidate, huma.Operation{
		OperationID: "list-exports", Method: http.MethodGet, Path: "/exports",
		Summary: "The copies that you asked for, and how far each is",
	}, s.listExports)
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "check-export", Method: http.MethodGet, Path: "/exports/{id}",
		Summary: "One copy, if it may be handed out now: what its download would answer, in words",
	}), s.checkExport)
	s.plain(candidate, "GET /exports/{id}/download", "download-export",
		"A copy as one ZIP file; asked about again while it is sent", "application/zip", s.downloadExport)
	s.routes[len(s.routes)-1].confirmed = true // by the handler itself
}

func (s *Server) requestExport(ctx context.Context, account consent.Account, in *requestExportInput) (*body[exportJSON], error) {
	var session consent.SessionID
	if in.Body.Session != "" {
		var err error
		if session, err = parseID[consent.SessionID](in.Body.Session); err != nil {
			return nil, err
		}
	}
	export, err := s.cfg.Exports.Request(ctx, account.ID, session)
	if err != nil {
		return nil, fmt.Errorf("request export: %w", err)
	}
	return answer(exportOf(export)), nil
}

func (s *Server) listExports(ctx context.Context, account consent.Account, _ *struct{}) (*body[exportsJSON], error) {
	exports, err := s.cfg.Exports.ExportsOf(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("list exports: %w", err)
	}
	list := exportsJSON{Exports: make([]exportJSON, 0, len(exports))}
	for _, export := range exports {
		list.Exports = append(list.Exports, exportOf(export))
	}
	return answer(list), nil
}

type exportPath struct {
	ID string `path:"id" doc:"Id of the export."`
}

func (s *Server) checkExport(ctx context.Context, account consent.Account, in *exportPath) (*body[exportJSON], error) {
	export, err := s.readyExport(ctx, account, in.ID)
	if err != nil {
		return nil, err
	}
	if _, err := s.exportPermits(ctx, export); err != nil {
		return nil, err
	}
	return answer(exportOf(export)), nil
}

// readyExport finds an export whose file can be fetched. One that is not ready is not there.
func (s *Server) readyExport(ctx context.Context, account consent.Account, text string) (consent.Export, error) {
	id, err := parseID[consent.ExportID](text)
	if err != nil {
		return consent.Export{}, err
	}
	export, err := s.cfg.Exports.Export(ctx, account.ID, id)
	if err != nil {
		return consent.Export{}, fmt.Errorf("find export: %w", err)
	}
	if export.State != consent.ExportReady {
		return consent.Export{}, fmt.Errorf("%w: the export is %s", consent.ErrNotFound, export.State)
	}
	return export, nil
}

func (s *Server) downloadExport(w http.ResponseWriter, r *http.Request, account consent.Account) {
	if err := s.download(w, r, account); err != nil {
		writeProblem(w, s.failed(r.Context(), err))
	}
}

// download returns an error only while nothing was sent. A cookie alone is not enough for it, as it is not
// for asking: the file is everything at once.
func (s *Server) download(w http.ResponseWriter, r *http.Request, account consent.Account) error {
	if visitOf(r.Context()).logIn.Confirmed > confirmFor {
		return confirmAgain()
	}
	export, err := s.readyExport(r.Context(), account, r.PathValue("id"))
	if err != nil {
		return err
	}
	ctx, done, refused := s.streams.begin(r.Context(), streamMedia)
	if refused != nil {
		return refused
	}
	defer done()
	out := &mediaWriter{to: w, control: http.NewResponseController(w), conn: connOf(r), head: zipHead{export}}
	defer context.AfterFunc(ctx, out.stop)() // a log-out ends also a write that is blocked
	err = s.sendExport(ctx, out, export)
	if err == nil {
		out.finish()
		return nil
	}
	if !out.begun.Load() {
		return err
	}
	if !isRefusal(err) && ctx.Err() == nil && !out.broken {
		s.log.ErrorContext(ctx, "download failed", "request", visitOf(ctx).id, "error", err)
	}
	out.cutOff()
	return nil
}

// exportAskEvery bounds the age of the last answer about what is in an export that is being sent.
const exportAskEvery = 2 * time.Second

// exportPiece is small enough that a slow line takes it within the time of one write.
const exportPiece = 64 << 10

// sendExport decides anew about every session in the file before the first byte and every exportAskEvery.
func (s *Server) sendExport(ctx context.Context, out *mediaWriter, export consent.Export) error {
	var permits []consent.Permit
	var asked time.Time
	for number, sent := 0, int64(0); sent < export.Bytes; number++ {
		if time.Since(asked) > exportAskEvery {
			s.endIfDead(ctx, visitOf(ctx).token)
			var err error
			if permits, err = s.exportPermits(ctx, export); err != nil {
				return err
			}
			asked = time.Now()
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		chunk, err := s.cfg.Exports.ReadChunk(ctx, permits, export, number)
		if err != nil {
			return fmt.Errorf("read export: %w", err)
		}
		for piece := range slices.Chunk(chunk, exportPiece) {
			if _, err := out.Write(piece); err != nil {
				return err
			}
		}
		sent += int64(len(chunk))
	}
	return nil
}

func (s *Server) exportPermits(ctx context.Context, export consent.Export) ([]consent.Permit, error) {
	actor := consent.Actor{Kind: consent.ActorExport, Account: export.Account, Export: export.ID}
	var permits []consent.Permit
	for _, session := range export.Sessions {
		if !session.Done {
			continue
		}
		permit, err := s.cfg.Gate.Permit(ctx, actor, session.Session, consent.ArtefactSession)
		if err != nil {
			return nil, s.whyNot(ctx, export.Account, session.Session, err)
		}
		permits = append(permits, permit)
	}
	return permits, nil
}

// whyNot gives the candidate the answer that they get for the session itself: they are told of a hold, and
// the copy is theirs.
func (s *Server) whyNot(ctx context.Context, account consent.AccountID, session consent.SessionID, refused error) error {
	own := consent.Actor{Kind: consent.ActorCandidate, Account: account}
	if _, err := s.cfg.Gate.Permit(ctx, own, session, consent.ArtefactSession); err != nil {
		return err
	}
	return refused
}

// zipHead is the head of a download.
type zipHead struct{ export consent.Export }

func (z zipHead) send(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", `attachment; filename="greenroom-`+z.export.RequestedAt.UTC().Format(time.DateOnly)+`.zip"`)
	h.Set("Content-Length", strconv.FormatInt(z.export.Bytes, 10))
	w.WriteHeader(http.StatusOK)
}
