package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type noticeChangesJSON struct {
	Changes []noticeChangeJSON `json:"changes"`
}

// noticeChangeJSON is what is new for the authorizations that were given under one older notice.
type noticeChangeJSON struct {
	FromVersion    int                 `json:"from_version" doc:"0 where the older notice had no number."`
	ToVersion      int                 `json:"to_version"`
	ToSHA256       string              `json:"to_sha256" doc:"Send it back to agree."`
	Materiality    consent.Materiality `json:"materiality" enum:"editorial,notice,reconsent"`
	EffectiveAt    time.Time           `json:"effective_at"`
	Paragraphs     []paragraphJSON     `json:"paragraphs"`
	Authorizations []authorizationJSON `json:"authorizations"`
}

type paragraphJSON struct {
	Change consent.ParagraphChange `json:"change" enum:"same,added,removed"`
	Text   string                  `json:"text" doc:"A heading begins with \"# \"."`
}

type renewInput struct {
	ID            string `path:"id" doc:"Id of the session."`
	Authorization string `path:"aid" doc:"Id of the authorization."`
	Body          struct {
		NoticeSHA256 string `json:"notice_sha256" doc:"Of the notice that was read."`
	}
}

type viewersJSON struct {
	Viewers []viewerJSON `json:"viewers" doc:"Who has something open now."`
	CutOffs []cutOffJSON `json:"cut_offs" doc:"Who was cut off, the newest first."`
}

type viewerJSON struct {
	OrgName string             `json:"org_name"`
	Stream  consent.StreamKind `json:"stream" enum:"media,events" doc:"media: the recording; events: a page with shared parts."`
	Since   time.Time          `json:"since"`
}

type cutOffJSON struct {
	At      time.Time           `json:"at"`
	OrgName string              `json:"org_name"`
	Stream  consent.StreamKind  `json:"stream" enum:"media,events"`
	Cause   consent.CutOffCause `json:"cause" enum:"withdrawn,revoked,superseded,expired,suspended,notice,membership,role,organization,unknown"`
	AfterMS *int64              `json:"after_ms,omitempty" doc:"From what ended the view to its last byte; absent if unknown."`
}

func (s *Server) recordRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "restrict-session", Method: http.MethodPost, Path: "/sessions/{id}/restrict",
		Summary: "Keep this session for yourself: it stays stored, nobody else sees it and nothing works on it",
	}, s.restrict)
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "unrestrict-session", Method: http.MethodPost, Path: "/sessions/{id}/unrestrict",
		Summary: "End the restriction; what was shared before and has not ended is shared again",
	}), s.unrestrict)
	register(s, candidate, huma.Operation{
		OperationID: "get-notice-change", Method: http.MethodGet, Path: "/sessions/{id}/notice-change",
		Summary: "What is new in the notice since parts of this session were shared",
	}, s.getNoticeChange)
	register(s, candidate, confirmed(huma.Operation{
		OperationID: "renew-authorization", Method: http.MethodPost, Path: "/sessions/{id}/authorizations/{aid}/renew",
		Summary: "Agree to the newer notice: a new authorization with the same terms takes the place of this one",
	}), s.renewAuthorization)
	register(s, candidate, huma.Operation{
		OperationID: "list-viewers", Method: http.MethodGet, Path: "/sessions/{id}/viewers",
		Summary: "Who has something of this session open now, and who was cut off after how long",
	}, s.listViewers)
}

func (s *Server) restrict(ctx context.Context, account consent.Account, in *sessionPath) (*body[sessionJSON], error) {
	return pauseWith(ctx, account, in, s.cfg.Record.Restrict)
}

func (s *Server) unrestrict(ctx context.Context, account consent.Account, in *sessionPath) (*body[sessionJSON], error) {
	return pauseWith(ctx, account, in, s.cfg.Record.Unrestrict)
}

func pauseWith(ctx context.Context, account consent.Account, in *sessionPath,
	pause func(context.Context, consent.AccountID, consent.SessionID) (consent.Session, error),
) (*body[sessionJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	session, err := pause(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("restrict session: %w", err)
	}
	return answer(sessionOf(session)), nil
}

func (s *Server) getNoticeChange(ctx context.Context, account consent.Account, in *sessionPath) (*body[noticeChangesJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	changes, err := s.cfg.Record.NoticeChanges(ctx, account.ID, id, s.notice.SHA256())
	if err != nil {
		return nil, fmt.Errorf("read what is new in the notice: %w", err)
	}
	list := noticeChangesJSON{Changes: make([]noticeChangeJSON, 0, len(changes))}
	for _, c := range changes {
		list.Changes = append(list.Changes, noticeChangeOf(c))
	}
	return answer(list), nil
}

func noticeChangeOf(c consent.NoticeChange) noticeChangeJSON {
	change := noticeChangeJSON{
		FromVersion: c.From.Version, ToVersion: c.To.Version, ToSHA256: c.To.SHA256(),
		Materiality: c.To.Materiality, EffectiveAt: c.To.EffectiveAt,
		Paragraphs: []paragraphJSON{}, Authorizations: []authorizationJSON{},
	}
	for _, p := range c.Paragraphs() {
		change.Paragraphs = append(change.Paragraphs, paragraphJSON(p))
	}
	for _, a := range c.Authorizations {
		change.Authorizations = append(change.Authorizations, authorizationOf(a))
	}
	return change
}

func (s *Server) renewAuthorization(ctx context.Context, account consent.Account, in *renewInput) (*body[authorizationJSON], error) {
	path := authorizationPath{ID: in.ID, Authorization: in.Authorization}
	session, id, err := path.parse()
	if err != nil {
		return nil, err
	}
	authorization, err := s.cfg.Record.Renew(ctx, account.ID, session, id, in.Body.NoticeSHA256)
	if err != nil {
		return nil, fmt.Errorf("renew authorization: %w", err)
	}
	return answer(authorizationOf(authorization)), nil
}

func (s *Server) listViewers(ctx context.Context, account consent.Account, in *sessionPath) (*body[viewersJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.viewersOf(ctx, account.ID, id)
	if err != nil {
		return nil, err
	}
	return answer(list), nil
}

func (s *Server) viewersOf(ctx context.Context, candidate consent.AccountID, id consent.SessionID) (viewersJSON, error) {
	viewers, cutOffs, err := s.cfg.Record.Viewers(ctx, candidate, id)
	if err != nil {
		return viewersJSON{}, fmt.Errorf("list viewers: %w", err)
	}
	list := viewersJSON{Viewers: make([]viewerJSON, 0, len(viewers)), CutOffs: make([]cutOffJSON, 0, len(cutOffs))}
	for _, v := range viewers {
		list.Viewers = append(list.Viewers, viewerJSON{OrgName: v.OrgName, Stream: v.Stream, Since: v.Since})
	}
	for _, c := range cutOffs {
		cut := cutOffJSON{At: c.At, OrgName: c.OrgName, Stream: c.Stream, Cause: c.Cause}
		if c.After >= 0 {
			after := c.After.Milliseconds()
			cut.AfterMS = &after
		}
		list.CutOffs = append(list.CutOffs, cut)
	}
	return list, nil
}
