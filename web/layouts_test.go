package web

import (
	"bytes"
	"net/http"
	"strconv"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// asked returns how often segments were listed and looked at.
func (s *stage) asked() (lists, looks int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lists, s.looks
}

// A player asks for one range after the other: the tables are read once, and both walls are asked each time.
func TestLayoutsAreKeptAndAskedAbout(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	path := sessionPathOf(id, "recording.webm?through="+strconv.FormatInt(p.descriptor(sessionPathOf(id, "recording")).Through, 10))
	lists, looks := s.asked()
	if lists != 3 || looks != 0 { // sound, picture, and sound again up to the newest picture
		t.Fatalf("for the descriptor %d listings and %d looks, want three and none", lists, looks)
	}
	whole := p.get(path).want(http.StatusOK)
	for range 3 {
		p.get(path).want(http.StatusOK)
	}
	if lists, looks = s.asked(); lists != 3 || looks != 8 {
		t.Errorf("after playing four times %d listings and %d looks, want 3 and 8", lists, looks)
	}
	s.set(func(w *world) { w.unreadable = true })
	if again := p.get(path).want(http.StatusOK); !bytes.Equal(again.body, whole.body) {
		t.Error("what was laid out anew is another file")
	}
	if lists, _ = s.asked(); lists != 5 {
		t.Errorf("a kept layout that may not be used leads to %d listings, want 5", lists)
	}
}

// What was laid out for the candidate is not what an employer gets, nor the other way round.
func TestKeptLayoutsAreNotShared(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner, watcher := s.candidate(t), s.employer(t, "Acme")
	id := s.interview(t, owner)
	s.set(func(w *world) { w.segments[id], w.accesses = w.segments[id][:2], nil }) // six seconds: within the burst
	s.share(id, watcher, consent.ScopeRecordingAudio)
	through := "recording.webm?through=" + strconv.FormatInt(watcher.descriptor(sharedPath(id, "recording")).Through, 10)
	for range 2 {
		owner.get(sessionPathOf(id, through)).want(http.StatusOK)
		got := watcher.get(sharedPath(id, through)).want(http.StatusOK)
		if got.header.Get("Content-Type") != "audio/webm" || bytes.Contains(got.body, []byte("videovideo")) {
			t.Fatalf("an employer with sound got %s of %d bytes", got.header.Get("Content-Type"), len(got.body))
		}
	}
	s.withdrawAll(id)
	watcher.get(sharedPath(id, through)).want(http.StatusNotFound)
	owner.get(sessionPathOf(id, through)).want(http.StatusOK)
}

func TestKeptLayoutsAreBounded(t *testing.T) {
	t.Parallel()
	now := testNow
	l := newLayouts(func() time.Time { return now })
	layout := wideLayout(t)
	keyOf := func(i int) layoutKey { return layoutKey{session: "a", through: int64(i)} }
	fits := int(layoutBytes / layout.Memory())
	for i := range 2 * fits {
		now = now.Add(time.Millisecond)
		l.put(keyOf(i), &keptLayout{layout: layout})
		if _, ok := l.get(keyOf(0)); !ok && i < 2*fits { // asked for all the time, so it stays
			t.Fatalf("after %d puts the one that is used most is gone", i)
		}
		if l.bytes > layoutBytes || l.bytes != int64(len(l.kept))*layout.Memory() {
			t.Fatalf("%d layouts of %d bytes count as %d", len(l.kept), layout.Memory(), l.bytes)
		}
	}
	if len(l.kept) != fits {
		t.Errorf("%d layouts are kept, %d fit", len(l.kept), fits)
	}
	now = now.Add(layoutLife - time.Millisecond)
	l.get(keyOf(0))
	now = now.Add(time.Millisecond)
	l.sweep()
	if _, ok := l.get(keyOf(0)); !ok || len(l.kept) != 1 {
		t.Errorf("%d layouts are kept of which one was asked for", len(l.kept))
	}
	now = now.Add(layoutLife)
	l.sweep()
	if len(l.kept) != 0 || l.bytes != 0 {
		t.Errorf("%d layouts and %d bytes are kept that nobody asks for", len(l.kept), l.bytes)
	}
}

// wideLayout is one of about a megabyte.
func wideLayout(t *testing.T) *media.Layout {
	t.Helper()
	var list []media.StoredSegment
	for n := range 700 {
		s := media.StoredSegment{Index: int64(n + 1), SegmentInfo: media.SegmentInfo{SegmentHead: media.SegmentHead{
			ID: media.SegmentID{Session: "a", Kind: media.KindAudio, Sequence: n}, Codec: media.CodecOpus, Start: time.Duration(n) * 6 * time.Second,
		}}}
		s.End = s.Start + 6*time.Second
		s.Table.Chunks = []media.ChunkRef{{Size: 1 << 16, Plain: 1<<16 - 28}}
		for b := range 300 {
			s.Table.Blocks = append(s.Table.Blocks, media.BlockRef{Offset: b * 100, Size: 90, Key: true, Time: s.Start + time.Duration(b)*20*time.Millisecond})
		}
		list = append(list, s)
	}
	layout, err := media.NewLayout(list, nil)
	if err != nil {
		t.Fatal(err)
	}
	return layout
}
