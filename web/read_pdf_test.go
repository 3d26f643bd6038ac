package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
)

// noPDFs reads nothing; tests that send a file bring their own.
type noPDFs struct{}

func (noPDFs) Read(context.Context, []byte) (string, bool, error) { return "", false, ErrPDFDamaged }

// scriptedPDFs answers by a function.
type scriptedPDFs func(file []byte) (string, bool, error)

func (s scriptedPDFs) Read(_ context.Context, file []byte) (string, bool, error) { return s(file) }

func (p *person) sendPDF(kind, file string) (int, string) {
	p.t.Helper()
	r := p.request(http.MethodPost, "/api/v1/read-pdf", file)
	r.Header.Set("Content-Type", kind)
	answer := p.send(r)
	return answer.status, string(answer.body)
}

func TestPDFIsReadForItsSender(t *testing.T) {
	t.Parallel()
	s := newStage(t, func(c *Config) {
		c.PDF = scriptedPDFs(func(file []byte) (string, bool, error) { return "read " + string(file[5:]), true, nil })
	})
	status, answer := s.candidate(t).sendPDF("application/pdf", "%PDF-1.7")
	if status != http.StatusOK || !strings.Contains(answer, `"text":"read 1.7"`) || !strings.Contains(answer, `"cut":true`) {
		t.Errorf("a PDF was answered with %d %s", status, answer)
	}
	if strings.Contains(s.log.String(), "read 1.7") {
		t.Error("the text of a PDF is in the log")
	}
}

func TestPDFThatIsNoneIsRefusedWithTheNextStep(t *testing.T) {
	t.Parallel()
	var says error
	s := newStage(t, func(c *Config) {
		c.PDF = scriptedPDFs(func([]byte) (string, bool, error) { return "", false, says })
		c.Limits.PDFPerMinute = 7
	})
	sender := s.candidate(t)
	for _, c := range []struct {
		name, kind, file string
		says             error
		status           int
		want             string
	}{
		{"another type", "text/plain", "%PDF-1.7", nil, http.StatusUnsupportedMediaType, "paste the text"},
		{"no PDF inside", "application/pdf", "PK\x03\x04", nil, http.StatusUnsupportedMediaType, "not a PDF"},
		{"larger than is taken", "application/pdf", "%PDF-" + strings.Repeat("x", maxBody), nil, http.StatusRequestEntityTooLarge, "1 MB"},
		{"encrypted", "application/pdf", "%PDF-1.7", ErrPDFEncrypted, http.StatusUnprocessableEntity, "password"},
		{"pictures only", "application/pdf", "%PDF-1.7", ErrPDFNoText, http.StatusUnprocessableEntity, "no text"},
		{"damaged", "application/pdf", "%PDF-1.7", ErrPDFDamaged, http.StatusUnprocessableEntity, "cannot be read"},
		{"too many at once", "application/pdf", "%PDF-1.7", ErrPDFBusy, http.StatusServiceUnavailable, "in a minute"},
		{"more than an account may", "application/pdf", "%PDF-1.7", nil, http.StatusTooManyRequests, "faster"},
	} {
		says = c.says
		if status, answer := sender.sendPDF(c.kind, c.file); status != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: answered with %d %s, want %d with %q", c.name, status, answer, c.status, c.want)
		}
	}
}
