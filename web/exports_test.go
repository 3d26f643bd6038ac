package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// Request, ExportsOf, Export and ReadChunk implement Exports.
func (w *world) Request(_ context.Context, account consent.AccountID, session consent.SessionID) (consent.Export, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.exportFails != nil {
		return consent.Export{}, w.exportFails
	}
	export := consent.Export{
		ID: consent.NewID[consent.ExportID](), Account: account, Whole: session == "", State: consent.ExportQueued, RequestedAt: testNow,
	}
	for id, s := range w.sessions {
		if s.Candidate == account && (session == "" || id == session) {
			export.Sessions = append(export.Sessions, consent.ExportSession{Session: id, RoleTitle: s.RoleTitle})
		}
	}
	if !export.Whole && len(export.Sessions) == 0 {
		return consent.Export{}, consent.ErrNotFound
	}
	w.wrote("Request")
	w.exports = append(w.exports, export)
	return export, nil
}

func (w *world) ExportsOf(_ context.Context, account consent.AccountID) ([]consent.Export, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.exports), func(e consent.Export) bool { return e.Account != account }), nil
}

func (w *world) Export(_ context.Context, account consent.AccountID, id consent.ExportID) (consent.Export, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.exports {
		if e.Account == account && e.ID == id {
			return e, nil
		}
	}
	return consent.Export{}, consent.ErrNotFound
}

func (w *world) ReadChunk(_ context.Context, permits []consent.Permit, export consent.Export, number int) ([]byte, error) {
	actor := consent.Actor{Kind: consent.ActorExport, Account: export.Account, Export: export.ID}
	for _, s := range export.Sessions {
		covered := slices.ContainsFunc(permits, func(p consent.Permit) bool {
			return p.Actor() == actor && p.Demand(s.Session, consent.ArtefactSession) == nil
		})
		if s.Done && !covered {
			return nil, consent.ErrPermit
		}
	}
	w.mu.Lock()
	file := w.exportFile
	w.mu.Unlock()
	return file(number)
}

// chunks returns a file of so many chunks of one byte each, and what is in it.
func chunks(n, size int) (file func(int) ([]byte, error), whole []byte) {
	for i := range n {
		whole = append(whole, bytes.Repeat([]byte{byte('a' + i)}, size)...)
	}
	return func(number int) ([]byte, error) { return whole[number*size : (number+1)*size], nil }, whole
}

// ready makes an export of the sessions that can be fetched.
func (s *stage) ready(of *person, file func(int) ([]byte, error), size int, sessions ...consent.SessionID) consent.Export {
	export := consent.Export{
		ID: consent.NewID[consent.ExportID](), Account: of.account.ID, Whole: true, State: consent.ExportReady, RequestedAt: testNow,
		FinishedAt: testNow, GoneAt: testNow.Add(consent.ExportLife), Bytes: int64(size),
	}
	for _, id := range sessions {
		export.Sessions = append(export.Sessions, consent.ExportSession{Session: id, Done: true})
	}
	s.set(func(w *world) { w.exports, w.exportFile = append(w.exports, export), file })
	return export
}

func downloadOf(export consent.Export) string {
	return "/api/v1/exports/" + string(export.ID) + "/download"
}

func TestExportIsAskedForAndListed(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p, other := s.candidate(t), s.candidate(t)
	first, second := s.interview(t, p), s.interview(t, p)
	var one, whole exportJSON
	p.do(http.MethodPost, "/api/v1/exports", map[string]any{"session": first}).want(http.StatusCreated).into(&one)
	if one.Session != first || one.RoleTitle == "" || one.State != consent.ExportQueued || one.SessionsAll != 1 {
		t.Errorf("export of one session: %+v", one)
	}
	p.do(http.MethodPost, "/api/v1/exports", map[string]any{}).want(http.StatusCreated).into(&whole)
	if whole.Session != "" || whole.SessionsAll != 2 {
		t.Errorf("export of everything: %+v", whole)
	}
	s.set(func(w *world) {
		w.exports[1].Sessions[0].Done, w.exports[1].Sessions[1].Fault = true, consent.ExportFaultErased
	})
	var list exportsJSON
	p.get("/api/v1/exports").want(http.StatusOK).into(&list)
	if len(list.Exports) != 2 || list.Exports[1].SessionsDone != 2 || len(list.Exports[1].LeftOut) != 1 || list.Exports[1].LeftOut[0].Why != consent.ExportFaultErased {
		t.Errorf("list %+v: want both, the second with one session in it and one left out", list)
	}
	if left := list.Exports[1].LeftOut[0].Session; left != first && left != second {
		t.Errorf("left out is %s, which is neither of the sessions", left)
	}
	other.get("/api/v1/exports").want(http.StatusOK).into(&list)
	if len(list.Exports) != 0 {
		t.Errorf("somebody else sees %+v", list)
	}
	unknown := p.do(http.MethodPost, "/api/v1/exports", map[string]any{"session": consent.NewID[consent.SessionID]()}).want(http.StatusNotFound).face()
	if foreign := other.do(http.MethodPost, "/api/v1/exports", map[string]any{"session": first}); foreign.face() != unknown {
		t.Errorf("a foreign session answers %s, an unknown one %s", foreign.face(), unknown)
	}
}

func TestExportRequestsAreBounded(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	for err, want := range map[error]int{consent.ErrExportUnderWay: http.StatusConflict, consent.ErrExportsSpent: http.StatusTooManyRequests} {
		s.set(func(w *world) { w.exportFails = err })
		p.do(http.MethodPost, "/api/v1/exports", map[string]any{}).want(want).problem()
	}
}

func TestDownloadSendsTheWholeFile(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	file, whole := chunks(3, 200_000)
	export := s.ready(p, file, len(whole), s.interview(t, p))
	got := p.get(downloadOf(export)).want(http.StatusOK)
	if !bytes.Equal(got.body, whole) {
		t.Errorf("%d bytes, want %d", len(got.body), len(whole))
	}
	for name, want := range map[string]string{
		"Content-Type": "application/zip", "Content-Length": "600000", "Cache-Control": "private, no-store",
		"Content-Disposition": `attachment; filename="greenroom-2026-11-22.zip"`,
	} {
		if got.header.Get(name) != want {
			t.Errorf("%s %q, want %q", name, got.header.Get(name), want)
		}
	}
	var checked exportJSON
	p.get("/api/v1/exports/" + string(export.ID)).want(http.StatusOK).into(&checked)
	if checked.ID != export.ID || checked.Bytes != int64(len(whole)) {
		t.Errorf("checked %+v", checked)
	}
}

// Whatever is not theirs, not ready or not permitted any more is not there, for the check and the file.
func TestDownloadIsDecidedAnew(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	file, whole := chunks(2, 1000)
	for name, spoil := range map[string]func(*world, *consent.Export){
		"queued":             func(_ *world, e *consent.Export) { e.State = consent.ExportQueued },
		"running":            func(_ *world, e *consent.Export) { e.State = consent.ExportRunning },
		"failed":             func(_ *world, e *consent.Export) { e.State = consent.ExportFailed },
		"gone":               func(_ *world, e *consent.Export) { e.State = consent.ExportGone },
		"somebody else's":    func(_ *world, e *consent.Export) { e.Account = consent.NewID[consent.AccountID]() },
		"a session erased":   func(w *world, e *consent.Export) { spoilSession(w, e, consent.SessionErased) },
		"a session going on": func(w *world, e *consent.Export) { spoilSession(w, e, consent.SessionLive) },
	} {
		p := s.candidate(t)
		export := s.ready(p, file, len(whole), s.interview(t, p), s.interview(t, p))
		s.set(func(w *world) {
			at := slices.IndexFunc(w.exports, func(e consent.Export) bool { return e.ID == export.ID })
			spoil(w, &w.exports[at])
		})
		unknown := p.get(downloadOf(consent.Export{ID: consent.NewID[consent.ExportID]()})).want(http.StatusNotFound).face()
		for _, path := range []string{downloadOf(export), "/api/v1/exports/" + string(export.ID)} {
			if got := p.get(path); got.face() != unknown {
				t.Errorf("%s: %s answers %s, want what an unknown one does", name, path, got.face())
			}
		}
	}
}

// spoilSession changes the last session of an export.
func spoilSession(w *world, e *consent.Export, state consent.SessionState) {
	id := e.Sessions[len(e.Sessions)-1].Session
	session := w.sessions[id]
	session.State = state
	w.sessions[id] = session
}

func TestDownloadNeedsAFreshProof(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	file, whole := chunks(1, 1000)
	export := s.ready(p, file, len(whole), s.interview(t, p))
	p.aged(5*time.Minute + time.Second)
	for _, path := range []string{downloadOf(export), "/api/v1/exports/" + string(export.ID)} {
		if got := p.get(path).want(http.StatusForbidden).problem(); got.Type != typeConfirm {
			t.Errorf("%s: problem %+v", path, got)
		}
	}
}

// What is taken away while the file is sent ends it in the middle, and so does a log-out.
func TestDownloadIsCutOff(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*stage, *person, consent.Export){
		"the key service refuses": func(s *stage, _ *person, _ consent.Export) {
			s.set(func(w *world) { w.exportFile = func(int) ([]byte, error) { return nil, consent.ErrNotFound } })
		},
		"the store fails": func(s *stage, _ *person, _ consent.Export) {
			s.set(func(w *world) { w.exportFile = func(int) ([]byte, error) { return nil, errors.New("store away") } })
		},
		"log-out": func(_ *stage, p *person, _ consent.Export) {
			p.do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t)
			p := s.candidate(t)
			file, whole := chunks(20, 1<<20)
			export := s.ready(p, file, len(whole), s.interview(t, p))
			response, err := s.http.Client().Do(p.request(http.MethodGet, downloadOf(export), nil))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			if _, err := io.ReadFull(response.Body, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			spoil(s, p, export)
			n, err := io.Copy(io.Discard, response.Body)
			if err == nil || n >= int64(len(whole))-1000 {
				t.Errorf("%d more bytes and %v: want the connection cut", n, err)
			}
			if logged := strings.Contains(s.log.String(), "download failed"); logged != (name == "the store fails") {
				t.Errorf("a fault is logged: %v\n%s", logged, s.log)
			}
		})
	}
}
