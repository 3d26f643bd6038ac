package media

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
	"time"

	"greenroom/media/judge"
)

// testChunk is a chunk of three audio blocks.
func testChunk() ([]byte, []BlockRef) {
	var plain []byte
	var refs []BlockRef
	for i, size := range []int{80, 300, 1} {
		at := time.Duration(i) * 20 * time.Millisecond
		plain = appendBlockHead(plain, audioTrack, at, true, size)
		refs = append(refs, BlockRef{Offset: len(plain), Size: size, Time: at, Key: true, Duration: 20 * time.Millisecond})
		plain = append(plain, opusFrame(at, size).Payload...)
	}
	return plain, refs
}

func TestParseChunkFindsTheBlocks(t *testing.T) {
	plain, want := testChunk()
	got, err := ParseChunk(plain)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
}

func TestParseChunkRefusesDamage(t *testing.T) {
	whole, _ := testChunk()
	change := func(at int, to byte) []byte {
		b := bytes.Clone(whole)
		b[at] = to
		return b
	}
	mixed := append(bytes.Clone(whole), appendBlockHead(nil, videoTrack, 0, true, 1)...)
	for name, plain := range map[string][]byte{
		"empty":            {},
		"cut in a payload": whole[:50],
		"cut in a head":    whole[:3],
		"an id alone":      whole[:1],
		"another element":  change(0, 0xA0),
		"no size":          change(1, 0),
		"size too large":   change(1, 0xFE),
		"size of nothing":  change(1, 0x84),
		"track number":     change(2, 0x01),
		"a time before":    change(3, 0x80),
		"lacing":           change(5, 0x86),
		"tracks mixed":     append(mixed, 0),
		"too long":         make([]byte, maxChunk+1),
	} {
		if refs, err := ParseChunk(plain); !errors.Is(err, ErrDamaged) || refs != nil {
			t.Errorf("%s: got %v, %v", name, refs, err)
		}
	}
}

func TestParseChunkBoundsTheNumberOfBlocks(t *testing.T) {
	block := append(appendBlockHead(nil, audioTrack, 0, true, 1), 0)
	if _, err := ParseChunk(bytes.Repeat(block, maxBlocks)); err != nil {
		t.Errorf("%d blocks: %v", maxBlocks, err)
	}
	if _, err := ParseChunk(bytes.Repeat(block, maxBlocks+1)); !errors.Is(err, ErrDamaged) {
		t.Errorf("%d blocks: %v", maxBlocks+1, err)
	}
}

func TestBlockSizesAreExact(t *testing.T) {
	for _, size := range []int{1, 122, 123, 124, 16378, 16379, 16380, 2097146, 2097147, 2097148, maxVideoFrame} {
		head := appendBlockHead(nil, videoTrack, 32767*time.Millisecond, false, size)
		if len(head)+size != blockSize(size) {
			t.Errorf("payload of %d: head of %d, blockSize says %d", size, len(head), blockSize(size))
		}
		track, ref, next, err := parseBlock(append(head, make([]byte, size)...), 0)
		want := BlockRef{Offset: len(head), Size: size, Time: 32767 * time.Millisecond}
		if err != nil || track != videoTrack || ref != want || next != len(head)+size {
			t.Errorf("payload of %d: got %+v, %v", size, ref, err)
		}
	}
}

func FuzzParseChunk(f *testing.F) {
	plain, _ := testChunk()
	f.Add(plain)
	f.Add(plain[:60])
	f.Fuzz(func(t *testing.T, b []byte) {
		refs, err := ParseChunk(b)
		if err != nil {
			if refs != nil {
				t.Error("refs with an error")
			}
			return
		}
		end := 0
		for _, r := range refs {
			if r.Offset < end || r.Size <= 0 || r.Offset+r.Size > len(b) || r.Time < 0 || r.Time > maxRelative {
				t.Fatalf("block %+v in %d bytes", r, len(b))
			}
			end = r.Offset + r.Size
		}
		if end != len(b) {
			t.Errorf("blocks end at %d of %d", end, len(b))
		}
		for _, kind := range []Kind{KindAudio, KindVideo} {
			for _, codec := range []Codec{CodecOpus, CodecVP8, CodecVP9} {
				head := SegmentHead{ID: SegmentID{Kind: kind}, Codec: codec}
				info, table, err := RebuildSegment(head, []ChunkRef{{Size: len(b) + 16}}, [][]byte{b})
				if err == nil && (len(table.Blocks) != len(refs) || info.End <= refs[len(refs)-1].Time) {
					t.Errorf("rebuilt %d of %d blocks, end %v", len(table.Blocks), len(refs), info.End)
				}
			}
		}
	})
}

// What storage rebuilds after a crash is what sealing would have written.
func TestRebuildIsWhatSealingWrites(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "14", "60"), clipAudio(t, "14")
	vp9 := clipVideo(t, CodecVP9, "160x120", "3", "60")
	for _, store := range []*memStore{record(t, merge(video, audio)), record(t, vp9)} {
		for _, s := range store.sealed {
			info, table, err := RebuildSegment(s.info.SegmentHead, s.table.Chunks, s.plain)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(table, s.table) {
				t.Errorf("%s: tables differ", s.info.ID.ObjectKey())
			}
			if absolute(info.End-s.info.End) > 35*time.Millisecond {
				t.Errorf("%s: rebuilt end %v, sealed %v", s.info.ID.ObjectKey(), info.End, s.info.End)
			}
			info.End = s.info.End
			if info != s.info {
				t.Errorf("rebuilt %+v\nsealed %+v", info, s.info)
			}
		}
	}
}

// A crash leaves whole chunks only; what is rebuilt of them plays.
func TestRebuiltSegmentPlays(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "14", "60"), clipAudio(t, "14")
	store := record(t, merge(video, audio))
	frames := map[Kind]int{}
	for i, s := range store.sealed {
		n := len(s.plain)
		if i >= len(store.sealed)-2 { // the open segments lose their last chunks
			n -= 2
		}
		var err error
		if s.info, s.table, err = RebuildSegment(s.info.SegmentHead, s.table.Chunks[:n], s.plain[:n]); err != nil {
			t.Fatal(err)
		}
		frames[s.info.ID.Kind] += len(s.table.Blocks)
	}
	file := judge.Open(t, store.play(t, store.layout(t, KindAudio, KindVideo)))
	decodes(t, file)
	samePackets(t, file, "v", video[:frames[KindVideo]])
	samePackets(t, file, "a", audio[:frames[KindAudio]])
}

func TestRebuildRefusesWhatDoesNotFit(t *testing.T) {
	plain, _ := testChunk()
	head := SegmentHead{ID: SegmentID{Session: testSession, Kind: KindAudio}, Codec: CodecOpus}
	refs := []ChunkRef{{Size: len(plain)}}
	earlier := append(appendBlockHead(nil, audioTrack, 0, true, 1), 0)
	video := head
	video.ID.Kind = KindVideo
	for name, c := range map[string]struct {
		head   SegmentHead
		chunks []ChunkRef
		plain  [][]byte
	}{
		"nothing":           {head, nil, nil},
		"a chunk too many":  {head, refs, [][]byte{plain, plain}},
		"another kind":      {video, refs, [][]byte{plain}},
		"times falling":     {head, []ChunkRef{{Size: 9}, {Offset: 9, Size: 9}}, [][]byte{plain, earlier}},
		"chunks overlap":    {head, []ChunkRef{{Size: 9}, {Offset: 5, Size: 9}}, [][]byte{earlier, plain}},
		"damage":            {head, refs, [][]byte{plain[1:]}},
		"begins before all": {SegmentHead{ID: head.ID, Codec: CodecOpus, Start: -time.Hour}, refs, [][]byte{plain}},
	} {
		if _, _, err := RebuildSegment(c.head, c.chunks, c.plain); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
