package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type erasureJSON struct {
	ID            consent.ErasureID    `json:"id"`
	Session       consent.SessionID    `json:"session"`
	Cause         consent.ErasureCause `json:"cause" enum:"request,expired,closed,child,restored"`
	State         consent.ErasureState `json:"state" enum:"paused,running,done" doc:"paused: a legal hold is on the interview; it goes on when that is lifted."`
	Fault         consent.ErasureFault `json:"fault,omitempty" enum:"objects,server" doc:"What the last try waits for; it is tried again until it is done."`
	RequestedAt   time.Time            `json:"requested_at"`
	FinishedAt    time.Time            `json:"finished_at,omitzero"`
	Steps         []erasureStepJSON    `json:"steps" doc:"All steps, in their order."`
	BackupHorizon time.Time            `json:"backup_horizon,omitzero" doc:"From then on no backup can bring anything back; absent until the keys are destroyed."`
}

type erasureStepJSON struct {
	Step   consent.ErasureStep `json:"step" enum:"keys,spool,objects,rows,openings,verified"`
	DoneAt time.Time           `json:"done_at,omitzero" doc:"Absent until it is done."`
	Count  int64               `json:"count" doc:"How many it removed."`
}

type erasuresJSON struct {
	Erasures []erasureJSON `json:"erasures"`
}

type certificatePath struct {
	ID string `path:"id" doc:"Id of the erasure."`
}

// certificateFile is shown as a file to keep.
type certificateFile struct {
	Disposition string `header:"Content-Disposition"`
	Body        consent.CertificateFile
}

func erasureOf(e consent.Erasure) erasureJSON {
	out := erasureJSON{
		ID: e.ID, Session: e.Session, Cause: e.Cause, State: e.State, Fault: e.Fault, RequestedAt: e.RequestedAt,
		FinishedAt: e.FinishedAt, Steps: make([]erasureStepJSON, 0, len(e.Steps)),
	}
	for _, step := range e.Steps {
		out.Steps = append(out.Steps, erasureStepJSON{Step: step.Step, DoneAt: step.At, Count: step.Count})
		if step.Step == consent.StepKeys && !step.At.IsZero() {
			out.BackupHorizon = consent.BackupHorizon(step.At)
		}
	}
	return out
}

func (s *Server) erasureRoutes() {
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "erase-session", Method: http.MethodPost, Path: "/sessions/{id}/erase", DefaultStatus: http.StatusAccepted,
		Summary: "Erase one of your interviews for good: nobody sees anything of it from now on, and its keys are destroyed first",
	}), s.eraseSession)
	register(s, candidate, huma.Operation{
		OperationID: "list-erasures", Method: http.MethodGet, Path: "/erasures", Summary: "What you had erased, and how far it is",
	}, s.listErasures)
	register(s, candidate, huma.Operation{
		OperationID: "get-erasure-certificate", Method: http.MethodGet, Path: "/erasures/{id}/certificate",
		Summary: "The signed certificate of an erasure that is done; greenroom verify checks it",
	}, s.getCertificate)
}

func (s *Server) eraseSession(ctx context.Context, account consent.Account, in *sessionPath) (*body[erasureJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	erasure, err := s.cfg.Erasures.Erase(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("erase session: %w", err)
	}
	return answer(erasureOf(erasure)), nil
}

func (s *Server) listErasures(ctx context.Context, account consent.Account, _ *struct{}) (*body[erasuresJSON], error) {
	list, err := s.cfg.Erasures.ErasuresOf(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("list erasures: %w", err)
	}
	out := erasuresJSON{Erasures: make([]erasureJSON, 0, len(list))}
	for _, erasure := range list {
		out.Erasures = append(out.Erasures, erasureOf(erasure))
	}
	return answer(out), nil
}

func (s *Server) getCertificate(ctx context.Context, account consent.Account, in *certificatePath) (*certificateFile, error) {
	id, err := parseID[consent.ErasureID](in.ID)
	if err != nil {
		return nil, err
	}
	file, err := s.cfg.Erasures.Certificate(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("read certificate: %w", err)
	}
	return &certificateFile{Disposition: `attachment; filename="erasure-` + string(id) + `.json"`, Body: file}, nil
}
