package export

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
)

// packed is one file of a ZIP that is made by hand.
type packed struct {
	name   string
	text   []byte
	method uint16
}

// files lists what is in an export, in its order.
func filesOf(t *testing.T, file []byte) []packed {
	t.Helper()
	archive, err := zip.NewReader(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	unpacked := unpack(t, file)
	list := make([]packed, 0, len(archive.File))
	for _, f := range archive.File {
		list = append(list, packed{f.Name, unpacked[f.Name], f.Method})
	}
	return list
}

func pack(t *testing.T, files []packed) []byte {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, f := range files {
		w, err := archive.CreateHeader(&zip.FileHeader{Name: f.name, Method: f.method})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(f.text); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// example is a small export with everything that one can have.
func example(t *testing.T) (*world, consent.SessionID, []byte) {
	t.Helper()
	w := newWorld(t)
	id := w.add(consent.SessionAssessed, time.Second)
	w.add(consent.SessionErased, 0)
	w.receipts[id] = []consent.HeldReceipt{{ID: "abc-1", File: consent.ReceiptFile{Receipt: "a receipt"}}}
	return w, id, w.file(t)
}

func TestVerifyTakesWhatWasWritten(t *testing.T) {
	t.Parallel()
	w, _, file := example(t)
	got, err := w.verify(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.Recordings != 1 || got.Receipts != 1 || got.Manifest.Account != w.account.ID || len(got.Manifest.Files) != 7 || got.Bytes < 200_000 {
		t.Errorf("verified %+v", got)
	}
	// Packing it anew changes no file, so it is still the same export.
	if _, err := w.verify(pack(t, filesOf(t, file))); err != nil {
		t.Errorf("packed anew: %v", err)
	}
}

func TestVerifyRefusesWhatWasChanged(t *testing.T) {
	t.Parallel()
	w, id, file := example(t)
	folder := folderOf(id)
	edit := func(name string, change func([]byte) []byte) func([]packed) []packed {
		return func(files []packed) []packed {
			for i := range files {
				if files[i].name == name {
					files[i].text = change(bytes.Clone(files[i].text))
				}
			}
			return files
		}
	}
	add := func(name, text string) func([]packed) []packed {
		return func(files []packed) []packed { return append(files, packed{name, []byte(text), method(name)}) }
	}
	remove := func(name string) func([]packed) []packed {
		return func(files []packed) []packed {
			var left []packed
			for _, f := range files {
				if f.name != name {
					left = append(left, f)
				}
			}
			return left
		}
	}
	flip := func(text []byte) []byte { text[len(text)/2] ^= 1; return text }
	for name, c := range map[string]struct {
		change func([]packed) []packed
		want   string
	}{
		"a word of the transcript": {edit(folder+transcriptName, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("zebra"), []byte("ZEBRA")) }), "transcript.json was changed"},
		"a bit of the recording":   {edit(folder+recordingName, flip), "recording.webm was changed"},
		"a shorter recording":      {edit(folder+recordingName, func(b []byte) []byte { return b[:len(b)-1] }), "recording.webm has"},
		"a receipt":                {edit(folder+receiptsFolder+"abc-1.json", flip), "abc-1.json was changed"},
		"the schema":               {edit(schemaName, flip), "schema.json was changed"},
		"the manifest":             {edit(manifestName, func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("erased"), []byte("held")) }), "not what the server signed"},
		"the signature":            {edit(signatureName, func(b []byte) []byte { b[len(b)-3] ^= 1; return b }), "manifest.jws"},
		"no signature":             {remove(signatureName), "manifest.jws is missing"},
		"no manifest":              {remove(manifestName), "manifest.json is missing"},
		"no recording":             {remove(folder + recordingName), "recording.webm is missing"},
		"no account":               {remove(accountName), "data.json is missing"},
		"a file more":              {add(folderOf("aaaaaaaaaaaaaaaaaaaaaaaaaa")+sessionName, "{}"), "was added"},
		"a file twice":             {add(accountName, "{}"), "twice"},
		"an unknown name":          {add("setup.exe", ""), "which no export has"},
		"a name in upper case":     {add("DATA.json", ""), "which no export has"},
		"up and out":               {add("sessions/../../../etc/passwd", ""), "outside its folder"},
		"an absolute name":         {add("/etc/passwd", ""), "outside its folder"},
		"a drive":                  {add(`C:\data.json`, ""), "outside its folder"},
		"a folder":                 {add("sessions/", ""), "which no export has"},
		"packed otherwise": {func(files []packed) []packed {
			files[0].method = zip.Store ^ files[0].method ^ zip.Deflate
			return files
		}, "not packed as"},
		"an empty ZIP": {func([]packed) []packed { return nil }, "manifest.json is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, w, pack(t, c.change(filesOf(t, file))), c.want)
		})
	}
}

// refused checks that a file is refused for the reason, and that the reason is told in one sentence.
func refused(t *testing.T, w *world, file []byte, want string) {
	t.Helper()
	got, err := w.verify(file)
	if !errors.Is(err, ErrNotExport) || !strings.Contains(err.Error(), want) || got.Bytes != 0 {
		t.Errorf("verify: %+v, %v; want an error that says %q", got, err, want)
	}
}

// A server's own signature does not make a file an export if its parts do not fit each other.
func TestVerifyRefusesWhatDoesNotFit(t *testing.T) {
	t.Parallel()
	w, id, file := example(t)
	folder := folderOf(id)
	for name, c := range map[string]struct {
		edit map[string]func(string) string // of signed files
		want string
	}{
		"another layout":                {map[string]func(string) string{manifestName: swap(Schema, "greenroom-export/9")}, "use a newer greenroom"},
		"a document outside the schema": {map[string]func(string) string{folder + sessionName: swap(`"mode": "practice"`, `"mode": "theatre"`)}, "does not fit the schema"},
		"a field too many":              {map[string]func(string) string{accountName: swap(`"kind": "account",`, `"kind": "account", "more": 1,`)}, "does not fit the schema"},
		"a time that is none":           {map[string]func(string) string{folder + sessionName: swap(`"created": "2026`, `"created": "noon of 2026`)}, "does not fit the schema"},
		"another export":                {map[string]func(string) string{manifestName: swap(string(w.export.ID), strings.Repeat("b", 26))}, "is about another export"},
		"a receipt that nobody names":   {map[string]func(string) string{folder + sessionName: swap(`"`+folder+receiptsFolder+`abc-1.json"`, ``)}, "nothing names it"},
		"an older receipt missing":      {map[string]func(string) string{accountName: swap(`"receipts": []`, `"receipts": ["receipts/old-1.json"]`)}, "is missing"},
		"another account":               {map[string]func(string) string{accountName: swap(string(w.account.ID), strings.Repeat("b", 26))}, "something else than its place"},
		"another session":               {map[string]func(string) string{folder + sessionName: swap(`"id": "`+string(id), `"id": "`+strings.Repeat("b", 26))}, "something else than its place"},
		"another transcript":            {map[string]func(string) string{folder + transcriptName: swap(string(id), strings.Repeat("b", 26))}, "something else than its place"},
		"a recording of another size":   {map[string]func(string) string{folder + sessionName: swap(`"size": 2`, `"size": 3`)}, "the session says"},
		"a receipt that is none":        {map[string]func(string) string{folder + receiptsFolder + "abc-1.json": swap("a receipt", "a recipe")}, "no receipt"},
		"a session that is not named":   {map[string]func(string) string{accountName: swap(`"folder": "`+folder+`"`, `"left_out": "held"`)}, "does not name its session"},
		"a session that is not there":   {map[string]func(string) string{accountName: swap(`"left_out": "erased"`, `"folder": "sessions/`+strings.Repeat("b", 26)+`/"`)}, "is missing"},
		"a schema from elsewhere":       {map[string]func(string) string{schemaName: swap(`"$ref": "#/$defs/Manifest"`, `"$ref": "https://example.org/x"`)}, "nothing outside the file is read"},
		"no WebM":                       {map[string]func(string) string{folder + recordingName: swap("webm", "mkv?")}, "is no WebM file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			refused(t, w, resigned(t, w, filesOf(t, file), c.edit), c.want)
		})
	}
}

func swap(from, to string) func(string) string {
	return func(text string) string { return strings.Replace(text, from, to, 1) }
}

// resigned edits files and signs the manifest anew, as a server with a fault would.
func resigned(t *testing.T, w *world, files []packed, edit map[string]func(string) string) []byte {
	t.Helper()
	manifest := Manifest{}
	for _, f := range files {
		if f.name == manifestName {
			if err := json.Unmarshal(f.text, &manifest); err != nil {
				t.Fatal(err)
			}
		}
	}
	var out bytes.Buffer
	a := newArchive(&out, testNow)
	for _, f := range files {
		if f.name == manifestName || f.name == signatureName {
			continue
		}
		text := string(f.text)
		if change := edit[f.name]; change != nil {
			if text = change(text); text == string(f.text) {
				t.Fatalf("nothing to change in %s", f.name)
			}
		}
		if err := a.addBytes(f.name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if change := edit[manifestName]; change != nil {
		manifest.Kind, manifest.Schema, manifest.Files = kindManifest, Schema, a.files
		text, err := jsonText(manifest)
		if err != nil {
			t.Fatal(err)
		}
		changed := []byte(change(string(text)))
		sum := sha256.Sum256(changed)
		signature, err := w.sign(Seal{
			Schema: Schema, Export: manifest.Export, Account: manifest.Account, Created: testNow, Manifest: hex.EncodeToString(sum[:]),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(a.addBytes(manifestName, changed), a.addBytes(signatureName, []byte(signature)), a.zip.Close()); err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	if err := a.finish(manifest, w.sign); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestVerifyRefusesATornFile(t *testing.T) {
	t.Parallel()
	w, _, file := example(t)
	for name, torn := range map[string][]byte{
		"nothing":          nil,
		"a few bytes":      file[:10],
		"half":             file[:len(file)/2],
		"without its end":  file[:len(file)-1],
		"something behind": append(bytes.Clone(file), "more"...),
		"a comment":        withComment(file),
		"not a ZIP":        bytes.Repeat([]byte("x"), 1000),
	} {
		if _, err := w.verify(torn); !errors.Is(err, ErrNotExport) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for at := 0; at < len(file); at += len(file)/97 + 1 {
		changed := bytes.Clone(file)
		changed[at] ^= 0x40
		got, err := w.verify(changed)
		if err != nil && !errors.Is(err, ErrNotExport) {
			t.Errorf("byte %d changed: %v", at, err)
		}
		if err == nil && !bytes.Equal(pack(t, filesOf(t, changed)), pack(t, filesOf(t, file))) {
			t.Errorf("byte %d changed a file, and nobody notices: %+v", at, got)
		}
	}
}

func withComment(file []byte) []byte {
	changed := bytes.Clone(file)
	binary.LittleEndian.PutUint16(changed[len(changed)-2:], 4)
	return append(changed, "hide"...)
}

// A small file that would unpack into gigabytes is refused before anything is unpacked.
func TestVerifyRefusesABomb(t *testing.T) {
	t.Parallel()
	w, _, file := example(t)
	var bomb bytes.Buffer
	archive := zip.NewWriter(&bomb)
	out, err := archive.Create(manifestName)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(out, zeros{}, 64<<20); err != nil {
		t.Fatal(err)
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if bomb.Len() > 1<<20 {
		t.Fatalf("the bomb has %d bytes", bomb.Len())
	}
	refused(t, w, bomb.Bytes(), "at most")

	// The directory claims more packed bytes than the file has: its entries share them.
	overlapping := bytes.Clone(file)
	entry := bytes.LastIndex(overlapping, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(overlapping[entry+20:], uint32(len(file)))
	refused(t, w, overlapping, "overlap")
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func FuzzVerify(f *testing.F) {
	w := newWorld(f)
	w.add(consent.SessionEnded, 0)
	var out bytes.Buffer
	if err := w.writer().Write(f.Context(), &out, w.export, ignoreProgress); err != nil {
		f.Fatal(err)
	}
	good := out.Bytes()
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(append(bytes.Clone(good), "more"...))
	f.Add(withComment(good))
	f.Add([]byte("PK\x05\x06" + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := w.verify(file)
		if err != nil {
			if !errors.Is(err, ErrNotExport) {
				t.Errorf("refused without saying so: %v", err)
			}
			return
		}
		// What is taken is what was signed: the same files with the same bytes.
		if got.Manifest.Account != w.account.ID || got.Manifest.Export != w.export.ID {
			t.Errorf("took another file: %+v", got.Manifest)
		}
	})
}
