package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// pageLength is how many lines of a long list are sent at once.
const pageLength = 50

type holdingsJSON struct {
	Holdings []holdingJSON  `json:"holdings" doc:"One line for each thing, also where nothing is held."`
	Accesses accessPageJSON `json:"accesses"`
	AICalls  aiCallPageJSON `json:"ai_calls"`
	Receipts int64          `json:"receipts"`
}

type holdingJSON struct {
	Thing consent.Thing `json:"thing" enum:"profile,log_ins,interviews,recordings,transcript,ratings,feedback,measurements,events,consents,authorizations,receipts,accesses,ai_calls,exports"`
	Class consent.Class `json:"class" doc:"The rule of the retention registry that it goes by."`
	Count int64         `json:"count"`
	Bytes int64         `json:"bytes,omitempty" doc:"Of recordings and exports."`
	Since time.Time     `json:"since,omitzero" doc:"Of the oldest; absent where nothing is held."`
	Until time.Time     `json:"until,omitzero" doc:"When the last of it goes by itself; absent where its time has not begun."`
	Kept  string        `json:"kept,omitempty" doc:"For how long, as ISO 8601 writes it; absent without a limit."`
	From  string        `json:"from" doc:"When that time begins."`
}

type accessPageJSON struct {
	Accesses []sessionAccessJSON `json:"accesses" doc:"The newest first."`
	Next     int                 `json:"next,omitempty" doc:"The offset of the next page; absent after the last."`
}

type sessionAccessJSON struct {
	At        time.Time         `json:"at"`
	OrgName   string            `json:"org_name"`
	Artefact  consent.Artefact  `json:"artefact" enum:"session,ratings,feedback,quotes,measurements,transcript,recording.audio,recording.video,profile"`
	Session   consent.SessionID `json:"session"`
	RoleTitle string            `json:"role_title"`
}

type aiCallPageJSON struct {
	Calls []aiCallJSON `json:"calls" doc:"The newest first."`
	Next  int          `json:"next,omitempty" doc:"The offset of the next page; absent after the last."`
}

type aiCallJSON struct {
	At           time.Time         `json:"at,omitzero"`
	For          consent.AIPurpose `json:"for" enum:"evidence,rating,feedback,follow_up,transcription"`
	Model        string            `json:"model"`
	Place        string            `json:"place,omitempty" doc:"The host that was sent the words; absent for speech to text."`
	PromptSHA256 string            `json:"prompt_sha256,omitempty" doc:"Of the instructions."`
	Times        int               `json:"times" doc:"Utterances, for speech to text."`
	Session      consent.SessionID `json:"session"`
	RoleTitle    string            `json:"role_title"`
}

type pageInput struct {
	Offset int `query:"offset" minimum:"0" maximum:"1000000"`
}

func (s *Server) holdingRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-my-data", Method: http.MethodGet, Path: "/me/data",
		Summary: "What is held about you, since when and until when, who saw it, and which models were asked",
	}, s.getHoldings)
	register(s, candidate, huma.Operation{
		OperationID: "list-my-accesses", Method: http.MethodGet, Path: "/me/accesses",
		Summary: "Who looked at what of all your interviews, page by page",
	}, s.listMyAccesses)
	register(s, candidate, huma.Operation{
		OperationID: "list-my-ai-calls", Method: http.MethodGet, Path: "/me/ai-calls",
		Summary: "Which models were asked about your interviews, page by page",
	}, s.listMyAICalls)
}

func (s *Server) getHoldings(ctx context.Context, account consent.Account, _ *struct{}) (*body[holdingsJSON], error) {
	found, err := s.cfg.Sessions.Holdings(ctx, account.ID)
	if err != nil {
		return nil, fmt.Errorf("count what is held: %w", err)
	}
	held := make(map[consent.Thing]consent.Holding, len(found))
	for _, h := range found {
		held[h.Thing] = h
	}
	out := holdingsJSON{Receipts: held[consent.ThingReceipts].Count}
	for _, thing := range consent.AllThings() {
		h := held[thing]
		h.Thing = thing
		rule := consent.RuleOf(thing.ClassOf())
		out.Holdings = append(out.Holdings, holdingJSON{
			Thing: thing, Class: rule.Class, Count: h.Count, Bytes: h.Bytes, Since: h.Since, Until: h.Until(), Kept: rule.Kept.ISO(), From: rule.From,
		})
	}
	if out.Accesses, err = s.accessPage(ctx, account, 0); err != nil {
		return nil, err
	}
	if out.AICalls, err = s.aiCallPage(ctx, account, 0); err != nil {
		return nil, err
	}
	return answer(out), nil
}

func (s *Server) listMyAccesses(ctx context.Context, account consent.Account, in *pageInput) (*body[accessPageJSON], error) {
	page, err := s.accessPage(ctx, account, in.Offset)
	if err != nil {
		return nil, err
	}
	return answer(page), nil
}

// accessPage asks for one line more than it sends, to know whether there is another page.
func (s *Server) accessPage(ctx context.Context, account consent.Account, offset int) (accessPageJSON, error) {
	found, err := s.cfg.Sessions.AccessesOf(ctx, account.ID, offset, pageLength+1)
	if err != nil {
		return accessPageJSON{}, fmt.Errorf("list accesses: %w", err)
	}
	page := accessPageJSON{Accesses: []sessionAccessJSON{}}
	for i, a := range found {
		if i == pageLength {
			page.Next = offset + pageLength
			break
		}
		page.Accesses = append(page.Accesses, sessionAccessJSON{
			At: a.At, OrgName: a.OrgName, Artefact: a.Artefact, Session: a.Session, RoleTitle: a.RoleTitle,
		})
	}
	return page, nil
}

func (s *Server) listMyAICalls(ctx context.Context, account consent.Account, in *pageInput) (*body[aiCallPageJSON], error) {
	page, err := s.aiCallPage(ctx, account, in.Offset)
	if err != nil {
		return nil, err
	}
	return answer(page), nil
}

func (s *Server) aiCallPage(ctx context.Context, account consent.Account, offset int) (aiCallPageJSON, error) {
	found, err := s.cfg.Sessions.AICallsOf(ctx, account.ID, offset, pageLength+1)
	if err != nil {
		return aiCallPageJSON{}, fmt.Errorf("list calls of models: %w", err)
	}
	page := aiCallPageJSON{Calls: []aiCallJSON{}}
	for i, c := range found {
		if i == pageLength {
			page.Next = offset + pageLength
			break
		}
		page.Calls = append(page.Calls, aiCallJSON{
			At: c.At, For: c.For, Model: c.Model, Place: c.Place, PromptSHA256: c.PromptSHA256, Times: c.Times,
			Session: c.Session, RoleTitle: c.RoleTitle,
		})
	}
	return page, nil
}
