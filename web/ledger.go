package web

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// mostSums bounds one answer: whoever wants more asks again from there.
const mostSums = 1000

type sumsInput struct {
	After int64 `query:"after" minimum:"0" doc:"Place of the entry before the first that is wanted."`
}

type sumsJSON struct {
	Sums []consent.Digest `json:"sums" doc:"Of the entries that follow, at most 1000, in their order. A sum says nothing about the entry."`
}

// ledgerRoutes answer anybody: without them only the operator could check what the operator says.
func (s *Server) ledgerRoutes() {
	register(s, anyone, huma.Operation{
		OperationID: "get-keys", Method: http.MethodGet, Path: "/keys",
		Summary: "Every public key that ever signed receipts here, as a JWK Set; those that do not sign any more say until when they did",
	}, s.getKeys)
	register(s, anyone, huma.Operation{
		OperationID: "get-checkpoint", Method: http.MethodGet, Path: "/ledger/checkpoint",
		Summary: "How far the ledger goes, signed",
	}, s.getCheckpoint)
	register(s, anyone, huma.Operation{
		OperationID: "list-ledger-sums", Method: http.MethodGet, Path: "/ledger/sums",
		Summary: "The sums that lead from a receipt's place in the ledger to the checkpoint",
	}, s.listSums)
}

func (s *Server) getKeys(context.Context, consent.Account, *struct{}) (*body[consent.JWKSet], error) {
	keys, err := s.cfg.Ledger.KeySet()
	if err != nil {
		return nil, fmt.Errorf("read the public keys: %w", err)
	}
	return answer(keys.JWKSet()), nil
}

func (s *Server) getCheckpoint(context.Context, consent.Account, *struct{}) (*body[consent.CheckpointLine], error) {
	checkpoint, ok := s.cfg.Ledger.Checkpoint()
	if !ok {
		return nil, notFound()
	}
	return answer(checkpoint), nil
}

func (s *Server) listSums(ctx context.Context, _ consent.Account, in *sumsInput) (*body[sumsJSON], error) {
	sums, err := s.cfg.Ledger.Sums(ctx, in.After, mostSums)
	if err != nil {
		return nil, fmt.Errorf("read the ledger's sums: %w", err)
	}
	if sums == nil {
		sums = []consent.Digest{}
	}
	return answer(sumsJSON{Sums: sums}), nil
}
