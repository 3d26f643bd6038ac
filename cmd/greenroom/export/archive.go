package export

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"
)

// archive writes files into a ZIP one after the other and notes what it wrote. It holds none of them: a
// ZIP of any length needs what the compressor needs.
type archive struct {
	zip     *zip.Writer
	created time.Time
	files   []File
}

func newArchive(out io.Writer, created time.Time) *archive {
	return &archive{zip: zip.NewWriter(out), created: created.UTC()}
}

// method: media is compressed already.
func method(name string) uint16 {
	if strings.HasSuffix(name, ".webm") {
		return zip.Store
	}
	return zip.Deflate
}

// add writes one file. An error leaves a ZIP that nobody can use: the caller gives it up.
func (a *archive) add(name string, write func(io.Writer) error) error {
	out, err := a.zip.CreateHeader(&zip.FileHeader{Name: name, Method: method(name), Modified: a.created})
	if err != nil {
		return fmt.Errorf("begin %s: %w", name, err)
	}
	counted := &hashed{to: out, sum: sha256.New()}
	if err := write(counted); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	a.files = append(a.files, File{Name: name, Size: counted.size, SHA256: hex.EncodeToString(counted.sum.Sum(nil))})
	return nil
}

func (a *archive) addBytes(name string, data []byte) error {
	return a.add(name, func(out io.Writer) error {
		_, err := out.Write(data)
		return err
	})
}

func (a *archive) addJSON(name string, document any) error {
	text, err := jsonText(document)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return a.addBytes(name, text)
}

// finish writes the manifest, signed, and the directory of the ZIP. The manifest is the last file, because
// it knows the others.
func (a *archive) finish(manifest Manifest, sign func(body any) (string, error)) error {
	manifest.Kind, manifest.Schema, manifest.Created, manifest.Files = kindManifest, Schema, a.created, a.files
	text, err := jsonText(manifest)
	if err != nil {
		return fmt.Errorf("write the manifest: %w", err)
	}
	sum := sha256.Sum256(text)
	signature, err := sign(Seal{
		Schema: Schema, Export: manifest.Export, Account: manifest.Account, Created: a.created, Manifest: hex.EncodeToString(sum[:]),
	})
	if err != nil {
		return fmt.Errorf("sign the manifest: %w", err)
	}
	if err := a.addBytes(manifestName, text); err != nil {
		return err
	}
	if err := a.addBytes(signatureName, []byte(signature)); err != nil {
		return err
	}
	if err := a.zip.Close(); err != nil {
		return fmt.Errorf("end the ZIP: %w", err)
	}
	return nil
}

func jsonText(document any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it is read by people, too
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// hashed counts and hashes what goes through it.
type hashed struct {
	to   io.Writer
	sum  hash.Hash
	size int64
}

func (h *hashed) Write(data []byte) (int, error) {
	n, err := h.to.Write(data)
	h.sum.Write(data[:n])
	h.size += int64(n)
	return n, err
}
