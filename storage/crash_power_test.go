package storage

import (
	"bytes"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/verify"
)

// powerCut does to a spool what a power cut may do to files that were never synced: the kernel had written
// back some of their pages, in any order, or not even their names. What was sealed was synced before, so
// also the file whose rename was dropped is whole.
func powerCut(t *testing.T, random *rand.Rand, dir, synced string) (harm []string) {
	t.Helper()
	open := filepath.Join(dir, openFolder)
	entries, err := os.ReadDir(open)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.Name() == synced {
			continue
		}
		path := filepath.Join(open, entry.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		what := powerHarm(random, &data)
		harm = append(harm, what)
		if data == nil {
			err = os.Remove(path)
		} else {
			err = os.WriteFile(path, data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return harm
}

// powerHarm spoils the bytes of one file; nil takes it away.
func powerHarm(random *rand.Rand, data *[]byte) string {
	const page = 4096
	size := len(*data)
	switch random.IntN(6) {
	case 0:
		*data = nil
		return "the file is missing"
	case 1:
		keep := random.IntN(size + 1)
		*data = (*data)[:keep]
		return fmt.Sprintf("cut to %d of %d bytes", keep, size)
	case 2:
		clear((*data)[max(0, size-page):])
		return "the last 4 KB are zeros"
	case 3: // the length was written, the last pages were not
		from := random.IntN(size + 1)
		clear((*data)[from:])
		return fmt.Sprintf("zeros from %d of %d bytes on", from, size)
	case 4: // a page in the middle was not written back
		from := random.IntN(size/page+1) * page
		clear((*data)[from:min(size, from+page)])
		return fmt.Sprintf("a page of zeros at %d of %d bytes", from, size)
	default:
		return "nothing was lost"
	}
}

// dropRename takes the last seal's rename back: the folder was not synced yet. The file itself was.
func dropRename(t *testing.T, dir string) (name string) {
	t.Helper()
	sealed := filepath.Join(dir, sealedFolder)
	entries, err := os.ReadDir(sealed)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) == 0 {
		return ""
	}
	name = entries[len(entries)-1].Name()
	if err := os.Rename(filepath.Join(sealed, name), filepath.Join(dir, openFolder, name)); err != nil {
		t.Fatal(err)
	}
	return name
}

// wholeBlocks is what recovery has to keep of a segment whose file was harmed: the blocks of the appends
// before the first that is not as it was. The sizes of appends are read from the file as it was.
func wholeBlocks(t *testing.T, w *recordingWorld, taken verify.Taken, before, after []byte) int {
	t.Helper()
	file, err := scanSegment(before)
	if err != nil {
		t.Fatal(err)
	}
	key, err := w.keys.forReading(t.Context(), w.permit(t, consent.ActorCandidate, taken.Head.ID.Kind.Artefact()), w.session, scopeOf(taken.Head.ID.Kind))
	if err != nil {
		t.Fatal(err)
	}
	blocks := 0
	for i, chunk := range file.chunks {
		end := chunk.offset + int64(len(chunk.sealed))
		if end > int64(len(after)) || !bytes.Equal(before[:end], after[:end]) {
			break
		}
		plain, err := key.openChunk(taken.Head.ID, i, chunk.sealed)
		if err != nil {
			break // torn by the kill already
		}
		refs, err := media.ParseChunk(plain)
		if err != nil {
			t.Fatal(err)
		}
		blocks += len(refs)
	}
	return blocks
}

// TestPowerCutCostsAtMostTheOpenSegments cuts the power under a process in the middle of its recording:
// everything sealed is there, of open segments everything up to the first harm, and what was cut is counted.
func TestPowerCutCostsAtMostTheOpenSegments(t *testing.T) {
	t.Parallel()
	w := newCrashWorld(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	// The sealed files wait: the store is asked for the first time when the process dies, or never.
	points := []crashPoint{
		{"before PUT", 1, false}, {"before PUT", 2, false}, {"after write chunk", 5, false}, {"after write chunk", 8, false}, {"before rename", 2, false}, {"after rename", 1, false},
	}
	const rounds = 10 // of harm at each point in make crash, one otherwise
	for i, point := range points {
		dir := t.TempDir()
		epoch := 100 * (i + 1)
		taken := w.crash(t, w.plan(epoch, dir, w.frames, point))
		for round := range rounds {
			if round > 0 { // chunks are bound to their epoch: each round records anew
				if os.Getenv("GREENROOM_CRASHES") == "" {
					break
				}
				epoch++
				dir = t.TempDir()
				taken = w.crash(t, w.plan(epoch, dir, w.frames, point))
			}
			w.cutAndRecover(t, random, epoch, dir, taken)
		}
	}
}

func (w *crashWorld) cutAndRecover(t *testing.T, random *rand.Rand, epoch int, dir string, taken []verify.Taken) {
	t.Helper()
	synced := ""
	if random.IntN(2) == 0 {
		synced = dropRename(t, dir)
	}
	before := readOpen(t, dir)
	harm := powerCut(t, random, dir, synced)
	after := readOpen(t, dir)
	for i, one := range taken {
		name := fileName(one.Head.ID)
		was, open := before[name]
		if !open || name == synced {
			continue
		}
		taken[i].Blocks = one.Blocks[:min(len(one.Blocks), wholeBlocks(t, w.recordingWorld, one, was, after[name]))]
		taken[i].Sealed = false
	}
	spool := openTestSpool(t, dir, 64<<20)
	var said bytes.Buffer
	uploader := NewUploader(w.database, w.keys, spool, w.objects, consent.Gate{Reader: NewSnapshots(w.database)}, slog.New(slog.NewTextHandler(&said, nil)))
	if err := uploader.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.checkPlays(t, w.checkCrashed(t, epoch, spool, taken), false)
	backlog, err := uploader.Backlog()
	if err != nil {
		t.Fatal(err)
	}
	if (backlog.Cut > 0) != strings.Contains(said.String(), "level=WARN") {
		t.Errorf("%d bytes were cut, and the log says %q", backlog.Cut, &said)
	}
	for name, was := range before {
		if data, there := after[name]; there && !bytes.Equal(was, data) && backlog.Cut == 0 {
			t.Errorf("%s was harmed, and nothing counts as cut", name)
		}
	}
	t.Logf("%s: mended %d, unreadable %d, cut %d bytes", strings.Join(harm, ", "), backlog.Mended, backlog.Unreadable, backlog.Cut)
	if t.Failed() {
		t.FailNow()
	}
}

func readOpen(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, openFolder))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, openFolder, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[entry.Name()] = data
	}
	return files
}
