package storage

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// garbledStore is an object store and an index that answer with whatever bytes the fuzzer likes. What it
// says is authentic, as if a recorder with a fault had written it: damage that the cipher does not see.
type garbledStore struct {
	key    *dataKey
	object []byte

	mu   sync.Mutex
	most int // plain bytes given out at once
}

func (g *garbledStore) Segments(context.Context, consent.Permit, consent.SessionID, media.Kind, int64) ([]media.StoredSegment, error) {
	return nil, errors.New("not asked")
}

func (g *garbledStore) ReadChunks(_ context.Context, _ consent.Permit, s media.StoredSegment, first, last int) ([][]byte, error) {
	begin := s.Table.Chunks[first].Offset
	end := s.Table.Chunks[last].Offset + int64(s.Table.Chunks[last].Size)
	if begin > int64(len(g.object)) || end > int64(len(g.object)) {
		return nil, errNoObject
	}
	plain, err := openChunks(g.key, s.ID, s.Table.Chunks, first, last, g.object[begin:end])
	size := 0
	for _, text := range plain {
		size += len(text)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.most = max(g.most, size)
	return plain, err
}

// seal writes a chunk to each place of the table where one fits, of the bytes of plain over and over.
func (g *garbledStore) seal(tb testing.TB, id media.SegmentID, chunks []media.ChunkRef, plain []byte) {
	tb.Helper()
	for i, c := range chunks {
		const tag = 28
		if c.Offset < 0 || c.Size <= tag || c.Offset+int64(c.Size) > int64(len(g.object)) || len(plain) == 0 {
			continue
		}
		text := bytes.Repeat(plain, (c.Size-tag)/len(plain)+1)[:c.Size-tag]
		sealed, err := g.key.sealChunk(id, i, text)
		if err != nil {
			tb.Fatal(err)
		}
		copy(g.object[c.Offset:], sealed)
	}
}

func fuzzPermit(_ context.Context, kind media.Kind) (consent.Permit, error) {
	return consent.Decide(consent.Snapshot{
		Actor: consent.Actor{Kind: consent.ActorCandidate, Account: "me"}, ActorLive: true,
		Session: "aaaaaaaaaaaaaaaaaaaaaaaaaa", Known: true, Candidate: "me", State: consent.SessionEnded,
		Now: time.Now(), ReadAt: time.Now(),
	}, kind.Artefact())
}

type lengthOnly int64

func (n *lengthOnly) Write(b []byte) (int, error) { *n += lengthOnly(len(b)); return len(b), nil }

// FuzzSegmentReader plays recordings of which index rows, objects and decrypted chunks are garbage. The
// reader writes exactly the bytes that it promised or stops with an error, and never takes in more than
// the length of the object allows.
func FuzzSegmentReader(f *testing.F) {
	whole, key, head := sealedBytes(f, 3)
	file, err := scanSegment(whole)
	if err != nil {
		f.Fatal(err)
	}
	table, err := key.openTable(head.ID, file.table)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(table, whole, []byte(nil), uint16(0), uint16(0))
	f.Add(table, whole, []byte("hdr1garbage"), uint16(100), uint16(300))
	f.Add(table, whole[:len(whole)/2], []byte{0}, uint16(3), uint16(60000))
	f.Fuzz(func(t *testing.T, table, object, plain []byte, from, to uint16) {
		info, decoded, err := decodeTable(table)
		if err != nil {
			return
		}
		info.ID.Session, info.ID.Kind = head.ID.Session, media.KindAudio
		store := &garbledStore{key: key, object: bytes.Clone(object)}
		store.seal(t, info.ID, decoded.Chunks, plain)
		layout, err := media.NewLayout([]media.StoredSegment{{Index: 1, SegmentInfo: info, Table: decoded}}, nil)
		if err != nil || layout.Size() > 8<<20 {
			return
		}
		begin := min(int64(from), layout.Size())
		end := min(max(begin, int64(to)), layout.Size())
		var wrote lengthOnly
		err = layout.WriteRange(t.Context(), &wrote, begin, end, store, fuzzPermit, nil)
		if err == nil && int64(wrote) != end-begin {
			t.Fatalf("wrote %d of bytes %d to %d without an error", wrote, begin, end)
		}
		if store.most > len(object) {
			t.Fatalf("%d bytes out of an object of %d", store.most, len(object))
		}
	})
}
