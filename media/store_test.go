package media

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
)

const testSession = consent.SessionID("aaaaaaaaaaaaaaaaaaaaaaaaaa")

// capturePermit is what a recorder gets while recording is consented to.
func capturePermit(context.Context) (consent.Permit, error) {
	return consent.Decide(consent.Snapshot{
		Actor: consent.Actor{Kind: consent.ActorRecorder}, Session: testSession, Known: true,
		State: consent.SessionLive, Consents: consent.Consents{Recording: true},
		Now: time.Now(), ReadAt: time.Now(),
	}, consent.ArtefactCapture)
}

// playPermit is what the candidate gets for the own recording.
func playPermit(_ context.Context, kind Kind) (consent.Permit, error) {
	return consent.Decide(consent.Snapshot{
		Actor: consent.Actor{Kind: consent.ActorCandidate, Account: "me"}, ActorLive: true,
		Session: testSession, Known: true, Candidate: "me", State: consent.SessionEnded,
		Now: time.Now(), ReadAt: time.Now(),
	}, kind.Artefact())
}

// sealBytes is what the fake store adds to each chunk, as a cipher would.
const sealBytes = 28

// memStore keeps segments in memory. Its faults are set by tests.
type memStore struct {
	mu        sync.Mutex
	sealed    []*memSegment // in the order of sealing
	open      int
	discarded int
	used      map[SegmentID]bool

	openErr   error
	appendErr error
	sealErr   error
	hang      chan struct{} // not nil: Append waits until it is closed

	reads []readCall
}

type readCall struct {
	segment     SegmentID
	first, last int
	bytes       int
}

type memSegment struct {
	store *memStore
	info  SegmentInfo
	table SegmentTable
	plain [][]byte
	at    []time.Time // when each chunk came
}

var (
	_ SegmentStore    = (*memStore)(nil)
	_ RecordingReader = (*memStore)(nil)
)

func (m *memStore) OpenSegment(_ context.Context, permit consent.Permit, head SegmentHead) (SegmentWriter, error) {
	if err := permit.Demand(head.ID.Session, consent.ArtefactCapture); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.openErr != nil {
		return nil, m.openErr
	}
	if m.used == nil {
		m.used = map[SegmentID]bool{}
	}
	if m.used[head.ID] {
		return nil, fmt.Errorf("segment %s exists", head.ID.ObjectKey())
	}
	m.used[head.ID] = true
	m.open++
	return &memSegment{store: m, info: SegmentInfo{SegmentHead: head}}, nil
}

func (s *memSegment) Append(chunk Chunk) error {
	s.store.mu.Lock()
	hang := s.store.hang
	s.store.mu.Unlock()
	if hang != nil {
		<-hang
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.appendErr != nil {
		return s.store.appendErr
	}
	ref := ChunkRef{Size: len(chunk.Plain) + sealBytes, Plain: len(chunk.Plain)}
	if n := len(s.table.Chunks); n > 0 {
		ref.Offset = s.table.Chunks[n-1].Offset + int64(s.table.Chunks[n-1].Size)
	}
	for _, b := range chunk.Blocks {
		b.Chunk = len(s.table.Chunks)
		s.table.Blocks = append(s.table.Blocks, b)
	}
	s.table.Chunks = append(s.table.Chunks, ref)
	s.plain = append(s.plain, bytes.Clone(chunk.Plain))
	s.at = append(s.at, time.Now())
	return nil
}

func (s *memSegment) Seal(_ context.Context, info SegmentInfo) error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if s.store.sealErr != nil {
		return s.store.sealErr
	}
	s.info = info
	s.store.open--
	s.store.sealed = append(s.store.sealed, s)
	return nil
}

func (s *memSegment) Discard() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.store.open--
	s.store.discarded++
	return nil
}

func (m *memStore) set(change func(*memStore)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	change(m)
}

// segments lists what was sealed of one kind, tables through their encoding.
func (m *memStore) segments(tb testing.TB, kind Kind) []StoredSegment {
	tb.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	var list []StoredSegment
	for i, s := range m.sealed {
		if s.info.ID.Kind != kind {
			continue
		}
		encoded, err := s.table.MarshalBinary()
		if err != nil {
			tb.Fatalf("table of %s: %v", s.info.ID.ObjectKey(), err)
		}
		table, err := UnmarshalSegmentTable(encoded)
		if err != nil {
			tb.Fatalf("table of %s: %v", s.info.ID.ObjectKey(), err)
		}
		list = append(list, StoredSegment{Index: int64(i + 1), SegmentInfo: s.info, Table: table})
	}
	slices.SortStableFunc(list, func(a, b StoredSegment) int { return int(a.Start - b.Start) })
	return list
}

func (m *memStore) Segments(context.Context, consent.Permit, consent.SessionID, Kind, int64) ([]StoredSegment, error) {
	return nil, errors.New("not used here")
}

func (m *memStore) ReadChunks(_ context.Context, permit consent.Permit, segment StoredSegment, first, last int) ([][]byte, error) {
	if err := permit.Demand(segment.ID.Session, segment.ID.Kind.Artefact()); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.sealed {
		if s.info.ID == segment.ID {
			call := readCall{segment: segment.ID, first: first, last: last}
			for _, p := range s.plain[first : last+1] {
				call.bytes += len(p)
			}
			m.reads = append(m.reads, call)
			return s.plain[first : last+1], nil
		}
	}
	return nil, fmt.Errorf("no segment %s", segment.ID.ObjectKey())
}

// layout lays out what the store holds of the kinds.
func (m *memStore) layout(tb testing.TB, kinds ...Kind) *Layout {
	tb.Helper()
	var audio, video []StoredSegment
	if slices.Contains(kinds, KindAudio) {
		audio = m.segments(tb, KindAudio)
	}
	if slices.Contains(kinds, KindVideo) {
		video = m.segments(tb, KindVideo)
	}
	l, err := NewLayout(audio, video)
	if err != nil {
		tb.Fatalf("lay out %v: %v", kinds, err)
	}
	return l
}

// play returns the whole file.
func (m *memStore) play(tb testing.TB, l *Layout) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := l.WriteRange(tb.Context(), &b, 0, l.Size(), m, playPermit, nil); err != nil {
		tb.Fatalf("write file: %v", err)
	}
	if int64(b.Len()) != l.Size() {
		tb.Fatalf("file has %d bytes, Size says %d", b.Len(), l.Size())
	}
	return b.Bytes()
}
