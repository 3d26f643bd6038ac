package web

import (
	"greenroom/consent"
	"net/http"
)

func (s *Server) eventRoutes() {
	s.plain(candidate, "GET /sessions/{id}/events", "watch-session", "Server-sent events: results, consents", "text/event-stream", s.watchSession)
	s.plain(employer, "GET /shared/{id}/events", "watch-shared", "Server-sent events: access.ended, after which the stream closes", "text/event-stream", s.watchShared)
}
func (s *Server) watchSession(w http.ResponseWriter, r *http.Request, account consent.Account) {}
func (s *Server) watchShared(w http.ResponseWriter, r *http.Request, account consent.Account)  {}
