package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"greenroom/consent"
	"greenroom/media"
)

// sealedBytes is a small complete file and its key, which is the same on every run.
func sealedBytes(tb testing.TB, chunks int) ([]byte, *dataKey, media.SegmentHead) {
	tb.Helper()
	head := testHead("aaaaaaaaaaaaaaaaaaaaaaaaaa", media.KindAudio, 7)
	key, err := newDataKey(bytes.Repeat([]byte{7}, dataKeySize), head.ID.Session, consent.ScopeRecordingAudio)
	if err != nil {
		tb.Fatalf("make key: %v", err)
	}
	data, err := appendHead(nil, head)
	if err != nil {
		tb.Fatalf("head: %v", err)
	}
	var refs []media.ChunkRef
	for i := range chunks {
		sealed, err := key.sealChunk(head.ID, i, testChunk(head, i).Plain)
		if err != nil {
			tb.Fatalf("seal chunk: %v", err)
		}
		refs = append(refs, media.ChunkRef{
			Offset: int64(len(data)) + recordHeader, Size: len(sealed), Plain: len(testChunk(head, i).Plain),
		})
		if data, err = appendRecord(data, recordChunk, sealed); err != nil {
			tb.Fatalf("append: %v", err)
		}
	}
	info, table, err := rebuildTest(head, refs, plainOf(head, chunks))
	if err != nil {
		tb.Fatalf("table: %v", err)
	}
	end, err := encodeEnd(key, info, table)
	if err != nil {
		tb.Fatalf("end: %v", err)
	}
	return append(data, end...), key, head
}

func TestScanReadsWhatIsWhole(t *testing.T) {
	data, _, head := sealedBytes(t, 3)
	file, err := scanSegment(data)
	if err != nil || !file.complete || len(file.chunks) != 3 || file.head != head {
		t.Fatalf("scan = %d chunks, complete %v, head %+v, %v", len(file.chunks), file.complete, file.head, err)
	}
	for _, tail := range [][]byte{{0}, {1, 0, 0, 0}, data} {
		longer, err := scanSegment(append(bytes.Clone(data), tail...))
		if err != nil || longer.complete {
			t.Errorf("a file with %d bytes after its end: complete %v, %v; want not complete", len(tail), longer.complete, err)
		}
	}
	for _, bad := range [][]byte{
		nil, []byte("RIFF...."), []byte(spoolMagic), []byte(spoolMagic + "\xff\xff\xff\xff"),
		[]byte(spoolMagic + "\x00\x00\x00\x02{}"), []byte(spoolMagic + "\x00\x00\x00\x09{\"a\":\"b\"}"),
	} {
		if _, err := scanSegment(bad); err == nil {
			t.Errorf("%q was taken for a segment", bad)
		}
	}
}

// TestNothingMovesBetweenSegments tries every ciphertext in every place it does not belong.
func TestNothingMovesBetweenSegments(t *testing.T) {
	data, key, head := sealedBytes(t, 2)
	file, _ := scanSegment(data)
	chunk := file.chunks[0].sealed
	if _, err := key.openChunk(head.ID, 0, chunk); err != nil {
		t.Fatalf("open in its own place: %v", err)
	}
	places := map[string]func(*media.SegmentID, *int){
		"chunk":    func(_ *media.SegmentID, n *int) { *n = 1 },
		"sequence": func(id *media.SegmentID, _ *int) { id.Sequence++ },
		"epoch":    func(id *media.SegmentID, _ *int) { id.Epoch++ },
		"kind":     func(id *media.SegmentID, _ *int) { id.Kind = media.KindVideo },
		"session":  func(id *media.SegmentID, _ *int) { id.Session = consent.NewID[consent.SessionID]() },
	}
	for name, move := range places {
		id, number := head.ID, 0
		move(&id, &number)
		if plain, err := key.openChunk(id, number, chunk); err == nil {
			t.Errorf("moved to another %s, it opened to %q", name, plain)
		}
	}
	for name, other := range map[string]*dataKey{
		"scope":   {session: key.session, scope: consent.ScopeRecordingVideo, aead: key.aead},
		"session": {session: consent.NewID[consent.SessionID](), scope: key.scope, aead: key.aead},
		"key":     newTestKey(t, key.session, key.scope),
	} {
		if plain, err := other.openChunk(head.ID, 0, chunk); err == nil {
			t.Errorf("under another %s, it opened to %q", name, plain)
		}
	}
	if _, err := key.openTable(head.ID, chunk); err == nil {
		t.Error("a chunk opened as a table")
	}
}

func TestFieldsOpenOnlyInTheirContext(t *testing.T) {
	key := newTestKey(t, consent.NewID[consent.SessionID](), consent.ScopeTranscript)
	sealed, err := key.sealField("words.text/17", []byte(canary))
	if err != nil || bytes.Contains(sealed, []byte("quick")) {
		t.Fatalf("seal = %q, %v", sealed, err)
	}
	if plain, err := key.openField("words.text/17", sealed); err != nil || string(plain) != canary {
		t.Errorf("open = %q, %v", plain, err)
	}
	if _, err := key.openField("words.text/18", sealed); err == nil {
		t.Error("a field opened in another row")
	}
	again, err := key.sealField("words.text/17", []byte(canary))
	if err != nil || bytes.Equal(again, sealed) {
		t.Errorf("two messages are the same bytes (%v)", err)
	}
}

func TestAssociatedDataIsUnambiguous(t *testing.T) {
	if bytes.Equal(associatedData("a", "bc"), associatedData("ab", "c")) {
		t.Error("two different lists give the same associated data")
	}
}

func TestTableRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		head := testHead(consent.NewID[consent.SessionID](), media.KindVideo, rapid.IntRange(0, 1<<30).Draw(t, "sequence"))
		info := testInfo(head, 4)
		var table media.SegmentTable
		end := int64(100)
		for c := range rapid.IntRange(0, 6).Draw(t, "chunks") {
			plain, at := rapid.IntRange(0, 5000).Draw(t, "plain"), 0
			table.Chunks = append(table.Chunks, media.ChunkRef{Offset: end + 4, Size: plain + 28, Plain: plain})
			end += int64(plain) + 32
			for range rapid.IntRange(0, 5).Draw(t, "blocks") {
				offset := rapid.IntRange(at, plain).Draw(t, "offset")
				size := rapid.IntRange(0, plain-offset).Draw(t, "size")
				at = offset + size
				table.Blocks = append(table.Blocks, media.BlockRef{
					Chunk: c, Offset: offset, Size: size, Key: rapid.Bool().Draw(t, "key"),
					Time:     time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "time")),
					Duration: rapid.SampledFrom([]time.Duration{0, 2500 * time.Microsecond, 20 * time.Millisecond, longestBlock}).Draw(t, "duration"),
				})
			}
		}
		data, err := encodeTable(info, table)
		if err != nil {
			t.Fatalf("encode: %v", err)
		}
		gotInfo, got, err := decodeTable(data)
		if err != nil || gotInfo != info {
			t.Fatalf("decode = %+v, %v; want %+v", gotInfo, err, info)
		}
		if len(got.Chunks) != len(table.Chunks) || len(got.Blocks) != len(table.Blocks) ||
			(len(table.Chunks) > 0 && !cmp.Equal(got.Chunks, table.Chunks)) ||
			(len(table.Blocks) > 0 && !cmp.Equal(got.Blocks, table.Blocks)) {
			t.Fatalf("table = %+v, want %+v", got, table)
		}
	})
}

func TestTableIsCompact(t *testing.T) {
	head := testHead(consent.NewID[consent.SessionID](), media.KindAudio, 0)
	var table media.SegmentTable
	for c := range 24 {
		table.Chunks = append(table.Chunks, media.ChunkRef{Offset: int64(100 + c*1500), Size: 1400, Plain: 1372})
		for b := range 12 {
			table.Blocks = append(table.Blocks, media.BlockRef{
				Chunk: c, Offset: 7 + b*110, Size: 100, Key: true, Time: time.Duration(c*12+b) * 20 * time.Millisecond,
				Duration: 20 * time.Millisecond,
			})
		}
	}
	data, err := encodeTable(testInfo(head, 24), table)
	if err != nil {
		t.Fatalf("encode: %v", err)
	}
	if per := len(data) / len(table.Blocks); per > 10 {
		t.Errorf("table takes %d bytes a block (%d in all), want at most 10", per, len(data))
	}
}

// Tables that were written before durations were kept can still be read.
func TestTableWithoutDurations(t *testing.T) {
	head := testHead(consent.NewID[consent.SessionID](), media.KindAudio, 0)
	_, table, _ := rebuildTest(head, []media.ChunkRef{{Offset: 200, Size: 200, Plain: 150}}, plainOf(head, 1))
	before, err := encodeTable(testInfo(head, 1), table)
	if err != nil {
		t.Fatal(err)
	}
	for i := range table.Blocks {
		table.Blocks[i].Duration = 20 * time.Millisecond
	}
	now, err := encodeTable(testInfo(head, 1), table)
	if err != nil || !bytes.HasPrefix(now, before) || len(now) == len(before) {
		t.Fatalf("with durations %d bytes, without %d (%v)", len(now), len(before), err)
	}
	if _, got, err := decodeTable(before); err != nil || len(got.Blocks) != len(table.Blocks) || got.Blocks[0].Duration != 0 {
		t.Errorf("without durations: %+v, %v", got, err)
	}
	for cut := len(before) + 1; cut < len(now); cut++ {
		if _, _, err := decodeTable(now[:cut]); !errors.Is(err, errTable) {
			t.Errorf("cut at %d of %d: %v", cut, len(now), err)
		}
	}
	run := binary.AppendVarint(binary.AppendUvarint(bytes.Clone(before), uint64(len(table.Blocks))), int64(longestBlock)+1)
	if _, _, err := decodeTable(run); !errors.Is(err, errTable) {
		t.Errorf("a duration longer than any: %v", err)
	}
}

// FuzzScanSegment gives the reader and recovery arbitrary files: no panic, nothing kept that was not
// written with the key, and whatever is kept seals to a complete file.
func FuzzScanSegment(f *testing.F) {
	whole, key, _ := sealedBytes(f, 3)
	f.Add(whole)
	f.Add(whole[:len(whole)-9])
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(spoolMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := scanSegment(data)
		if err != nil {
			return
		}
		if file.begin > int64(len(data)) {
			t.Fatalf("records begin at %d of %d", file.begin, len(data))
		}
		chunks, plain := openWhole(file, key)
		for i, text := range plain {
			if !bytes.Equal(text, testChunk(file.head, i).Plain) {
				t.Fatalf("chunk %d opened to %q, which nobody wrote", i, text)
			}
		}
		if file.complete {
			_ = authenticEnd(file, key, chunks)
			_, _ = file.readInfo()
		}
	})
}

// FuzzDecodeTable gives the table reader arbitrary plain texts; what it accepts must be in bounds
// and come out the same again.
func FuzzDecodeTable(f *testing.F) {
	head := testHead("aaaaaaaaaaaaaaaaaaaaaaaaaa", media.KindAudio, 7)
	_, table, _ := rebuildTest(head, []media.ChunkRef{{Offset: 200, Size: 200, Plain: 150}}, plainOf(head, 1))
	seed, err := encodeTable(testInfo(head, 1), table)
	if err != nil {
		f.Fatalf("encode: %v", err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)-1])
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, data []byte) {
		info, table, err := decodeTable(data)
		if err != nil {
			return
		}
		for _, b := range table.Blocks {
			if b.Chunk >= len(table.Chunks) || b.Offset+b.Size > table.Chunks[b.Chunk].Plain {
				t.Fatalf("block %+v is outside %+v", b, table.Chunks)
			}
		}
		again, err := encodeTable(info, table)
		if err != nil {
			t.Fatalf("encode again: %v", err)
		}
		gotInfo, got, err := decodeTable(again)
		if err != nil || gotInfo != info || !cmp.Equal(got, table) {
			t.Fatalf("decode again = %+v %+v, %v; want %+v %+v", gotInfo, got, err, info, table)
		}
	})
}
