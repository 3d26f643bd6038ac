package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

func (w *world) Erase(_ context.Context, candidate consent.AccountID, id consent.SessionID) (consent.Erasure, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	session, err := w.own(candidate, id)
	if err != nil {
		return consent.Erasure{}, err
	}
	for _, e := range w.erasures {
		if e.Session == id {
			return e, nil
		}
	}
	w.wrote("Erase")
	session.State = consent.SessionErased
	w.sessions[id] = session
	erasure := consent.Erasure{
		ID: consent.NewID[consent.ErasureID](), Session: id, Account: candidate, Cause: consent.CauseRequest,
		State: consent.ErasureRunning, RequestedAt: testNow,
	}
	for _, step := range consent.ErasureSteps() {
		erasure.Steps = append(erasure.Steps, consent.ErasureProgress{Step: step})
	}
	w.erasures = append(w.erasures, erasure)
	return erasure, nil
}

func (w *world) ErasuresOf(_ context.Context, candidate consent.AccountID) ([]consent.Erasure, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []consent.Erasure
	for _, e := range w.erasures {
		if e.Account == candidate {
			list = append(list, e)
		}
	}
	return list, nil
}

func (w *world) Certificate(_ context.Context, candidate consent.AccountID, id consent.ErasureID) (consent.CertificateFile, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.erasures {
		if e.ID == id && e.Account == candidate && e.State == consent.ErasureDone {
			return consent.CertificateFile{Certificate: "signed", Receipt: "receipt"}, nil
		}
	}
	return consent.CertificateFile{}, consent.ErrNotFound
}

// erase asks for an erasure and returns it.
func erase(t *testing.T, p *person, id consent.SessionID) erasureJSON {
	t.Helper()
	var got erasureJSON
	if err := json.Unmarshal(p.do(http.MethodPost, "/api/v1/sessions/"+string(id)+"/erase", nil).want(http.StatusAccepted).body, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCandidateErasesAnInterviewAndWatchesIt(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	session := p.newSession()
	asked := erase(t, p, session.ID)
	if asked.Session != session.ID || asked.State != consent.ErasureRunning || len(asked.Steps) != len(consent.ErasureSteps()) || !asked.BackupHorizon.IsZero() {
		t.Errorf("asked: %+v", asked)
	}
	if again := erase(t, p, session.ID); again.ID != asked.ID {
		t.Errorf("asking twice made two: %s and %s", asked.ID, again.ID)
	}
	certificate := "/api/v1/erasures/" + string(asked.ID) + "/certificate"
	p.get(certificate).want(http.StatusNotFound)

	s.mu.Lock()
	done := &s.erasures[0]
	done.State, done.FinishedAt = consent.ErasureDone, testNow.Add(time.Second)
	done.Steps[0] = consent.ErasureProgress{Step: consent.StepKeys, At: testNow, Count: 4}
	s.mu.Unlock()
	var list erasuresJSON
	if err := json.Unmarshal(p.get("/api/v1/erasures").want(http.StatusOK).body, &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Erasures) != 1 || list.Erasures[0].State != consent.ErasureDone || list.Erasures[0].Steps[0].Count != 4 ||
		!list.Erasures[0].BackupHorizon.Equal(testNow.Add(22*24*time.Hour)) {
		t.Errorf("list: %+v", list)
	}
	got := p.get(certificate).want(http.StatusOK)
	if file, err := consent.ParseCertificateFile([]byte(strings.TrimSpace(string(got.body)))); err != nil || file.Certificate != "signed" {
		t.Errorf("certificate file %+v, %v", file, err)
	}
	if name := got.header.Get("Content-Disposition"); name != `attachment; filename="erasure-`+string(asked.ID)+`.json"` {
		t.Errorf("the file is called %s", name)
	}
}

func TestErasingIsForTheOwnerWithAFreshProof(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, other := s.candidate(t), s.candidate(t)
	session := owner.newSession()
	path := "/api/v1/sessions/" + string(session.ID) + "/erase"
	unknown := other.do(http.MethodPost, "/api/v1/sessions/"+string(consent.NewID[consent.SessionID]())+"/erase", nil).want(http.StatusNotFound).face()
	if got := other.do(http.MethodPost, path, nil).face(); got != unknown {
		t.Errorf("somebody else's interview answers %s, one that is not there %s", got, unknown)
	}
	asked := erase(t, owner, session.ID)
	s.mu.Lock()
	s.erasures[0].State = consent.ErasureDone
	s.mu.Unlock()
	other.get("/api/v1/erasures/" + string(asked.ID) + "/certificate").want(http.StatusNotFound)
	var list erasuresJSON
	if err := json.Unmarshal(other.get("/api/v1/erasures").want(http.StatusOK).body, &list); err != nil || len(list.Erasures) != 0 {
		t.Errorf("somebody else sees %+v, %v", list, err)
	}
}
