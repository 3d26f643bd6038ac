package media

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"
)

// testTable is a table of three seconds of audio in four chunks.
func testTable() SegmentTable {
	var t SegmentTable
	for c := range 4 {
		offset := 6
		for range 13 {
			n := len(t.Blocks)
			t.Blocks = append(t.Blocks, BlockRef{
				Chunk: c, Offset: offset, Size: 60 + n, Time: time.Minute + time.Duration(n)*20*time.Millisecond, Key: n%7 == 0,
				Duration: time.Duration(n/20) * 20 * time.Millisecond,
			})
			offset += 60 + n + 6
		}
		ref := ChunkRef{Size: offset + 20, Plain: offset - 6}
		if c > 0 {
			ref.Offset = t.Chunks[c-1].Offset + int64(t.Chunks[c-1].Size) + 4
		}
		t.Chunks = append(t.Chunks, ref)
	}
	return t
}

func TestTableSurvivesItsEncoding(t *testing.T) {
	want := testTable()
	b, err := want.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if per := len(b) / len(want.Blocks); per > 6 {
		t.Errorf("%d bytes a block", per)
	}
	got, err := UnmarshalSegmentTable(b)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestTableRefusesEveryCutAndTail(t *testing.T) {
	b, err := testTable().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		if _, err := UnmarshalSegmentTable(b[:n]); !errors.Is(err, ErrDamaged) {
			t.Errorf("%d of %d bytes: %v", n, len(b), err)
		}
	}
	if _, err := UnmarshalSegmentTable(append(b, 0)); !errors.Is(err, ErrDamaged) {
		t.Errorf("a byte too many: %v", err)
	}
}

func TestTableRefusesWhatNoRecorderWrites(t *testing.T) {
	for name, change := range map[string]func(*SegmentTable){
		"no chunks":          func(t *SegmentTable) { t.Chunks = nil },
		"no blocks":          func(t *SegmentTable) { t.Blocks = nil },
		"too many chunks":    func(t *SegmentTable) { t.Chunks = make([]ChunkRef, maxChunks+1) },
		"too many blocks":    func(t *SegmentTable) { t.Blocks = make([]BlockRef, maxBlocks+1) },
		"chunk before":       func(t *SegmentTable) { t.Chunks[0].Offset = -1 },
		"chunks overlap":     func(t *SegmentTable) { t.Chunks[2].Offset--; t.Chunks[2].Offset -= 4 },
		"chunk far away":     func(t *SegmentTable) { t.Chunks[3].Offset = 1 << 62 },
		"chunk of nothing":   func(t *SegmentTable) { t.Chunks[1].Plain = 0 },
		"chunk too large":    func(t *SegmentTable) { t.Chunks[1].Plain = maxChunk + 1 },
		"block in no chunk":  func(t *SegmentTable) { t.Blocks[51].Chunk = 4 },
		"chunk falls":        func(t *SegmentTable) { t.Blocks[30].Chunk = 0 },
		"block outside":      func(t *SegmentTable) { t.Blocks[12].Size++ },
		"block before":       func(t *SegmentTable) { t.Blocks[0].Offset = -1 },
		"blocks overlap":     func(t *SegmentTable) { t.Blocks[1].Offset = t.Blocks[0].Offset },
		"sum overflows":      func(t *SegmentTable) { t.Blocks[0].Size = 1<<63 - 1 },
		"block of nothing":   func(t *SegmentTable) { t.Blocks[3].Size = 0 },
		"time falls":         func(t *SegmentTable) { t.Blocks[3].Time = 0 },
		"time of no ms":      func(t *SegmentTable) { t.Blocks[3].Time += time.Microsecond },
		"longer than 32 s":   func(t *SegmentTable) { t.Blocks[51].Time += 33 * time.Second },
		"endless sound":      func(t *SegmentTable) { t.Blocks[3].Duration = time.Second },
		"sound of no unit":   func(t *SegmentTable) { t.Blocks[3].Duration = time.Millisecond / 4 },
		"before the session": func(t *SegmentTable) { t.Blocks[0].Time = -time.Millisecond },
		"beyond any session": func(t *SegmentTable) {
			for i := range t.Blocks {
				t.Blocks[i].Time += maxMediaTime
			}
		},
	} {
		table := testTable()
		change(&table)
		if _, err := table.MarshalBinary(); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTableOfOneKindOfNumberHasOneEncoding(t *testing.T) {
	b, err := testTable().MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	long := append([]byte{b[0], b[1] | 0x80, 0}, b[2:]...) // 4 in two octets
	if _, err := UnmarshalSegmentTable(long); !errors.Is(err, ErrDamaged) {
		t.Errorf("a padded number: %v", err)
	}
}

// A table that promises much and holds nothing must not cost memory.
func TestHostileTableDoesNotAllocate(t *testing.T) {
	hostile := []byte{tableVersion, 0x80, 0x08} // 1024 chunks, and then nothing
	if n := testing.AllocsPerRun(10, func() { _, _ = UnmarshalSegmentTable(hostile) }); n > 8 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSegmentTable(f *testing.F) {
	b, err := testTable().MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add(b[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		table, err := UnmarshalSegmentTable(b)
		if err != nil {
			return
		}
		if again, err := table.MarshalBinary(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("encoded again: %x, %v\nwas: %x", again, err, b)
		}
	})
}
