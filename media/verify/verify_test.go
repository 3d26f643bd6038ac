package verify

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"greenroom/consent"
	"greenroom/media"
)

// memory is a store that keeps what it takes, and can be told to spoil it.
type memory struct {
	stored []media.StoredSegment
	plain  map[media.SegmentID][][]byte
	fail   error
}

type memoryWriter struct {
	store *memory
	s     media.StoredSegment
	plain [][]byte
}

func (m *memory) OpenSegment(_ context.Context, _ consent.Permit, head media.SegmentHead) (media.SegmentWriter, error) {
	return &memoryWriter{store: m, s: media.StoredSegment{SegmentInfo: media.SegmentInfo{SegmentHead: head}}}, m.fail
}

func (w *memoryWriter) Append(chunk media.Chunk) error {
	if w.store.fail != nil {
		return w.store.fail
	}
	for _, b := range chunk.Blocks {
		b.Chunk = len(w.plain)
		w.s.Table.Blocks = append(w.s.Table.Blocks, b)
	}
	w.plain = append(w.plain, bytes.Clone(chunk.Plain))
	return nil
}

func (w *memoryWriter) Seal(_ context.Context, info media.SegmentInfo) error {
	w.s.SegmentInfo = info
	w.store.stored = append(w.store.stored, w.s)
	w.store.plain[info.ID] = w.plain
	return w.store.fail
}

func (w *memoryWriter) Discard() error { return nil }

func (m *memory) read(s media.StoredSegment) ([][]byte, error) { return m.plain[s.ID], nil }

func head(sequence int) media.SegmentHead {
	id := media.SegmentID{Session: "s", Kind: media.KindAudio, Epoch: 1, Sequence: sequence}
	return media.SegmentHead{ID: id, Codec: media.CodecOpus, Start: time.Duration(sequence) * time.Second}
}

// chunk has two blocks, at 40 ms × number and 20 ms later.
func chunk(of media.SegmentHead, number int) media.Chunk {
	at := of.Start + time.Duration(number)*40*time.Millisecond
	return media.Chunk{Plain: []byte{0, 1, byte(number), 0, 3, 4}, Blocks: []media.BlockRef{
		{Offset: 1, Size: 2, Time: at, Key: true}, {Offset: 4, Size: 2, Time: at + 20*time.Millisecond, Key: true},
	}}
}

// record writes two segments of two chunks.
func record(t *testing.T, w *Watch) {
	t.Helper()
	for sequence := range 2 {
		h := head(sequence)
		writer, err := w.OpenSegment(t.Context(), consent.Permit{}, h)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 2 {
			if err := writer.Append(chunk(h, n)); err != nil {
				t.Fatal(err)
			}
		}
		if err := writer.Seal(t.Context(), media.SegmentInfo{SegmentHead: h, End: h.Start + 80*time.Millisecond}); err != nil {
			t.Fatal(err)
		}
	}
}

// expect wants one fault that has the text; an empty text wants none.
func expect(t *testing.T, faults []string, text string) {
	t.Helper()
	if text == "" && len(faults) > 0 || text != "" && !strings.Contains(strings.Join(faults, "\n"), text) {
		t.Errorf("faults %q, want %q", faults, text)
	}
}

func TestRecordingThatIsReadBackOtherwiseIsNoticed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		spoil func(m *memory)
		want  string
	}{
		{"nothing", func(*memory) {}, ""},
		{"segment lost", func(m *memory) { m.stored = m.stored[:1] }, "is lost with 4 blocks"},
		{"segment twice", func(m *memory) { m.stored = append(m.stored, m.stored[0]) }, "is there twice"},
		{"segment of nobody", func(m *memory) {
			s := m.stored[0]
			s.ID.Sequence = 9
			m.stored = append(m.stored, s)
		}, "was never opened"},
		{"block lost", func(m *memory) { m.stored[1].Table.Blocks = m.stored[1].Table.Blocks[:3] }, "has 3 blocks, 4 were taken"},
		{"block more than was sealed", func(m *memory) {
			b := m.stored[1].Table.Blocks
			m.stored[1].Table.Blocks = slices.Concat(b, b[3:4])
		}, "only 4 were taken"},
		{"other bytes", func(m *memory) { m.plain[head(1).ID][1][2]++ }, "block 2 is"},
		{"other time", func(m *memory) { m.stored[0].Table.Blocks[1].Time++ }, "block 1 is"},
		{"time goes back", func(m *memory) { m.stored[1].Table.Blocks[1].Time = 0 }, "time goes back"},
		{"ends too early", func(m *memory) { m.stored[1].End = m.stored[1].Start }, "its last block begins"},
		{"another codec", func(m *memory) { m.stored[1].Codec = media.CodecVP8 }, "was opened as opus"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			m := &memory{plain: map[media.SegmentID][][]byte{}}
			w := NewWatch(m, nil)
			record(t, w)
			expect(t, w.Faults(), "")
			c.spoil(m)
			expect(t, CheckRecording(w.Taken(), m.stored, m.read), c.want)
		})
	}
}

func TestKilledProcessMayHaveWrittenOneChunkMore(t *testing.T) {
	t.Parallel()
	var notes bytes.Buffer
	m := &memory{plain: map[media.SegmentID][][]byte{}}
	w := NewWatch(m, &notes)
	record(t, w)
	told := notes.Bytes()
	lines := bytes.SplitAfter(told, []byte("\n"))
	// Segment 1 without its seal and its last append, and half of a line.
	cut := append(bytes.Join(lines[:len(lines)-3], nil), `{"id":`...)
	taken, err := ReadNotes(bytes.NewReader(cut))
	if err != nil || len(taken) != 2 || len(taken[1].Blocks) != 2 || taken[1].Sealed {
		t.Fatalf("taken %+v, %v", taken, err)
	}
	expect(t, CheckRecording(taken, m.stored, m.read), "")
	taken[1].Blocks = nil // two chunks that nobody was told of
	expect(t, CheckRecording(taken, m.stored, m.read), "more than one chunk")
	whole, err := ReadNotes(bytes.NewReader(told))
	if diff := cmp.Diff(w.Taken(), whole); err != nil || diff != "" {
		t.Errorf("%v, notes differ from what was taken (-want +got):\n%s", err, diff)
	}
}

func TestWatchSeesWhatMayNotBeAsked(t *testing.T) {
	t.Parallel()
	h := head(0)
	for _, c := range []struct {
		name string
		do   func(w *Watch, s media.SegmentWriter) error
		want string
	}{
		{"time goes back", func(_ *Watch, s media.SegmentWriter) error { return s.Append(chunk(h, 0)) }, "time goes back"},
		{"append after withdrawal", func(w *Watch, s media.SegmentWriter) error { w.Withdraw("s"); return s.Append(chunk(h, 2)) }, "after the withdrawal"},
		{"seal after withdrawal", func(w *Watch, s media.SegmentWriter) error {
			w.Withdraw("s")
			return s.Seal(context.Background(), media.SegmentInfo{SegmentHead: h, End: time.Second})
		}, "sealed after the withdrawal"},
		{"open after withdrawal", func(w *Watch, _ media.SegmentWriter) error {
			w.Withdraw("s")
			_, err := w.OpenSegment(context.Background(), consent.Permit{}, head(5))
			return err
		}, "opened after"},
		{"append after discard", func(_ *Watch, s media.SegmentWriter) error { return errors.Join(s.Discard(), s.Append(chunk(h, 3))) }, "after its end"},
		{"seal too early", func(_ *Watch, s media.SegmentWriter) error {
			return s.Seal(context.Background(), media.SegmentInfo{SegmentHead: h, End: h.Start})
		}, "before its last block"},
		{"opened twice", func(w *Watch, _ media.SegmentWriter) error {
			_, err := w.OpenSegment(context.Background(), consent.Permit{}, h)
			return err
		}, "opened twice"},
		{"block outside", func(_ *Watch, s media.SegmentWriter) error {
			return s.Append(media.Chunk{Plain: []byte{1}, Blocks: []media.BlockRef{{Size: 2, Time: time.Hour}}})
		}, "outside its chunk"},
		{"discard after withdrawal", func(w *Watch, s media.SegmentWriter) error { w.Withdraw("s"); return s.Discard() }, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := NewWatch(&memory{plain: map[media.SegmentID][][]byte{}}, nil)
			s, err := w.OpenSegment(t.Context(), consent.Permit{}, h)
			if err == nil {
				err = s.Append(chunk(h, 1))
			}
			if err == nil {
				err = c.do(w, s)
			}
			if err != nil {
				t.Fatal(err)
			}
			expect(t, w.Faults(), c.want)
		})
	}
}

func TestRefusedStepsAreNotOwed(t *testing.T) {
	t.Parallel()
	m := &memory{plain: map[media.SegmentID][][]byte{}}
	w := NewWatch(m, nil)
	h := head(0)
	s, err := w.OpenSegment(t.Context(), consent.Permit{}, h)
	if err != nil {
		t.Fatal(err)
	}
	m.fail = errors.New("full")
	if err := s.Append(chunk(h, 0)); !errors.Is(err, m.fail) {
		t.Errorf("append: %v, want %v", err, m.fail)
	}
	if _, err := w.OpenSegment(t.Context(), consent.Permit{}, head(1)); !errors.Is(err, m.fail) {
		t.Errorf("open: %v, want %v", err, m.fail)
	}
	if got := w.Taken(); len(got) != 1 || len(got[0].Blocks) > 0 {
		t.Errorf("taken %+v, want one empty segment", got)
	}
	expect(t, CheckRecording(w.Taken(), nil, m.read), "")
}

func TestStockComparesIndexBucketAndSpool(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		stock Stock
		want  string
	}{
		{"clean", Stock{Rows: []Row{{"a", 1}}, Objects: map[string]int64{"a": 1}}, ""},
		{"row without object", Stock{Rows: []Row{{"a", 1}}}, "a has a row and no object"},
		{"object without row", Stock{Objects: map[string]int64{"a": 1}}, "a is an object without a row"},
		{"torn object", Stock{Rows: []Row{{"a", 2}}, Objects: map[string]int64{"a": 1}}, "a has 1 bytes, its row says 2"},
		{"two rows", Stock{Rows: []Row{{"a", 1}, {"a", 1}}, Objects: map[string]int64{"a": 1}}, "two rows"},
		{"spool", Stock{Spool: []string{"x"}}, "x is left in the spool"},
	} {
		expect(t, c.stock.Faults(), c.want)
	}
}

func TestTimesFindLossAndDoubles(t *testing.T) {
	t.Parallel()
	ms := func(at ...int) (times []time.Duration) {
		for _, v := range at {
			times = append(times, time.Duration(v)*time.Millisecond)
		}
		return times
	}
	for _, c := range []struct {
		times []time.Duration
		want  string
	}{
		{ms(0, 20, 41, 60), ""},
		{ms(0, 20, 60), "samples are lost"},
		{ms(0, 20, 20, 40), "there twice"},
		{ms(0, 20, 10), "time goes back"},
	} {
		expect(t, Times(c.times, 20*time.Millisecond, 2*time.Millisecond), c.want)
	}
}
