package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode"

	pdfium "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// A PDF that somebody sends is read by PDFium, compiled to WebAssembly, in a process of its own: the
// machine that runs it has 128 MiB, no files and no sockets, and the process around it has little of
// everything (limitReader). The server starts it anew for each file and believes only its text.

const (
	mostPDFBytes  = 1 << 20 // as much as the server takes of any request
	mostPDFPages  = 30
	mostPDFText   = 100_000         // bytes
	mostPDFMemory = 128 << 20 >> 16 // of the WebAssembly machine, in pages of 64 KiB
)

// pdfAnswer is what the process says: either a text or why there is none.
type pdfAnswer struct {
	Text    string     `json:"text"`
	Cut     bool       `json:"cut"` // there was more than is read
	Problem pdfProblem `json:"problem"`
}

type pdfProblem string

const (
	pdfEncrypted pdfProblem = "encrypted"
	pdfDamaged   pdfProblem = "damaged" // or no PDF at all
	pdfNoText    pdfProblem = "no_text" // pictures of pages
)

type readPDFCommand struct{}

// Run reads a PDF from standard input and writes a pdfAnswer to standard output.
func (readPDFCommand) Run() error {
	if err := limitReader(); err != nil {
		return fmt.Errorf("limit this process: %w", err)
	}
	file, err := io.ReadAll(io.LimitReader(os.Stdin, mostPDFBytes+1))
	if err != nil {
		return fmt.Errorf("read standard input: %w", err)
	}
	if len(file) > mostPDFBytes {
		return errors.New("the file is too large")
	}
	answer, err := readPDF(file)
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func readPDF(file []byte) (pdfAnswer, error) {
	// Interpreted: compiling PDFium takes four seconds, reading thirty pages without that takes less.
	config := wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(mostPDFMemory).
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling)
	pool, err := webassembly.Init(webassembly.Config{
		MinIdle: 1, MaxIdle: 1, MaxTotal: 1, RuntimeConfig: config,
		FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		return pdfAnswer{}, fmt.Errorf("start PDFium: %w", err)
	}
	defer func() { _ = pool.Close() }() // the process ends
	reader, err := pool.GetInstance(0)
	if err != nil {
		return pdfAnswer{}, fmt.Errorf("start PDFium: %w", err)
	}
	document, err := reader.OpenDocument(&requests.OpenDocument{File: &file})
	if errors.Is(err, pdfium.ErrPassword) || errors.Is(err, pdfium.ErrSecurity) {
		return pdfAnswer{Problem: pdfEncrypted}, nil
	}
	if err != nil {
		return pdfAnswer{Problem: pdfDamaged}, nil
	}
	count, err := reader.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: document.Document})
	if err != nil {
		return pdfAnswer{Problem: pdfDamaged}, nil
	}
	var text strings.Builder
	answer := pdfAnswer{Cut: count.PageCount > mostPDFPages}
	for index := range min(count.PageCount, mostPDFPages) {
		page := requests.Page{ByIndex: &requests.PageByIndex{Document: document.Document, Index: index}}
		read, err := reader.GetPageText(&requests.GetPageText{Page: page})
		if err != nil {
			continue // one broken page need not cost the others
		}
		text.WriteString(read.Text)
		text.WriteString("\n\n")
		if text.Len() > mostPDFText {
			answer.Cut = true
			break
		}
	}
	answer.Text = plainLines(text.String(), mostPDFText)
	if answer.Text == "" {
		return pdfAnswer{Problem: pdfNoText}, nil
	}
	return answer, nil
}

// plainLines keeps what somebody can read: lines of visible text with single spaces, at most one empty
// line in a row, at most so many bytes.
func plainLines(text string, most int) string {
	var out strings.Builder
	empty := 0
	for line := range strings.Lines(strings.ToValidUTF8(strings.ReplaceAll(text, "\r", "\n"), "")) {
		line = strings.Map(func(r rune) rune {
			switch {
			case unicode.IsSpace(r):
				return ' '
			case !unicode.IsGraphic(r):
				return -1
			}
			return r
		}, line)
		line = strings.Join(strings.Fields(line), " ")
		if line == "" {
			empty++
			continue
		}
		if out.Len()+len(line)+2 > most {
			break
		}
		switch {
		case out.Len() == 0:
		case empty > 1:
			out.WriteString("\n\n")
		default:
			out.WriteString("\n")
		}
		out.WriteString(line)
		empty = 0
	}
	return out.String()
}
