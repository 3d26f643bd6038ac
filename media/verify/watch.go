package verify

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"slices"
	"sync"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// Block is one frame that a store took.
type Block struct {
	Time time.Duration `json:"time"`
	Size int           `json:"size"`
	Sum  uint64        `json:"sum"` // of its payload
	Key  bool          `json:"key,omitempty"`
	// Lasts is how much sound an Opus packet holds.
	Lasts time.Duration `json:"lasts,omitempty"`
}

// Taken is one segment as far as a store took it.
type Taken struct {
	Head      media.SegmentHead `json:"head"`
	Blocks    []Block           `json:"blocks,omitempty"` // of appends that returned without an error
	Sealed    bool              `json:"sealed,omitempty"`
	Discarded bool              `json:"discarded,omitempty"`
}

// Watch is a [media.SegmentStore] that notes what the store behind it took. It is safe for concurrent
// use.
type Watch struct {
	store media.SegmentStore
	notes io.Writer // nil: none

	mu        sync.Mutex
	taken     map[media.SegmentID]*Taken
	order     []media.SegmentID
	open      map[trackID]media.SegmentID
	last      map[trackID]time.Duration
	withdrawn map[consent.SessionID]bool
	faults    []string
}

type trackID struct {
	session consent.SessionID
	kind    media.Kind
	epoch   int
}

var _ media.SegmentStore = (*Watch)(nil)

// NewWatch watches a store. Each step that the store took is also written to notes, as one line that
// [ReadNotes] reads, before the recorder hears of it: so a process that is killed has told what it owes.
func NewWatch(store media.SegmentStore, notes io.Writer) *Watch {
	return &Watch{
		store: store, notes: notes, taken: map[media.SegmentID]*Taken{}, open: map[trackID]media.SegmentID{},
		last: map[trackID]time.Duration{}, withdrawn: map[consent.SessionID]bool{},
	}
}

// Withdraw says that the recorder was told of a withdrawal and has confirmed it: from now on nothing of
// the session may be appended or sealed.
func (w *Watch) Withdraw(session consent.SessionID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.withdrawn[session] = true
}

// Taken returns what the store took, in the order in which segments were opened.
func (w *Watch) Taken() []Taken {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make([]Taken, 0, len(w.order))
	for _, id := range w.order {
		t := *w.taken[id]
		t.Blocks = slices.Clone(t.Blocks)
		all = append(all, t)
	}
	return all
}

// Faults returns what was asked of the store that may never be asked.
func (w *Watch) Faults() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.faults)
}

// fault notes what is wrong. The caller holds the mutex.
func (w *Watch) fault(id media.SegmentID, format string, args ...any) {
	w.faults = append(w.faults, id.ObjectKey()+": "+fmt.Sprintf(format, args...))
}

// OpenSegment implements [media.SegmentStore].
func (w *Watch) OpenSegment(ctx context.Context, permit consent.Permit, head media.SegmentHead) (media.SegmentWriter, error) {
	writer, err := w.store.OpenSegment(ctx, permit, head)
	if err != nil {
		return nil, err //nolint:wrapcheck // a watch changes nothing
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	id := head.ID
	track := trackID{id.Session, id.Kind, id.Epoch}
	if w.taken[id] != nil {
		w.fault(id, "opened twice")
	}
	if w.withdrawn[id.Session] {
		w.fault(id, "opened after the withdrawal")
	}
	w.taken[id] = &Taken{Head: head}
	w.order = append(w.order, id)
	w.open[track] = id
	w.note(note{Open: &head})
	return &watchedWriter{watch: w, writer: writer, track: track, id: id}, nil
}

// watchedWriter is one watched segment.
type watchedWriter struct {
	watch  *Watch
	writer media.SegmentWriter
	track  trackID
	id     media.SegmentID
}

var _ media.SegmentWriter = (*watchedWriter)(nil)

// Append implements [media.SegmentWriter].
func (s *watchedWriter) Append(chunk media.Chunk) error {
	blocks := make([]Block, len(chunk.Blocks))
	for i, b := range chunk.Blocks {
		if b.Offset < 0 || b.Size <= 0 || b.Offset+b.Size > len(chunk.Plain) {
			s.watch.mu.Lock()
			s.watch.fault(s.id, "block %d at %v lies outside its chunk", i, b.Time)
			s.watch.mu.Unlock()
			continue
		}
		blocks[i] = Block{Time: b.Time, Size: b.Size, Sum: sum(chunk.Plain[b.Offset : b.Offset+b.Size]), Key: b.Key, Lasts: b.Duration}
	}
	if err := s.writer.Append(chunk); err != nil {
		return err //nolint:wrapcheck // a watch changes nothing
	}
	w := s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.taken[s.id]
	switch {
	case taken.Sealed || taken.Discarded:
		w.fault(s.id, "appended to after its end")
	case w.withdrawn[s.id.Session]:
		w.fault(s.id, "appended to after the withdrawal")
	}
	for _, b := range blocks {
		if last, ok := w.last[s.track]; ok && b.Time <= last {
			w.fault(s.id, "time goes back: a block at %v comes after one at %v", b.Time, last)
		}
		w.last[s.track] = b.Time
	}
	taken.Blocks = append(taken.Blocks, blocks...)
	w.note(note{ID: s.id, Append: blocks})
	return nil
}

// Seal implements [media.SegmentWriter].
func (s *watchedWriter) Seal(ctx context.Context, info media.SegmentInfo) error {
	err := s.writer.Seal(ctx, info)
	w := s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	taken := w.taken[s.id]
	if w.withdrawn[s.id.Session] {
		w.fault(s.id, "sealed after the withdrawal")
	}
	if n := len(taken.Blocks); n > 0 && info.End <= taken.Blocks[n-1].Time {
		w.fault(s.id, "ends at %v, before its last block at %v is over", info.End, taken.Blocks[n-1].Time)
	}
	if err != nil {
		return err //nolint:wrapcheck // a watch changes nothing
	}
	taken.Sealed = true
	w.note(note{ID: s.id, Sealed: true})
	return nil
}

// Discard implements [media.SegmentWriter].
func (s *watchedWriter) Discard() error {
	if err := s.writer.Discard(); err != nil {
		return err //nolint:wrapcheck // a watch changes nothing
	}
	w := s.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken[s.id].Discarded = true
	w.note(note{ID: s.id, Discarded: true})
	return nil
}

func sum(payload []byte) uint64 {
	h := fnv.New64a()
	_, _ = h.Write(payload)
	return h.Sum64()
}

// note is one line: what the store took.
type note struct {
	Open      *media.SegmentHead `json:"open,omitempty"`
	ID        media.SegmentID    `json:"id"`
	Append    []Block            `json:"append,omitempty"`
	Sealed    bool               `json:"sealed,omitempty"`
	Discarded bool               `json:"discarded,omitempty"`
}

// note writes a line. The caller holds the mutex.
func (w *Watch) note(n note) {
	if w.notes == nil {
		return
	}
	text, err := json.Marshal(n)
	if err == nil {
		_, err = w.notes.Write(append(text, '\n'))
	}
	if err != nil {
		w.faults = append(w.faults, "write notes: "+err.Error())
	}
}

// ReadNotes returns what a Watch of a process that may have been killed had noted.
func ReadNotes(from io.Reader) ([]Taken, error) {
	var all []*Taken
	byID := map[media.SegmentID]*Taken{}
	lines := json.NewDecoder(from)
	for {
		var n note
		err := lines.Decode(&n)
		if err == io.EOF || err == io.ErrUnexpectedEOF { //nolint:errorlint // both come unwrapped; the second is a torn last line
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read notes: %w", err)
		}
		if n.Open != nil {
			byID[n.Open.ID] = &Taken{Head: *n.Open}
			all = append(all, byID[n.Open.ID])
			continue
		}
		t := byID[n.ID]
		if t == nil {
			return nil, fmt.Errorf("read notes: %s was never opened", n.ID.ObjectKey())
		}
		t.Blocks = append(t.Blocks, n.Append...)
		t.Sealed, t.Discarded = t.Sealed || n.Sealed, t.Discarded || n.Discarded
	}
	taken := make([]Taken, len(all))
	for i, t := range all {
		taken[i] = *t
	}
	return taken, nil
}
