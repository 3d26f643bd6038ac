package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPageServesFilesAndRoutes(t *testing.T) {
	t.Parallel()
	p := page{index: []byte("<title>Greenroom</title>"), files: fstest.MapFS{
		"index.html": {Data: []byte("index")}, "assets/room-5f3a.js": {Data: []byte("let x")},
		"assets/serif-1.woff2": {Data: []byte("font")}, "favicon.svg": {Data: []byte("<svg/>")},
	}}
	for path, want := range map[string]struct {
		status             int
		cache, contentType string
	}{
		"/":                     {200, "no-store", "text/html; charset=utf-8"},
		"/sessions/abc/room":    {200, "no-store", "text/html; charset=utf-8"},
		"/org/reports/abc":      {200, "no-store", "text/html; charset=utf-8"},
		"/assets/room-5f3a.js":  {200, "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		"/assets/serif-1.woff2": {200, "public, max-age=31536000, immutable", "font/woff2"},
		"/favicon.svg":          {200, "no-cache", "image/svg+xml"},
		"/assets/room-old.js":   {404, "", problemType},
		"/assets/":              {404, "", problemType},
		"/assets/nothing":       {404, "", problemType},
		"/index.html":           {404, "", problemType},
		"/.env":                 {404, "", problemType},
		"/../server.go":         {404, "", problemType},
	} {
		w := httptest.NewRecorder()
		p.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		h := w.Result().Header
		if w.Code != want.status || h.Get("Cache-Control") != want.cache || h.Get("Content-Type") != want.contentType {
			t.Errorf("%s: got %d %q %q, want %+v", path, w.Code, h.Get("Cache-Control"), h.Get("Content-Type"), want)
		}
	}
}

func TestPageThatIsNotBuiltSaysSo(t *testing.T) {
	t.Parallel()
	index, err := built.ReadFile(placeholder)
	if err != nil || !strings.Contains(string(index), "make run") {
		t.Fatalf("placeholder %q, %v: want the next step", index, err)
	}
	w := httptest.NewRecorder()
	page{index: index}.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assets/x.js", nil))
	if w.Code != http.StatusNotFound {
		t.Errorf("a file of an unbuilt page: got %d, want 404", w.Code)
	}
}

func TestUnknownAddressesOfTheAPIAreProblems(t *testing.T) {
	t.Parallel()
	p := newStage(t).nobody(t)
	for _, path := range []string{"/api", "/api/", "/api/v2/me", "/api/v1/sessionz", "/api/v1/shared/a%2Fb/report/x"} {
		p.get(path).want(http.StatusNotFound).problem()
	}
	p.do(http.MethodDelete, "/api/v1/bank", nil).want(http.StatusNotFound)
	p.do(http.MethodPost, "/login", nil).want(http.StatusMethodNotAllowed).problem()
}
