package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func (w *world) AIObjection(_ context.Context, candidate consent.AccountID) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.objections[candidate], nil
}

func (w *world) ObjectToAI(_ context.Context, candidate consent.AccountID) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.objections == nil {
		w.objections = map[consent.AccountID]time.Time{}
	}
	w.objections[candidate] = testNow
	return testNow, nil
}

func (w *world) LiftAIObjection(_ context.Context, candidate consent.AccountID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.objections, candidate)
	return nil
}

func TestCandidateObjectsToAIAndTakesItBack(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	anna := s.candidate(t)
	const path = "/api/v1/me/ai-objection"
	says := func(method string, objected bool) {
		t.Helper()
		text := string(anna.do(method, path, nil).want(http.StatusOK).body)
		if strings.Contains(text, `"objected":true`) != objected || strings.Contains(text, `"since"`) != objected {
			t.Errorf("%s answers %s, want objected: %t", method, text, objected)
		}
	}
	says(http.MethodGet, false)
	says(http.MethodPost, true)
	says(http.MethodGet, true)
	says(http.MethodDelete, false)
	says(http.MethodGet, false)
}
