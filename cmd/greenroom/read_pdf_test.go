package main

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"greenroom/web"
)

// pdfOf writes a PDF (ISO 32000-1, 7.5) of objects, the first of which is its catalogue.
func pdfOf(trailer string, objects ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, trailer, start)
	return b.Bytes()
}

// page is a one-page document with the given stream of drawing operators.
func onePage(dictionary, stream string) []string {
	return []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d %s >>\nstream\n%s\nendstream", len(stream), dictionary, stream),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
}

func written(lines ...string) string {
	var b strings.Builder
	b.WriteString("BT /F1 12 Tf 72 760 Td 16 TL\n")
	for _, line := range lines {
		fmt.Fprintf(&b, "(%s) Tj T*\n", line)
	}
	b.WriteString("ET")
	return b.String()
}

// bomb is a stream that unpacks to the given number of bytes of drawing operators.
func bomb(t *testing.T, size int) string {
	t.Helper()
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	line := []byte("BT /F1 12 Tf 1 0 0 1 72 72 Tm (aaaaaaaa) Tj ET\n")
	for n := 0; n < size; n += len(line) {
		if _, err := w.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.String()
}

func newTestReader(t *testing.T) *pdfReader {
	t.Helper()
	reader, err := newPDFReader()
	if err != nil {
		t.Fatal(err)
	}
	if built := os.Getenv(testProgram); built != "" { // eight times faster, and a document is read by one goroutine
		reader.program = built
	}
	return reader
}

func TestTextOfAPDF(t *testing.T) {
	t.Parallel()
	file := pdfOf("", onePage("", written("Data analyst", "Five years of SQL and Tableau."))...)
	text, cut, err := newTestReader(t).Read(t.Context(), file)
	if err != nil || cut || text != "Data analyst\nFive years of SQL and Tableau." {
		t.Errorf("Read = %q, %v, %v", text, cut, err)
	}
}

// What people and programs send that is no plain résumé. None of it may take the server with it, and each
// says why there is no text.
func TestPDFsThatAreMeantToHurt(t *testing.T) {
	t.Parallel()
	whole := pdfOf("", onePage("", written("A line of text."))...)
	loop := onePage("", written("x"))
	loop[1] = "<< /Type /Pages /Kids [2 0 R] /Count 1 >>" // its own child
	action := onePage("", written("Only text."))
	action[0] = "<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> /AA << /WC << /S /Launch /F (calc) >> >> >>"
	carrier := append(onePage("", written("Only text.")),
		"<< /Type /Filespec /F (cv.exe) /UF (cv.exe) /EF << /F 7 0 R >> >>", "<< /Type /EmbeddedFile /Length 10 >>\nstream\nMZ no text\nendstream")
	carrier[0] = "<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles << /Names [(cv.exe) 6 0 R] >> >> >>"
	deep := onePage("", written("deep"))
	deep[0] = "<< /Type /Catalog /Pages 2 0 R /Deep " + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + " >>"
	for _, c := range []struct {
		name string
		file []byte
		want error
		text string
	}{
		{"nothing", nil, web.ErrPDFDamaged, ""},
		{"noise", bytes.Repeat([]byte("%PDF-1.7\x00\xff"), 10_000), web.ErrPDFDamaged, ""},
		{"cut off", whole[:len(whole)/3], web.ErrPDFDamaged, ""},
		{"no page with text", pdfOf("", onePage("", "0 0 100 100 re f")...), web.ErrPDFNoText, ""},
		{"encrypted", pdfOf("/Encrypt << /Filter /Standard /V 2 /R 3 /Length 128 /P -44 /O <"+strings.Repeat("11", 32)+"> /U <"+strings.Repeat("22", 32)+"> >> /ID [<00><00>]",
			onePage("", written("secret"))...), web.ErrPDFEncrypted, ""},
		{"pages in a circle", pdfOf("", loop...), nil, "*"},
		{"scripts and programs to start", pdfOf("", action...), nil, "Only text."},
		{"a file inside", pdfOf("", carrier...), nil, "Only text."},
		{"deep arrays", pdfOf("", deep...), nil, "*"},
		{"a bomb of 256 MB", pdfOf("", onePage("/Filter /FlateDecode", bomb(t, 256<<20))...), nil, "*"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if len(c.file) > mostPDFBytes {
				t.Fatalf("the file has %d bytes: the server would not take it", len(c.file))
			}
			began := time.Now()
			text, _, err := newTestReader(t).Read(t.Context(), c.file)
			t.Logf("%s: %d bytes, %v after %s", c.name, len(text), err, time.Since(began).Round(time.Millisecond))
			switch {
			case c.text == "*": // a text, or none and a reason; and not for ever
				if err != nil && !errors.Is(err, web.ErrPDFDamaged) && !errors.Is(err, web.ErrPDFNoText) {
					t.Errorf("Read = %v", err)
				}
				if len(text) > mostPDFText {
					t.Errorf("the text has %d bytes", len(text))
				}
			case !errors.Is(err, c.want) || text != c.text:
				t.Errorf("Read = %q, %v, want %q, %v", text, err, c.text, c.want)
			}
		})
	}
}

func TestPDFsWaitForASeat(t *testing.T) {
	t.Parallel()
	reader := newTestReader(t)
	for range pdfSeats {
		reader.seats <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := reader.Read(ctx, nil); !errors.Is(err, web.ErrPDFBusy) {
		t.Errorf("Read without a seat = %v, want ErrPDFBusy", err)
	}
}

func TestPlainLines(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, want string }{
		{"a  b\r\n\tc\u00a0d \r\n", "a b\nc d"},
		{"one\n\n\n\ntwo", "one\n\ntwo"},
		{"hid\u200bden \x1b[31mred\xff", "hidden [31mred"},
		{" \n \n", ""},
		{"first\n" + strings.Repeat("x", 60), "first"},
	} {
		if got := plainLines(c.in, 50); got != c.want {
			t.Errorf("plainLines(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}
