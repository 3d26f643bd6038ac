package web

import (
	"context"
	"github.com/danielgtaylor/huma/v2"
	"greenroom/consent"
	"net/http"
)

func (s *Server) reportRoutes() {
	register(s, candidate, huma.Operation{
		OperationID: "get-report", Method: http.MethodGet, Path: "/sessions/{id}/report",
		Summary: "Everything known about one of your interviews",
	}, s.getReport)
}
func (s *Server) getReport(ctx context.Context, account consent.Account, in *sessionPath) (*body[reportJSON], error) {
	return nil, notFound()
}
