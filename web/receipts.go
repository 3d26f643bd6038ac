package web

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

type receiptsJSON struct {
	Receipts []receiptJSON `json:"receipts" doc:"The newest first."`
}

type receiptJSON struct {
	ID            consent.ReceiptID       `json:"id"`
	Entry         int64                   `json:"entry" doc:"Its place in the ledger."`
	Session       consent.SessionID       `json:"session"`
	Authorization consent.AuthorizationID `json:"authorization,omitempty" doc:"Absent for the consents of the session itself."`
	OrgID         consent.OrgID           `json:"org_id,omitempty" doc:"Absent for the consents of the session itself."`
	State         consent.ReceiptState    `json:"state" enum:"given,refused,withdrawn,revoked,superseded,expired,erased,ended"`
	At            time.Time               `json:"at"`
}

type receiptPath struct {
	ID string `path:"rid" doc:"Id of the receipt."`
}

// receiptFile is shown as a file to keep.
type receiptFile struct {
	Disposition string `header:"Content-Disposition"`
	Body        consent.ReceiptFile
}

func (s *Server) receiptRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "list-receipts", Method: http.MethodGet, Path: "/sessions/{id}/receipts",
		Summary: "Your receipts of what you agreed to, refused and ended in this session; they stay when it is erased",
	}, s.listReceipts)
	register(s, employer, huma.Operation{
		OperationID: "list-organization-receipts", Method: http.MethodGet, Path: "/organization/receipts",
		Summary: "Your organization's receipts of what was shared with it, and that it ended",
	}, s.listOrganizationReceipts)
	register(s, anyLogIn, huma.Operation{
		OperationID: "get-receipt", Method: http.MethodGet, Path: "/receipts/{rid}",
		Summary: "One of your receipts as a file that greenroom verify checks; an organization's is another than the candidate's",
	}, s.getReceipt)
}

func receiptsOf(list []consent.ReceiptSummary) *body[receiptsJSON] {
	out := receiptsJSON{Receipts: make([]receiptJSON, 0, len(list))}
	for _, r := range list {
		out.Receipts = append(out.Receipts, receiptJSON{
			ID: r.ID, Entry: r.Seq, Session: r.Session, Authorization: r.Authorization, OrgID: r.Org, State: r.State, At: r.At,
		})
	}
	return answer(out)
}

func (s *Server) listReceipts(ctx context.Context, account consent.Account, in *sessionPath) (*body[receiptsJSON], error) {
	id, err := parseID[consent.SessionID](in.ID)
	if err != nil {
		return nil, err
	}
	list, err := s.cfg.Receipts.ReceiptsOf(ctx, account.ID, id)
	if err != nil {
		return nil, fmt.Errorf("list receipts: %w", err)
	}
	return receiptsOf(list), nil
}

func (s *Server) listOrganizationReceipts(ctx context.Context, account consent.Account, _ *struct{}) (*body[receiptsJSON], error) {
	list, err := s.cfg.Receipts.ReceiptsFor(ctx, actorOf(account))
	if err != nil {
		return nil, fmt.Errorf("list receipts: %w", err)
	}
	return receiptsOf(list), nil
}

func (s *Server) getReceipt(ctx context.Context, account consent.Account, in *receiptPath) (*receiptFile, error) {
	id, err := parseID[consent.ReceiptID](in.ID)
	if err != nil {
		return nil, err
	}
	file, err := s.cfg.Receipts.ReceiptFile(ctx, actorOf(account), id)
	if err != nil {
		return nil, fmt.Errorf("read receipt: %w", err)
	}
	return &receiptFile{Disposition: `attachment; filename="receipt-` + string(id) + `.json"`, Body: file}, nil
}
