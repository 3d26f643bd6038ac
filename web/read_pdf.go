package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"greenroom/consent"
)

// PDFReader takes the text out of a PDF.
type PDFReader interface {
	// Read returns the text, and whether the file held more than is read. Its errors wrap one of the four
	// below where the file or the load is the reason.
	Read(ctx context.Context, file []byte) (text string, cut bool, err error)
}

// Why a PDF has no text for us.
var (
	ErrPDFEncrypted = errors.New("the PDF is encrypted")
	ErrPDFDamaged   = errors.New("the PDF cannot be read")
	ErrPDFNoText    = errors.New("the PDF has no text")
	ErrPDFBusy      = errors.New("too many PDFs are being read")
)

type pdfTextJSON struct {
	Text string `json:"text"`
	Cut  bool   `json:"cut" doc:"The file held more than is read."`
}

func (s *Server) pdfRoutes() {
	const path = apiPrefix + "/read-pdf"
	s.routes = append(s.routes, route{http.MethodPost + " " + path, candidate, false})
	s.mux.HandleFunc(http.MethodPost+" "+path, func(w http.ResponseWriter, r *http.Request) {
		account, refused := s.admit(r, candidate)
		if refused != nil {
			writeProblem(w, refused)
			return
		}
		s.readPDF(w, r, account)
	})
	schemas := s.api.OpenAPI().Components.Schemas
	s.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "read-pdf", Method: http.MethodPost, Path: path,
		Summary:     "The text of a PDF of at most 1 MB, for its sender to look at; nothing of it is kept",
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/pdf": {}}},
		Responses: map[string]*huma.Response{
			"200": {Description: http.StatusText(http.StatusOK), Content: map[string]*huma.MediaType{
				"application/json": {Schema: schemas.Schema(reflect.TypeFor[pdfTextJSON](), true, "PdfText")},
			}},
			"default": {Description: "A problem (RFC 9457)", Content: map[string]*huma.MediaType{
				problemType: {Schema: schemas.Schema(reflect.TypeFor[problem](), true, "Problem")},
			}},
		},
	})
}

const (
	slowestUpload = 30 * time.Second // how long a file may take to arrive
	longestPDF    = 35 * time.Second // how long one may wait for its turn and be read
)

func (s *Server) readPDF(w http.ResponseWriter, r *http.Request, account consent.Account) {
	if wait := s.pdfs.allow(string(account.ID)); wait > 0 {
		writeProblem(w, tooMany("You are sending files faster than this server reads them.", wait))
		return
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(slowestUpload)) // not every connection has one
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/pdf" {
		writeProblem(w, newProblem(http.StatusUnsupportedMediaType, "That is not a PDF.", "Choose a PDF file, or paste the text."))
		return
	}
	file, err := io.ReadAll(r.Body) // bounded for every request
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Time{})                                  // else it would end the request while the file is read
	_ = control.SetWriteDeadline(time.Now().Add(longestPDF + 10*time.Second)) // the one of every answer began with the upload
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		writeProblem(w, newProblem(http.StatusRequestEntityTooLarge, "The PDF has more than 1 MB.", "Paste the text, or make the file smaller, for example without pictures."))
		return
	}
	if err != nil {
		writeProblem(w, newProblem(http.StatusBadRequest, "The file did not arrive whole.", "Send it again."))
		return
	}
	if !bytes.Contains(file[:min(len(file), 1024)], []byte("%PDF-")) { // ISO 32000-1, annex H, note 13
		writeProblem(w, newProblem(http.StatusUnsupportedMediaType, "That is not a PDF.", "Choose a PDF file, or paste the text."))
		return
	}
	text, cut, err := s.cfg.PDF.Read(r.Context(), file)
	switch {
	case errors.Is(err, ErrPDFEncrypted):
		writeProblem(w, newProblem(http.StatusUnprocessableEntity, "The PDF is locked with a password.", "Save it without one, or paste the text."))
	case errors.Is(err, ErrPDFNoText):
		writeProblem(w, newProblem(http.StatusUnprocessableEntity, "The PDF has no text in it, only pictures of text.", "Paste the text instead."))
	case errors.Is(err, ErrPDFDamaged):
		writeProblem(w, newProblem(http.StatusUnprocessableEntity, "The PDF cannot be read.", "Save it again from the program it was made with, or paste the text."))
	case errors.Is(err, ErrPDFBusy):
		writeProblem(w, newProblem(http.StatusServiceUnavailable, "Too many files are being read at the moment.", "Try again in a minute, or paste the text."))
	case err != nil:
		writeProblem(w, s.failed(r.Context(), err))
	default:
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(pdfTextJSON{Text: text, Cut: cut}) // a page that went away needs no answer
	}
}
