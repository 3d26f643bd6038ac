package consent

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// folder is a ledger folder in memory: the lines of both files.
type folder struct {
	signer              signer
	entries             []LedgerEntry
	journal, marks      []string
	journalEnd, markEnd string // what a crash left behind them
}

// newFolder has so many entries, and a checkpoint after each whose number is listed.
func newFolder(tb testing.TB, entries int, marked ...int) *folder {
	tb.Helper()
	f := &folder{signer: newSigner(tb, ledgerNoon.Add(-time.Hour), time.Time{}), entries: testLedger(entries)}
	for _, e := range f.entries {
		f.journal = append(f.journal, f.line(tb, e))
	}
	for _, seq := range marked {
		f.marks = append(f.marks, f.mark(tb, int64(seq), f.entries[seq-1].Chain))
	}
	return f
}

func (f *folder) line(tb testing.TB, e LedgerEntry) string {
	tb.Helper()
	text, err := JournalLine(e)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func (f *folder) mark(tb testing.TB, seq int64, chain Digest) string {
	tb.Helper()
	l := CheckpointLine{Seq: seq, Chain: chain, JWS: f.signer.sign(tb, DocumentCheckpoint, Checkpoint{
		Schema: CheckpointSchema, Seq: seq, Chain: chain, At: ledgerNoon,
	})}
	text, err := l.Line()
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func (f *folder) read(each func(LedgerEntry) error) (LedgerReading, error) {
	keys := KeySet{[]PublicKey{f.signer.public}}
	check := func(l CheckpointLine) error { _, err := l.Verify(keys); return err }
	return LedgerFiles{
		Journal:     strings.NewReader(strings.Join(f.journal, "") + f.journalEnd),
		Checkpoints: strings.NewReader(strings.Join(f.marks, "") + f.markEnd),
	}.Read(check, each)
}

func TestWholeLedgerFolderIsRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		entries int
		marks   []int
	}{{0, nil}, {1, nil}, {5, []int{1, 3, 5}}, {5, []int{3}}, {5, []int{3, 3}}} {
		f := newFolder(t, c.entries, c.marks...)
		var got []LedgerEntry
		r, err := f.read(func(e LedgerEntry) error { got = append(got, e); return nil })
		if err != nil || r.Head.Seq != int64(c.entries) || r.Checkpoints != len(c.marks) || r.JournalTorn || r.CheckpointsTorn {
			t.Errorf("%d entries, checkpoints %v: %+v, %v", c.entries, c.marks, r, err)
		}
		if r.JournalSize != int64(len(strings.Join(f.journal, ""))) || r.CheckpointsSize != int64(len(strings.Join(f.marks, ""))) {
			t.Errorf("%d entries: sizes %d and %d", c.entries, r.JournalSize, r.CheckpointsSize)
		}
		if !slices.Equal(got, f.entries) {
			t.Errorf("%d entries: read %+v", c.entries, got)
		}
	}
	stop := errors.New("enough")
	if _, err := newFolder(t, 3).read(func(LedgerEntry) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a reading that was stopped: %v", err)
	}
}

// What lies behind the last checkpoint may be torn by a crash; nothing before it may.
func TestTornEndOfALedgerFolderIsCut(t *testing.T) {
	t.Parallel()
	line := newFolder(t, 1).journal[0]
	for name, c := range map[string]struct {
		change         func(*folder)
		head           int64
		journal, marks bool
	}{
		"half a line":              {func(f *folder) { f.journalEnd = line[:40] }, 5, true, false},
		"zeros":                    {func(f *folder) { f.journalEnd = strings.Repeat("\x00", 9000) }, 5, true, false},
		"no end of the line":       {func(f *folder) { f.journal[4] = strings.TrimSuffix(f.journal[4], "\n") }, 4, true, false},
		"a line that does not fit": {func(f *folder) { f.journal[3] = line }, 3, true, false},
		"half a checkpoint":        {func(f *folder) { f.markEnd = f.marks[0][:50] }, 5, false, true},
		"zeros for a checkpoint":   {func(f *folder) { f.markEnd = strings.Repeat("\x00", 500) }, 5, false, true},
		"both":                     {func(f *folder) { f.journalEnd, f.markEnd = "{", "{" }, 5, true, true},
	} {
		f := newFolder(t, 5, 2, 3)
		c.change(f)
		r, err := f.read(nil)
		if err != nil || r.Head.Seq != c.head || r.JournalTorn != c.journal || r.CheckpointsTorn != c.marks {
			t.Errorf("%s: %+v, %v; want head %d, torn %t and %t", name, r, err, c.head, c.journal, c.marks)
		}
		if whole := strings.Join(f.journal[:c.head], ""); r.JournalSize != int64(len(whole)) {
			t.Errorf("%s: %d bytes are whole, want %d", name, r.JournalSize, len(whole))
		}
		if r.CheckpointsSize != int64(len(strings.Join(f.marks, ""))) {
			t.Errorf("%s: %d bytes of checkpoints are whole", name, r.CheckpointsSize)
		}
	}
}

// T58: a ledger folder that was truncated, forked, reordered or changed.
func TestChangedLedgerFoldersAreFound(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*folder){
		"truncated":            func(f *folder) { f.journal = f.journal[:4] },
		"empty":                func(f *folder) { f.journal = nil },
		"torn before the mark": func(f *folder) { f.journal[4] = f.journal[4][:30] },
		"an entry is missing":  func(f *folder) { f.journal = slices.Delete(f.journal, 1, 2) },
		"the first is missing": func(f *folder) { f.journal = f.journal[1:] },
		"reordered":            func(f *folder) { f.journal[1], f.journal[2] = f.journal[2], f.journal[1] },
		"an entry twice":       func(f *folder) { f.journal = slices.Insert(f.journal, 2, f.journal[1]) },
		"another kind":         func(f *folder) { f.journal[2] = strings.Replace(f.journal[2], "session_restricted", "session_held", 1) },
		"another session": func(f *folder) {
			f.journal[2] = strings.Replace(f.journal[2], string(f.entries[2].Session), string(f.entries[3].Session), 1)
		},
		"other white space":     func(f *folder) { f.journal[2] = strings.Replace(f.journal[2], ":", ": ", 1) },
		"an unknown field":      func(f *folder) { f.journal[2] = strings.Replace(f.journal[2], "{", `{"more":1,`, 1) },
		"a line that is long":   func(f *folder) { f.journal[2] = strings.Repeat("x", maxJournalLine+1) + "\n" },
		"written anew":          func(f *folder) { f.rewrite(t, 2) },
		"checkpoints reordered": func(f *folder) { slices.Reverse(f.marks) },
		"a forged checkpoint":   func(f *folder) { f.marks[0] = newFolder(t, 5, 2).marks[0] },
		"a checkpoint's claim":  func(f *folder) { f.marks[0] = strings.Replace(f.marks[0], `"seq":2`, `"seq":3`, 1) },
		"another checkpoint":    func(f *folder) { f.marks[0] = f.mark(t, 2, f.entries[3].Chain) },
		"a damaged checkpoint":  func(f *folder) { f.marks[0] = "{}\n" },
		"a checkpoint ahead":    func(f *folder) { f.marks = append(f.marks, f.mark(t, 9, f.entries[4].Chain)) },
		"another schema": func(f *folder) {
			l := CheckpointLine{Seq: 5, Chain: f.entries[4].Chain, JWS: f.signer.sign(t, DocumentCheckpoint, Checkpoint{Schema: "2", Seq: 5, Chain: f.entries[4].Chain, At: ledgerNoon})}
			text, _ := l.Line()
			f.marks[1] = string(text)
		},
	} {
		f := newFolder(t, 5, 2, 5)
		change(f)
		if r, err := f.read(nil); !errors.Is(err, ErrLedger) && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
	if _, err := newFolder(t, 5, 2, 5).read(nil); err != nil {
		t.Errorf("the folder that was changed was not whole: %v", err)
	}
}

// rewrite changes an entry and makes all sums behind it right again.
func (f *folder) rewrite(tb testing.TB, from int) {
	tb.Helper()
	f.entries[from].Kind = LedgerSessionUnrestricted
	for i := from; i < len(f.entries); i++ {
		f.entries[i].Chain = ChainOf(f.entries[i-1].Chain, f.entries[i].Seq, f.entries[i].Digest())
		f.journal[i] = f.line(tb, f.entries[i])
	}
}

func FuzzLedgerFolder(f *testing.F) {
	whole := newFolder(f, 4, 2, 4)
	journal, marks := strings.Join(whole.journal, ""), strings.Join(whole.marks, "")
	f.Add([]byte(journal), []byte(marks))
	f.Add([]byte(journal[:len(journal)-10]), []byte(marks[:len(marks)-10]))
	f.Add([]byte("{}\n"), []byte("\n\n"))
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, journal, marks []byte) {
		var entries int64
		r, err := LedgerFiles{Journal: bytes.NewReader(journal), Checkpoints: bytes.NewReader(marks)}.Read(nil, func(LedgerEntry) error {
			entries++
			return nil
		})
		if err != nil {
			return
		}
		if r.Head.Seq != entries || r.JournalSize > int64(len(journal)) || r.CheckpointsSize > int64(len(marks)) || r.Last.Seq > r.Head.Seq {
			t.Fatalf("%d entries in %d bytes: %+v", entries, len(journal), r)
		}
		// What is kept of a torn folder is whole.
		again, err := LedgerFiles{Journal: bytes.NewReader(journal[:r.JournalSize]), Checkpoints: bytes.NewReader(marks[:r.CheckpointsSize])}.Read(nil, nil)
		if err != nil || again.JournalTorn || again.CheckpointsTorn || again.Head != r.Head {
			t.Errorf("after cutting: %+v, %v", again, err)
		}
	})
}
