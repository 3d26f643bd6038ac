package web

import (
	"context"
	"crypto/sha256"
	"fmt"
	"net/http"

	"greenroom/consent"
)

// AccountsNow is [Server.Account] for many requests, in one question, which rooms ask each second with the
// requests that opened them: a log-in may have ended since, and must not end while its room is used. The
// answer has an account at the place of each request, the zero one where there is no live log-in.
func (s *Server) AccountsNow(ctx context.Context, requests []*http.Request) ([]consent.Account, error) {
	places, tokens := make([]int, 0, len(requests)), make([][32]byte, 0, len(requests))
	for i, r := range requests {
		if token, ok := cookieOf(r); ok {
			places, tokens = append(places, i), append(tokens, token)
		}
	}
	found, err := s.cfg.Accounts.LogInsNow(ctx, tokens)
	if err != nil {
		return nil, fmt.Errorf("read log-ins: %w", err)
	}
	return holders(len(requests), places, tokens, found), nil
}

// PublishersNow is [Server.Publisher] for many requests, each with the session at its place.
func (s *Server) PublishersNow(ctx context.Context, requests []*http.Request, sessions []consent.SessionID) ([]consent.Account, error) {
	places, tokens := make([]int, 0, len(requests)), make([][32]byte, 0, len(requests))
	asked := make([]consent.SessionID, 0, len(requests))
	for i, r := range requests {
		if token, ok := bearerOf(r); ok {
			places, tokens = append(places, i), append(tokens, sha256.Sum256([]byte(token)))
			asked = append(asked, sessions[i])
		}
	}
	found, err := s.cfg.Accounts.PublishersNow(ctx, tokens, asked)
	if err != nil {
		return nil, fmt.Errorf("read publishers: %w", err)
	}
	return holders(len(requests), places, tokens, found), nil
}

func holders(n int, places []int, tokens [][32]byte, found map[[32]byte]consent.ActiveLogIn) []consent.Account {
	accounts := make([]consent.Account, n)
	for i, place := range places {
		if l, ok := found[tokens[i]]; ok && mayTakePart(l) {
			accounts[place] = l.Account
		}
	}
	return accounts
}
