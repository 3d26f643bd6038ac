package consent

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// The files of a ledger folder: every entry, the signed statements of how far it went, and the keys that
// signed them. The folder lies outside the database, and copies of it outside the machine: they are what
// a restored or rewritten database is compared with.
const (
	JournalFile     = "journal.jsonl"
	CheckpointsFile = "checkpoints.jsonl"
	LedgerKeysFile  = "keys.json"
)

// The longest lines that are read. An entry holds ids and sums only, a checkpoint one signature.
const (
	maxJournalLine    = 8 << 10
	maxCheckpointLine = 4 << 10
)

// CheckpointSchema is the version of what a checkpoint says.
const CheckpointSchema = "greenroom-checkpoint/1"

// Checkpoint says that the ledger had so many entries, and which: the chain after the last commits to
// all of them.
type Checkpoint struct {
	Schema string    `json:"schema"`
	Seq    int64     `json:"seq"`
	Chain  Digest    `json:"chain"`
	At     time.Time `json:"at"`
}

// CheckpointLine is one line of the checkpoints: what is claimed, and the signed claim.
type CheckpointLine struct {
	Seq   int64  `json:"seq"`
	Chain Digest `json:"chain"`
	JWS   string `json:"jws"`
}

// Verify checks that the line says what was signed.
func (l CheckpointLine) Verify(keys KeySet) (Checkpoint, error) {
	var c Checkpoint
	key, err := keys.Open(l.JWS, DocumentCheckpoint, &c)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("checkpoint %d: %w", l.Seq, err)
	}
	if c.Schema != CheckpointSchema || c.Seq != l.Seq || c.Chain != l.Chain {
		return Checkpoint{}, fmt.Errorf("checkpoint %d: %w: something else was signed than the line says", l.Seq, ErrSignature)
	}
	return c, key.SignedAt(c.At)
}

// JournalLine returns an entry as a line of the journal.
func JournalLine(e LedgerEntry) ([]byte, error) {
	e.At = ledgerTime(e.At)
	return line(e, maxJournalLine)
}

// Line returns the checkpoint as a line of its file.
func (l CheckpointLine) Line() ([]byte, error) { return line(l, maxCheckpointLine) }

func line(value any, most int) ([]byte, error) {
	text, err := json.Marshal(value)
	if err == nil && len(text) >= most {
		err = fmt.Errorf("it has %d bytes, at most %d", len(text), most-1)
	}
	if err != nil {
		return nil, fmt.Errorf("write a line of the ledger: %w", err)
	}
	return append(text, '\n'), nil
}

// LedgerFiles are the journal and the checkpoints of one folder.
type LedgerFiles struct {
	Journal     io.Reader
	Checkpoints io.ReadSeeker // read twice: first to know how far the journal must go
}

// LedgerReading is how far a folder goes. A crash tears the end of a file: what lies behind the sizes was
// vouched for by no checkpoint, and is written again from the database.
type LedgerReading struct {
	Head            LedgerHead
	JournalSize     int64 // of the whole lines
	JournalTorn     bool  // something else lies behind them
	CheckpointsSize int64
	CheckpointsTorn bool
	Checkpoints     int
	Last            CheckpointLine // zero where there is none
}

// Read follows the whole journal and compares it with every checkpoint. Either function may be nil; what
// it returns ends the reading. Whatever is wrong up to the last checkpoint is [ErrLedger].
func (f LedgerFiles) Read(checkpoint func(CheckpointLine) error, each func(LedgerEntry) error) (LedgerReading, error) {
	var r LedgerReading
	if err := r.readCheckpoints(f.Checkpoints, checkpoint); err != nil {
		return r, err
	}
	if _, err := f.Checkpoints.Seek(0, io.SeekStart); err != nil {
		return r, fmt.Errorf("read the checkpoints again: %w", err)
	}
	return r, r.readJournal(f.Journal, &witness{lines: newLines(f.Checkpoints, maxCheckpointLine), left: r.Checkpoints}, each)
}

func (r *LedgerReading) readCheckpoints(from io.Reader, check func(CheckpointLine) error) error {
	lines := newLines(from, maxCheckpointLine)
	for {
		text, err := lines.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		var l CheckpointLine
		if err == nil {
			err = parseCanonical(text, maxCheckpointLine, &l)
		}
		if err == nil && l.Seq < r.Last.Seq {
			return fmt.Errorf("%w: checkpoint %d stands behind checkpoint %d", ErrLedger, l.Seq, r.Last.Seq)
		}
		if err != nil {
			if lines.isLast() {
				r.CheckpointsTorn = true
				return nil
			}
			return fmt.Errorf("%w: a checkpoint after checkpoint %d is damaged: %w", ErrLedger, r.Last.Seq, err)
		}
		if check != nil {
			if err := check(l); err != nil {
				return err
			}
		}
		r.Last, r.CheckpointsSize = l, lines.read
		r.Checkpoints++
	}
}

func (r *LedgerReading) readJournal(from io.Reader, w *witness, each func(LedgerEntry) error) error {
	lines := newLines(from, maxJournalLine)
	if err := w.compare(r.Head); err != nil {
		return err
	}
	for {
		text, err := lines.next()
		if errors.Is(err, io.EOF) {
			break
		}
		var e LedgerEntry
		if err == nil {
			err = parseCanonical(text, maxJournalLine, &e)
		}
		head := r.Head
		if err == nil {
			head, err = head.Follow(e)
		}
		if err != nil {
			if r.Head.Seq < r.Last.Seq {
				return fmt.Errorf("%w: the journal is damaged after entry %d, and a checkpoint vouches for %d: %w", ErrLedger, r.Head.Seq, r.Last.Seq, err)
			}
			r.JournalTorn = true
			return nil
		}
		if each != nil {
			if err := each(e); err != nil {
				return err
			}
		}
		r.Head, r.JournalSize = head, lines.read
		if err := w.compare(head); err != nil {
			return err
		}
	}
	if r.Head.Seq < r.Last.Seq {
		return fmt.Errorf("%w: the journal ends with entry %d, and a checkpoint vouches for %d", ErrLedger, r.Head.Seq, r.Last.Seq)
	}
	return nil
}

// witness reads the checkpoints a second time, beside the journal. They have been parsed before.
type witness struct {
	lines *lines
	left  int
	next  *CheckpointLine
}

// compare holds the head against every checkpoint of its place.
func (w *witness) compare(head LedgerHead) error {
	for {
		if w.next == nil {
			if w.left == 0 {
				return nil
			}
			text, err := w.lines.next()
			if err != nil {
				return fmt.Errorf("read the checkpoints again: %w", err)
			}
			w.next = new(CheckpointLine)
			if err := parseCanonical(text, maxCheckpointLine, w.next); err != nil {
				return fmt.Errorf("read the checkpoints again: %w", err)
			}
			w.left--
		}
		if w.next.Seq > head.Seq {
			return nil
		}
		if w.next.Chain != head.Chain {
			return fmt.Errorf("%w: a checkpoint was signed for another entry %d", ErrLedger, head.Seq)
		}
		w.next = nil
	}
}

// lines reads lines of a bounded length.
type lines struct {
	from *bufio.Reader
	read int64 // bytes of the lines that were returned
}

var errUnfinished = errors.New("a line is unfinished, or too long")

func newLines(from io.Reader, longest int) *lines {
	return &lines{from: bufio.NewReaderSize(from, longest)}
}

// next returns a line without its end; the slice is good until the next call.
func (l *lines) next() ([]byte, error) {
	text, err := l.from.ReadSlice('\n')
	switch {
	case err == nil:
		l.read += int64(len(text))
		return text[:len(text)-1], nil
	case errors.Is(err, io.EOF) && len(text) == 0:
		return nil, io.EOF
	case errors.Is(err, io.EOF), errors.Is(err, bufio.ErrBufferFull):
		return nil, errUnfinished
	default:
		return nil, fmt.Errorf("read a line of the ledger: %w", err)
	}
}

// isLast reports whether nothing follows the line that was read.
func (l *lines) isLast() bool {
	_, err := l.from.Peek(1)
	return errors.Is(err, io.EOF)
}
