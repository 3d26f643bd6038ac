package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
	"unicode/utf8"

	"greenroom/web"
)

const (
	pdfSeats     = 2 // processes at once: each takes up to 400 MB for a second or two
	pdfQueueWait = 10 * time.Second
	pdfTime      = 25 * time.Second
	mostPDFError = 4 << 10 // bytes of what the process says went wrong
)

// pdfReader starts a process of its own for each file.
type pdfReader struct {
	program string // this program
	seats   chan struct{}
}

func newPDFReader() (*pdfReader, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return &pdfReader{program: program, seats: make(chan struct{}, pdfSeats)}, nil
}

// Read returns the text of a PDF and whether it was cut; its errors are those of [web.PDFReader].
func (p *pdfReader) Read(ctx context.Context, file []byte) (text string, cut bool, err error) {
	wait, cancel := context.WithTimeout(ctx, pdfQueueWait)
	defer cancel()
	select {
	case p.seats <- struct{}{}:
		defer func() { <-p.seats }()
	case <-wait.Done():
		return "", false, web.ErrPDFBusy
	}
	ctx, cancel = context.WithTimeout(ctx, pdfTime)
	defer cancel()
	command := exec.CommandContext(ctx, p.program, "read-pdf")  //nolint:gosec // this program itself
	command.Env = []string{"GOMEMLIMIT=384MiB", "GOMAXPROCS=2"} // and nothing else: it needs to know nothing
	command.Stdin = bytes.NewReader(file)
	out, said := &bounded{most: 8 * mostPDFText}, &bounded{most: mostPDFError}
	command.Stdout, command.Stderr = out, said
	command.WaitDelay = time.Second
	if err := command.Run(); err != nil {
		if ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return "", false, fmt.Errorf("%w: %w", web.ErrPDFDamaged, err) // it used up what it may have
		}
		return "", false, fmt.Errorf("read PDF: %w", ctx.Err())
	}
	var answer pdfAnswer
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		return "", false, fmt.Errorf("%w: its reader answered something else than JSON", web.ErrPDFDamaged)
	}
	switch {
	case answer.Problem == pdfEncrypted:
		return "", false, web.ErrPDFEncrypted
	case answer.Problem == pdfNoText:
		return "", false, web.ErrPDFNoText
	case answer.Problem != "" || len(answer.Text) > mostPDFText || !utf8.ValidString(answer.Text):
		return "", false, web.ErrPDFDamaged
	}
	return answer.Text, answer.Cut, nil
}

// bounded keeps what fits; more is an error, which ends the process that writes it.
type bounded struct {
	bytes.Buffer

	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	if b.Len()+len(p) > b.most {
		return 0, io.ErrShortWrite
	}
	return b.Buffer.Write(p)
}
