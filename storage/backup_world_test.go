package storage

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/tink-crypto/tink-go/v2/tink"

	"greenroom/consent"
	"greenroom/media"
)

// backupWorld is an erasingWorld with two recorded interviews, whose operator makes backups.
type backupWorld struct {
	*erasingWorld
	secrets      string // the whole folder
	places       BackupPlaces
	erased, kept consent.SessionID // the first will be
}

func newBackupWorld(t *testing.T) *backupWorld {
	t.Helper()
	w := &backupWorld{erasingWorld: newErasingWorld(t, embeddedStore), secrets: t.TempDir()}
	copyFolder(t, filepath.Join(testCluster.base, "secrets"), w.secrets)
	copyFolder(t, filepath.Dir(w.keys.epochs.path), w.secrets)
	w.keys.epochs.path = filepath.Join(w.secrets, epochFile)
	dir := t.TempDir()
	w.places = BackupPlaces{Data: filepath.Join(dir, "data"), Keys: filepath.Join(dir, "keys")}
	w.erased, w.kept = w.recorded(t, w.alice), w.recorded(t, w.bob)
	return w
}

// backUpTo makes a backup so long after now and returns where both of its parts are.
func (w *backupWorld) backUpTo(t *testing.T, later time.Duration) BackupPlaces {
	t.Helper()
	made, err := openTestAdmin(t, w.database).backUp(t.Context(), w.secrets, w.places, later)
	if err != nil {
		t.Fatalf("back up: %v", err)
	}
	return BackupPlaces{Data: filepath.Join(w.places.Data, made.Name), Keys: filepath.Join(w.places.Keys, made.Name)}
}

// restored restores into a new database and opens it with everything that works on it. Its journal is not
// compared yet.
func (w *backupWorld) restored(t *testing.T, from BackupPlaces) (*backupWorld, Restored) {
	t.Helper()
	name := emptyTestDatabase(t)
	done, err := Restore(t.Context(), testURL(name), w.secrets, from)
	if err != nil {
		t.Fatalf("restore: %v", err)
	}
	other, again := *w, *w.erasingWorld
	other.erasingWorld, again.world = &again, w.on(t, name)
	if again.keys, err = OpenKeys(t.Context(), again.database, filepath.Join(w.secrets, "master.key")); err != nil {
		t.Fatalf("open the keys: %v", err)
	}
	again.keys.ahead = w.keys.ahead
	again.records = NewRecords(again.database, again.keys)
	again.segments = NewSegments(again.database, again.keys, w.spool, w.objects)
	again.exports = NewExports(again.database, again.keys, w.objects, slog.New(slog.DiscardHandler))
	again.eraser, again.erasures = again.newEraser(), NewErasures(again.database)
	return &other, done
}

func emptyTestDatabase(t *testing.T) string {
	t.Helper()
	name := fmt.Sprintf("t%d", testCluster.count.Add(1))
	if err := withOwner(t.Context(), "postgres", func(conn *pgx.Conn) error { return ensureDatabase(t.Context(), conn, name) }); err != nil {
		t.Fatalf("make an empty database: %v", err)
	}
	return name
}

// reads reports whether the candidate reads the words and the frames of a session through every wall.
func (w *backupWorld) reads(t *testing.T, of consent.Account, id consent.SessionID) (words, frames bool) {
	t.Helper()
	permit, err := w.gate.Permit(t.Context(), actorOf(of), id, consent.ArtefactTranscript)
	if err == nil {
		var sealed []byte
		var revision int
		w.ownerScan(t, `SELECT words, revision FROM lines WHERE session = $1 AND epoch = 1 AND sequence = 1`, id, &sealed, &revision)
		text, err := w.keys.OpenField(t.Context(), permit, id, consent.ScopeTranscript, wordsContext(1, 1, revision), sealed)
		words = err == nil && bytes.Contains(text, []byte("canary"))
	}
	if permit, err = w.gate.Permit(t.Context(), actorOf(of), id, consent.ArtefactAudio); err == nil {
		list, err := w.segments.Segments(t.Context(), permit, id, media.KindAudio, 1<<40)
		if err == nil && len(list) > 0 {
			plain, err := w.segments.ReadChunks(t.Context(), permit, list[0], 0, 0)
			frames = err == nil && bytes.Contains(plain[0], []byte(canary))
		}
	}
	return words, frames
}

func (w *backupWorld) ownerScan(t *testing.T, query string, id consent.SessionID, into ...any) {
	t.Helper()
	if err := w.owner.QueryRow(t.Context(), query, id).Scan(into...); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// copyBucket copies every object, as somebody who has the store's disk could.
func (w *backupWorld) copyBucket(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	objects, err := w.objects.versions(t.Context(), "")
	if err != nil || len(objects) == 0 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	for _, o := range objects {
		data, err := w.objects.read(t.Context(), o.Key, 0, o.Size)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, hex.EncodeToString([]byte(o.Key))), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// putBack restores what is missing of the bucket.
func (w *backupWorld) putBack(t *testing.T, folder string) {
	t.Helper()
	for name, data := range filesOf(t, folder) {
		key, err := hex.DecodeString(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.objects.create(t.Context(), string(key), data); err != nil {
			t.Fatal(err)
		}
	}
}

// copyFolder copies files that are secret: only their owner may read the copies.
func copyFolder(t *testing.T, from, to string) string {
	t.Helper()
	for path, text := range filesOf(t, from) {
		err := os.MkdirAll(filepath.Dir(filepath.Join(to, path)), 0o700)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, path), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return to
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	text, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// filesOf reads every file of a folder by its path in it; no folder has none.
func filesOf(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	if folder == "" {
		return files
	}
	err := fs.WalkDir(os.DirFS(folder), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[path], err = os.ReadFile(filepath.Join(folder, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// loot is what somebody has stolen: folders, or "" for what they do not have. keys is the whole place of key
// backups, with the epoch keys in it.
type loot struct{ data, keys, objects, secrets string }

// tryAll reads what can be read of a session with what was stolen, going around every wall: no gate, no
// policy and no key service is asked.
func (l loot) tryAll(t *testing.T, session consent.SessionID) (words, frames bool) {
	t.Helper()
	for _, folder := range []string{l.data, l.keys, l.objects, l.secrets} {
		for path, text := range filesOf(t, folder) {
			words = words || bytes.Contains(text, []byte("canary of a")) || bytes.Contains(text, []byte("quick brown"))
			frames = frames || bytes.Contains(text, []byte(canary))
			if words || frames {
				t.Errorf("%s/%s has it in the clear", folder, path)
				return words, frames
			}
		}
	}
	for _, key := range l.dataKeys(t, session) {
		for _, row := range rowsOfCopy(t, l.data, "public.lines") {
			if row["session"] != string(session) {
				continue
			}
			text, err := key.openField(wordsContext(number(t, row["epoch"]), number(t, row["sequence"]), number(t, row["revision"])), bytesOf(t, row["words"]))
			words = words || err == nil && bytes.Contains(text, []byte("canary"))
		}
		for _, data := range filesOf(t, l.objects) {
			file, err := scanSegment(data)
			if err != nil {
				continue
			}
			_, plain := openWhole(file, key)
			frames = frames || slices.ContainsFunc(plain, func(chunk []byte) bool { return bytes.Contains(chunk, []byte(canary)) })
		}
	}
	return words, frames
}

// dataKeys unwraps every key of the session that was stolen with every epoch key and master key there is.
func (l loot) dataKeys(t *testing.T, session consent.SessionID) (opened []*dataKey) {
	t.Helper()
	if l.keys == "" || l.secrets == "" {
		return nil // no wrapped keys, or no master key
	}
	master, err := OpenMasterKey(filepath.Join(l.secrets, "master.key"), false)
	if err != nil {
		t.Fatal(err)
	}
	epochKeys := map[int]tink.AEAD{}
	for _, folder := range []string{l.keys, l.secrets} {
		ring := &epochs{path: filepath.Join(folder, epochFile)}
		if ring.load() == nil {
			maps.Copy(epochKeys, ring.keys)
		}
	}
	names, err := backupsIn(l.keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, row := range rowsOfCopy(t, filepath.Join(l.keys, name), keyTable) {
			scope, epoch := consent.Scope(row["scope"]), number(t, row["epoch"])
			if row["session"] != string(session) || epochKeys[epoch] == nil {
				continue
			}
			inner, err := epochKeys[epoch].Decrypt(bytesOf(t, row["wrapped"]), epochData(epoch, session, scope))
			if err != nil {
				continue
			}
			if key, err := master.unwrap(inner, session, scope); err == nil {
				opened = append(opened, key)
			}
		}
	}
	return opened
}

// rowsOfCopy reads a table of one backup by column.
func rowsOfCopy(t *testing.T, folder, table string) (rows []map[string]string) {
	t.Helper()
	if folder == "" {
		return nil
	}
	m, err := readBackup(folder)
	if err != nil {
		t.Fatal(err)
	}
	at := slices.IndexFunc(m.Tables, func(one backupTable) bool { return one.name() == table })
	if at < 0 {
		t.Fatalf("%s holds no %s", folder, table)
	}
	text, err := os.ReadFile(filepath.Join(folder, m.Tables[at].file()))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		row := map[string]string{}
		for i, value := range strings.Split(strings.TrimSuffix(line, "\n"), "\t") {
			row[m.Tables[at].Columns[i]] = value
		}
		rows = append(rows, row)
	}
	return rows
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func bytesOf(t *testing.T, text string) []byte {
	t.Helper()
	data, err := hex.DecodeString(strings.TrimPrefix(text, `\\x`))
	if err != nil {
		t.Fatal(err)
	}
	return data
}
