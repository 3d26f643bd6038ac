package export

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// ErrNotExport says that a file is not a whole export: it was cut, changed, added to, or never was one.
var ErrNotExport = errors.New("not an export as a server made it")

// How much is read of a file before its signature is known to be good, and how large a document may be
// that is held in memory after that. A transcript of two hours has about 3 MiB.
const (
	maxFiles    = 20_000
	maxManifest = 8 << 20
	maxDocument = 64 << 20
)

// Checks are how signatures are checked.
type Checks struct {
	// Open checks a signature of a server's notary and decodes what was signed.
	Open func(signature string, body any) error
	// Receipt checks a receipt's file; nil: receipts are checked like any other file.
	Receipt func(text []byte) error
}

// Verified is what a good export holds.
type Verified struct {
	Manifest   Manifest
	Bytes      int64 // of all files, unpacked
	Recordings int
	Receipts   int
}

// verifying is one check on its way.
type verifying struct {
	Checks
	files    map[string]*zip.File
	manifest Manifest
	result   Verified
}

// Verify checks an export without asking anybody: that it is whole and nothing was changed, left out or
// added since the server signed it, that its documents fit its schema and each other, and its receipts.
// It reads each file once and holds one document at a time. Errors wrap [ErrNotExport].
func Verify(file io.ReaderAt, size int64, checks Checks) (Verified, error) {
	v := &verifying{Checks: checks}
	return v.verify(file, size)
}

func (v *verifying) verify(file io.ReaderAt, size int64) (Verified, error) {
	for _, step := range []func() error{
		func() error { return v.open(file, size) },
		v.checkManifest, v.checkListed, v.checkFiles, v.checkDocuments,
	} {
		if err := step(); err != nil {
			if !errors.Is(err, ErrNotExport) {
				err = fmt.Errorf("%w: %w", ErrNotExport, err)
			}
			return Verified{}, err
		}
	}
	v.result.Manifest = v.manifest
	return v.result, nil
}

// open reads the directory of the ZIP and refuses what no export has, before anything is unpacked.
func (v *verifying) open(file io.ReaderAt, size int64) error {
	if err := endsExactly(file, size); err != nil {
		return err
	}
	directory, err := zip.NewReader(file, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // the names are looked at below
		return fmt.Errorf("it is no whole ZIP file; it was cut short, or never was one: %w", err)
	}
	if len(directory.File) > maxFiles {
		return fmt.Errorf("it has %d files, at most %d are looked at", len(directory.File), maxFiles)
	}
	v.files = make(map[string]*zip.File, len(directory.File))
	var packed uint64
	for _, f := range directory.File {
		if err := checkName(f.Name); err != nil {
			return err
		}
		if v.files[f.Name] != nil {
			return fmt.Errorf("%s is in it twice: one reader would see the first and another the second", f.Name)
		}
		if f.Method != method(f.Name) || f.Flags&1 != 0 || !f.Mode().IsRegular() {
			return fmt.Errorf("%s is not packed as an export packs it", f.Name)
		}
		// Files that share their packed bytes are how a small ZIP becomes a huge one.
		if packed += f.CompressedSize64; f.CompressedSize64 > uint64(size) || packed > uint64(size) {
			return fmt.Errorf("its files claim more bytes than it has: they overlap")
		}
		v.files[f.Name] = f
	}
	return nil
}

// endsExactly: nothing follows the ZIP's end record, and there is no comment in it.
func endsExactly(file io.ReaderAt, size int64) error {
	const endRecord = 22
	var end [endRecord]byte
	if size < endRecord {
		return fmt.Errorf("it has %d bytes, which is less than the smallest ZIP file", size)
	}
	if _, err := file.ReadAt(end[:], size-endRecord); err != nil {
		return fmt.Errorf("read its end: %w", err)
	}
	if !bytes.HasPrefix(end[:], []byte("PK\x05\x06")) || end[endRecord-2] != 0 || end[endRecord-1] != 0 {
		return errors.New("it does not end where a ZIP file ends: it was cut short, or something was added behind it")
	}
	return nil
}

// checkManifest reads the manifest and compares its hash with the one that was signed.
func (v *verifying) checkManifest() error {
	text, err := v.read(manifestName, maxManifest)
	if err != nil {
		return err
	}
	signature, err := v.read(signatureName, 2*maxManifest)
	if err != nil {
		return err
	}
	var seal Seal
	if err := v.Open(string(signature), &seal); err != nil {
		return fmt.Errorf("%s: %w", signatureName, err)
	}
	if sum := sha256.Sum256(text); seal.Manifest != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("%s is not what the server signed: it was changed", manifestName)
	}
	if err := json.Unmarshal(text, &v.manifest); err != nil {
		return fmt.Errorf("read %s: %w", manifestName, err)
	}
	if v.manifest.Kind != kindManifest || v.manifest.Schema != Schema || seal.Schema != Schema {
		return fmt.Errorf("its layout is %q, this program knows %q: use a newer greenroom", v.manifest.Schema, Schema)
	}
	if seal.Export != v.manifest.Export || seal.Account != v.manifest.Account || !seal.Created.Equal(v.manifest.Created) {
		return fmt.Errorf("%s is about another export than %s", manifestName, signatureName)
	}
	return nil
}

// checkListed: the manifest and the ZIP name the same files with the same sizes.
func (v *verifying) checkListed() error {
	listed := map[string]bool{manifestName: true, signatureName: true}
	for _, f := range v.manifest.Files {
		there := v.files[f.Name]
		switch {
		case listed[f.Name]:
			return fmt.Errorf("the manifest lists %s twice", f.Name)
		case there == nil:
			return fmt.Errorf("%s is missing: the manifest lists it", f.Name)
		case there.UncompressedSize64 != uint64(f.Size):
			return fmt.Errorf("%s has %d bytes, the manifest says %d: it was changed", f.Name, there.UncompressedSize64, f.Size)
		}
		listed[f.Name] = true
	}
	for name := range v.files {
		if !listed[name] {
			return fmt.Errorf("%s was added: the manifest does not list it", name)
		}
	}
	return nil
}

// checkFiles unpacks every file as a stream and compares its hash.
func (v *verifying) checkFiles() error {
	for _, f := range v.manifest.Files {
		if err := v.checkFile(f); err != nil {
			return err
		}
		v.result.Bytes += f.Size
	}
	return nil
}

func (v *verifying) checkFile(f File) error {
	in, err := v.files[f.Name].Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Name, err)
	}
	defer func() { _ = in.Close() }()
	sum := sha256.New()
	var begin prefix
	n, err := io.Copy(io.MultiWriter(sum, &begin), io.LimitReader(in, f.Size+1))
	if err != nil {
		return fmt.Errorf("read %s: it was damaged: %w", f.Name, err)
	}
	if n != f.Size || hex.EncodeToString(sum.Sum(nil)) != f.SHA256 {
		return fmt.Errorf("%s was changed: it is not what the manifest lists", f.Name)
	}
	if strings.HasSuffix(f.Name, "/"+recordingName) && !begin.isWebM() {
		return fmt.Errorf("%s is no WebM file", f.Name)
	}
	return nil
}

// prefix keeps the first bytes that go through it.
type prefix struct{ kept []byte }

func (p *prefix) Write(data []byte) (int, error) {
	const most = 64
	if room := most - len(p.kept); room > 0 {
		p.kept = append(p.kept, data[:min(room, len(data))]...)
	}
	return len(data), nil
}

// isWebM: an EBML header that names the document type (Matroska, section 4.5 of RFC 9559).
func (p *prefix) isWebM() bool {
	return bytes.HasPrefix(p.kept, []byte{0x1A, 0x45, 0xDF, 0xA3}) && bytes.Contains(p.kept, []byte("webm"))
}

// read unpacks a file of at most so many bytes.
func (v *verifying) read(name string, most int64) ([]byte, error) {
	f := v.files[name]
	if f == nil {
		return nil, fmt.Errorf("%s is missing", name)
	}
	if f.UncompressedSize64 > uint64(most) {
		return nil, fmt.Errorf("%s has %d bytes, at most %d are read", name, f.UncompressedSize64, most)
	}
	in, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = in.Close() }()
	text, err := io.ReadAll(io.LimitReader(in, most+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: it was damaged: %w", name, err)
	}
	if int64(len(text)) > most {
		return nil, fmt.Errorf("%s unpacks to more than it says", name)
	}
	return text, nil
}
