package signaling

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/judge"
)

// memoryStore keeps segments in memory, and gives them back.
type memoryStore struct {
	mu        sync.Mutex
	blocks    map[media.Kind]int
	sealed    map[media.Kind]int
	discarded int
	kept      []*memorySegment // in the order of sealing
	changed   chan struct{}    // closed and replaced at each change
}

var (
	_ media.SegmentStore    = (*memoryStore)(nil)
	_ media.RecordingReader = (*memoryStore)(nil)
)

func newMemoryStore() *memoryStore {
	return &memoryStore{blocks: map[media.Kind]int{}, sealed: map[media.Kind]int{}, changed: make(chan struct{})}
}

func (s *memoryStore) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// wait returns once the condition holds.
func (s *memoryStore) wait(t *testing.T, what string, holds func() bool) {
	t.Helper()
	limit := time.After(patience)
	for {
		s.mu.Lock()
		changed, ok := s.changed, holds()
		s.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-limit:
			t.Fatalf("waited %v for %s; blocks %v, sealed %v", patience, what, s.blocks, s.sealed)
		}
	}
}

type memorySegment struct {
	store *memoryStore
	info  media.SegmentInfo
	table media.SegmentTable
	plain [][]byte
}

func (s *memoryStore) OpenSegment(_ context.Context, permit consent.Permit, head media.SegmentHead) (media.SegmentWriter, error) {
	if err := permit.Demand(head.ID.Session, consent.ArtefactCapture); err != nil {
		return nil, err
	}
	return &memorySegment{store: s, info: media.SegmentInfo{SegmentHead: head}}, nil
}

func (m *memorySegment) Append(chunk media.Chunk) error {
	ref := media.ChunkRef{Size: len(chunk.Plain), Plain: len(chunk.Plain)}
	if n := len(m.table.Chunks); n > 0 {
		ref.Offset = m.table.Chunks[n-1].Offset + int64(m.table.Chunks[n-1].Size)
	}
	for _, b := range chunk.Blocks {
		b.Chunk = len(m.table.Chunks)
		m.table.Blocks = append(m.table.Blocks, b)
	}
	m.table.Chunks = append(m.table.Chunks, ref)
	m.plain = append(m.plain, bytes.Clone(chunk.Plain))
	m.store.change(func() { m.store.blocks[m.info.ID.Kind] += len(chunk.Blocks) })
	return nil
}

func (m *memorySegment) Seal(_ context.Context, info media.SegmentInfo) error {
	m.info = info
	m.store.change(func() {
		m.store.sealed[info.ID.Kind]++
		m.store.kept = append(m.store.kept, m)
	})
	return nil
}

func (m *memorySegment) Discard() error {
	m.store.change(func() { m.store.discarded++ })
	return nil
}

func (s *memoryStore) Segments(_ context.Context, permit consent.Permit, session consent.SessionID, kind media.Kind, _ int64) ([]media.StoredSegment, error) {
	if err := permit.Demand(session, kind.Artefact()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []media.StoredSegment
	for i, m := range s.kept {
		if m.info.ID.Kind == kind {
			list = append(list, media.StoredSegment{Index: int64(i + 1), SegmentInfo: m.info, Table: m.table})
		}
	}
	slices.SortStableFunc(list, func(a, b media.StoredSegment) int { return cmp.Compare(a.Start, b.Start) })
	return list, nil
}

func (s *memoryStore) ReadChunks(_ context.Context, permit consent.Permit, segment media.StoredSegment, first, last int) ([][]byte, error) {
	if err := permit.Demand(segment.ID.Session, segment.ID.Kind.Artefact()); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.kept {
		if m.info.ID == segment.ID {
			return m.plain[first : last+1], nil
		}
	}
	return nil, fmt.Errorf("no segment %s", segment.ID.ObjectKey())
}

// readPermit is what the candidate gets for the own recording.
func (d *desk) readPermit(_ context.Context, kind media.Kind) (consent.Permit, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return consent.Decide(consent.Snapshot{
		Actor: consent.Actor{Kind: consent.ActorCandidate, Account: d.session.Candidate}, ActorLive: true,
		Session: d.session.ID, Known: true, Candidate: d.session.Candidate, State: d.session.State,
		Now: time.Now(), ReadAt: time.Now(),
	}, kind.Artefact())
}

// segments lists what is kept of the kind.
func (d *desk) segments(kind media.Kind) []media.StoredSegment {
	d.t.Helper()
	permit, err := d.readPermit(d.t.Context(), kind)
	must(d.t, err)
	list, err := d.store.Segments(d.t.Context(), permit, d.session.ID, kind, 0)
	must(d.t, err)
	return list
}

// play lays the segments out as a file for the judge.
func (d *desk) play(audio, video []media.StoredSegment) judge.Recording {
	d.t.Helper()
	layout, err := media.NewLayout(audio, video)
	must(d.t, err)
	var file bytes.Buffer
	must(d.t, layout.WriteRange(d.t.Context(), &file, 0, layout.Size(), d.store, d.readPermit, nil))
	return judge.Open(d.t, file.Bytes())
}

// recording is the whole session as a file.
func (d *desk) recording() judge.Recording {
	d.t.Helper()
	return d.play(d.segments(media.KindAudio), d.segments(media.KindVideo))
}
