package web

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

func TestRangeOf(t *testing.T) {
	t.Parallel()
	const size = 1000
	whole := byteRange{0, size}
	for field, want := range map[string]struct {
		bytes   byteRange
		partial bool
		outside bool
	}{
		"":                                  {bytes: whole},
		"bytes=0-0":                         {bytes: byteRange{0, 1}, partial: true},
		"bytes=0-":                          {bytes: whole, partial: true},
		"bytes=10-19":                       {bytes: byteRange{10, 20}, partial: true},
		"BYTES=10-19":                       {bytes: byteRange{10, 20}, partial: true},
		"bytes=999-":                        {bytes: byteRange{999, 1000}, partial: true},
		"bytes=990-5000":                    {bytes: byteRange{990, 1000}, partial: true},
		"bytes=0-99999999999999999999999":   {bytes: whole, partial: true},
		"bytes=-1":                          {bytes: byteRange{999, 1000}, partial: true},
		"bytes=-1000":                       {bytes: whole, partial: true},
		"bytes=-9999":                       {bytes: whole, partial: true},
		"bytes=1000-":                       {partial: true, outside: true},
		"bytes=1000-1001":                   {partial: true, outside: true},
		"bytes=99999999999999999999999999-": {partial: true, outside: true},
		"bytes=-0":                          {partial: true, outside: true},
		"bytes=0-1,5-6":                     {bytes: whole}, // several: a server may send everything
		"bytes=5-4":                         {bytes: whole}, // invalid: must be ignored
		"bytes=-":                           {bytes: whole},
		"bytes=a-b":                         {bytes: whole},
		"bytes=+1-2":                        {bytes: whole},
		"bytes=1":                           {bytes: whole},
		"bytes=--5":                         {bytes: whole},
		"bytes 0-5":                         {bytes: whole},
		"seconds=0-5":                       {bytes: whole},
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if field != "" {
			r.Header.Set("Range", field)
		}
		got, partial, err := rangeOf(r, size)
		if got != want.bytes || partial != want.partial || errors.Is(err, errRange) != want.outside {
			t.Errorf("%q: got %v, partial %v, %v; want %+v", field, got, partial, err, want)
		}
		r.Method = http.MethodHead
		if got, partial, err := rangeOf(r, size); got != whole || partial || err != nil {
			t.Errorf("HEAD with %q: got %v, %v, %v; want the whole", field, got, partial, err)
		}
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Range", "bytes=0-1")
	r.Header.Set("If-Range", `"etag"`)
	if _, partial, _ := rangeOf(r, size); partial {
		t.Error("If-Range matched, but there is no validator it could match")
	}
}

func FuzzRangeOf(f *testing.F) {
	for _, seed := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=1-2,3-4", "bytes=9999999999999999999-", ""} {
		f.Add(seed, int64(1000))
	}
	f.Fuzz(func(t *testing.T, field string, size int64) {
		if size < 0 {
			return
		}
		r := &http.Request{Method: http.MethodGet, Header: http.Header{"Range": {field}}}
		got, partial, err := rangeOf(r, size)
		if err == nil && (got.from < 0 || got.to > size || got.from > got.to || partial && got.from == got.to) {
			t.Errorf("%q of %d: %v", field, size, got)
		}
	})
}

// playback is one interview with its recording and everything a player asks for.
func (p *person) descriptor(path string) recordingJSON {
	p.t.Helper()
	var d recordingJSON
	p.get(path).want(http.StatusOK).into(&d)
	return d
}

// Segments of both kinds may be indexed between the two questions for them. What is described then is what is
// fetched under that name, also by whoever keeps nothing of it.
func TestAFileIsTheSameHoweverItsSegmentsCome(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	s.set(func(w *world) {
		all := w.segments[id]
		newest := slices.MaxFunc(all, func(a, b media.StoredSegment) int { return cmp.Compare(a.Index, b.Index) })
		late := func(segment media.StoredSegment) bool { // the last of each kind, the sound's before the picture's
			return segment.Index == newest.Index || segment.ID.Kind != newest.ID.Kind && segment.ID.Sequence == newest.ID.Sequence
		}
		w.segments[id] = slices.DeleteFunc(slices.Clone(all), late)
		w.afterList = func(consent.SessionID, media.Kind) { w.segments[id], w.afterList = all, nil }
	})
	d := p.descriptor(sessionPathOf(id, "recording"))
	s.server.layouts = newLayouts(s.server.now) // another node
	file := p.get(sessionPathOf(id, "recording.webm") + fmt.Sprintf("?through=%d", d.Through)).want(http.StatusOK)
	if int64(len(file.body)) != d.Size {
		t.Errorf("%d bytes are described and %d come", d.Size, len(file.body))
	}
}

func TestCandidatePlaysTheWholeAndParts(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	d := p.descriptor(sessionPathOf(id, "recording"))
	if d.Through != 20 || d.DurationMS != 60_000 || !d.Audio || !d.Video || d.Size < 600*videoFrame || len(d.Gaps) != 2 {
		t.Fatalf("descriptor %+v", d)
	}
	path := sessionPathOf(id, "recording.webm?through="+strconv.FormatInt(d.Through, 10))
	whole := p.get(path).want(http.StatusOK)
	if int64(len(whole.body)) != d.Size || !bytes.HasPrefix(whole.body, []byte{0x1A, 0x45, 0xDF, 0xA3}) {
		t.Fatalf("got %d bytes, want %d that begin like WebM", len(whole.body), d.Size)
	}
	for name, want := range map[string]string{
		"Content-Type": "video/webm", "Accept-Ranges": "bytes", "Cache-Control": "private, no-store", "Content-Disposition": "inline", "Etag": "", "Last-Modified": "",
	} {
		if got := whole.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		field    string
		from, to int64
	}{
		{"bytes=0-99", 0, 100},
		{"bytes=50000-249999", 50_000, 250_000},
		{"bytes=-1000", d.Size - 1000, d.Size},
		{"bytes=" + strconv.FormatInt(d.Size-5, 10) + "-", d.Size - 5, d.Size},
	} {
		r := p.request(http.MethodGet, path, nil)
		r.Header.Set("Range", c.field)
		r.Header.Set("If-None-Match", "*")
		got := p.send(r).want(http.StatusPartialContent)
		wantRange := "bytes " + strconv.FormatInt(c.from, 10) + "-" + strconv.FormatInt(c.to-1, 10) + "/" + strconv.FormatInt(d.Size, 10)
		if !bytes.Equal(got.body, whole.body[c.from:c.to]) || got.header.Get("Content-Range") != wantRange {
			t.Errorf("%s: %d bytes, %q; want bytes %d to %d of the whole", c.field, len(got.body), got.header.Get("Content-Range"), c.from, c.to)
		}
	}
	r := p.request(http.MethodGet, path, nil)
	r.Header.Set("Range", "bytes="+strconv.FormatInt(d.Size, 10)+"-")
	got := p.send(r).want(http.StatusRequestedRangeNotSatisfiable)
	if got.problem(); got.header.Get("Content-Range") != "bytes */"+strconv.FormatInt(d.Size, 10) {
		t.Errorf("Content-Range %q", got.header.Get("Content-Range"))
	}
	head := p.do(http.MethodHead, path, nil).want(http.StatusOK)
	if len(head.body) != 0 || head.header.Get("Content-Length") != strconv.FormatInt(d.Size, 10) {
		t.Errorf("HEAD: %d bytes, Content-Length %q", len(head.body), head.header.Get("Content-Length"))
	}
}

// The file of one snapshot does not change while the recording grows.
func TestSnapshotStaysFrozen(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	path := sessionPathOf(id, "recording.webm?through=")
	before := p.get(path + "8").want(http.StatusOK)
	s.set(func(w *world) { w.addSegment(id, media.KindAudio, media.CodecOpus, time.Minute, 80) })
	if after := p.get(path + "8").want(http.StatusOK); !bytes.Equal(before.body, after.body) {
		t.Error("the snapshot changed when the recording grew")
	}
	p.get(path + "21").want(http.StatusOK)
	p.get(path + "22").want(http.StatusNotFound)
	for _, bad := range []string{"", "0", "-1", "x", "8&through=9"} {
		p.get(path + bad).want(http.StatusBadRequest).problem()
	}
	p.get(sessionPathOf(id, "recording.webm")).want(http.StatusBadRequest)
}

// T05: one kind that is shared is one kind that is sent.
func TestEmployerPlaysOnlyTheSharedKind(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	owner := s.candidate(t)
	for scope, c := range map[consent.Scope]struct {
		contentType string
		has, lacks  string
		artefact    consent.Artefact
	}{
		consent.ScopeRecordingAudio: {"audio/webm", "audioaudio", "videovideo", consent.ArtefactAudio},
		consent.ScopeRecordingVideo: {"video/webm", "videovideo", "audioaudio", consent.ArtefactVideo},
	} {
		watcher := s.employer(t, "Acme")
		id := s.interview(t, owner)
		s.set(func(w *world) { w.segments[id], w.accesses = w.segments[id][:2], nil }) // six seconds: within the burst
		s.share(id, watcher, scope)
		d := watcher.descriptor(sharedPath(id, "recording"))
		if d.Audio != (scope == consent.ScopeRecordingAudio) || d.Video != (scope == consent.ScopeRecordingVideo) {
			t.Errorf("%s: descriptor %+v", scope, d)
		}
		got := watcher.get(sharedPath(id, "recording.webm?through="+strconv.FormatInt(d.Through, 10))).want(http.StatusOK)
		if got.header.Get("Content-Type") != c.contentType || !bytes.Contains(got.body, []byte(c.has)) || bytes.Contains(got.body, []byte(c.lacks)) {
			t.Errorf("%s: %s with %d bytes; want %q and no %q", scope, got.header.Get("Content-Type"), len(got.body), c.has, c.lacks)
		}
		if len(s.accesses) != 1 || s.accesses[0].Artefact != c.artefact {
			t.Errorf("%s: noted %v, want %s", scope, s.accesses, c.artefact)
		}
	}
}

// watching is an open media stream that is read by hand.
type watching struct {
	t    *testing.T
	body io.ReadCloser
}

func (p *person) watch(path string) watching {
	p.t.Helper()
	response, err := p.stage.http.Client().Do(p.request(http.MethodGet, path, nil))
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { _ = response.Body.Close() })
	if response.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: got %d, want 200", path, response.StatusCode)
	}
	return watching{p.t, response.Body}
}

// drain reads until the stream ends and returns how many bytes came and how the end looked.
func (w watching) drain() (int64, error) { return io.Copy(io.Discard, w.body) }

// T08: the burst arrives at once, the rest is paced, and a withdrawal ends it within a second.
func TestWithdrawalCutsAnEmployerOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher := s.employer(t, "Acme")
	id := s.interview(t, s.candidate(t))
	s.share(id, watcher, consent.ScopeRecordingAudio, consent.ScopeRecordingVideo)
	stream := watcher.watch(sharedPath(id, "recording.webm?through=20"))
	const burst = 12 * 10 * videoFrame // twelve seconds of pictures
	if _, err := io.CopyN(io.Discard, stream.body, burst-10*videoFrame); err != nil {
		t.Fatalf("read the burst: %v", err)
	}
	began := time.Now()
	s.withdrawAll(id)
	rest, err := stream.drain()
	took := time.Since(began)
	if err == nil {
		t.Error("the answer ended as if it were whole")
	}
	if took > time.Second {
		t.Errorf("cut off after %v, want within a second", took)
	}
	if rest > 40*videoFrame {
		t.Errorf("%d bytes came after the burst: it is not paced", rest)
	}
	t.Logf("cut off %v after the withdrawal; %d bytes were on their way", took, rest)
	watcher.get(sharedPath(id, "recording.webm?through=20")).want(http.StatusNotFound)
}

// T11, T12: nobody says anything, the database is just not there any more.
func TestLostDatabaseCutsAnEmployerOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher := s.employer(t, "Acme")
	id := s.interview(t, s.candidate(t))
	s.share(id, watcher, consent.ScopeRecordingAudio, consent.ScopeRecordingVideo)
	stream := watcher.watch(sharedPath(id, "recording.webm?through=20"))
	if _, err := io.CopyN(io.Discard, stream.body, 1<<20); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s.set(func(w *world) { w.broken = errors.New("connection refused") })
	if _, err := stream.drain(); err == nil {
		t.Error("the answer ended as if it were whole")
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("cut off after %v, want within 2 s", took)
	}
}

// A reader that takes nothing blocks the write; the withdrawal ends that too, and what was waiting in
// the server's buffers is thrown away.
func TestWithdrawalCutsABlockedReaderOff(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher := s.employer(t, "Acme")
	id := s.interview(t, s.candidate(t))
	s.set(func(w *world) { // much more than every buffer on the way
		w.segments[id], w.chunks = nil, map[media.SegmentID][][]byte{}
		for start := time.Duration(0); start < 12*time.Second; start += 6 * time.Second {
			w.addSegment(id, media.KindVideo, media.CodecVP8, start, 400_000)
		}
	})
	s.share(id, watcher, consent.ScopeRecordingVideo)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.http.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := watcher.request(http.MethodGet, sharedPath(id, "recording.webm?through=2"), nil).Write(conn); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, conn, 4096); err != nil {
		t.Fatal(err)
	}
	s.withdrawAll(id)
	if !eventually(t, func() bool { return s.openStreams() == 0 }) {
		t.Fatal("the stream is still open")
	}
	if err := conn.SetReadDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	rest, err := io.Copy(io.Discard, conn)
	if err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the connection ended quietly after %d bytes, want a reset: %v", rest, err)
	}
	if rest > 24<<20 {
		t.Errorf("%d bytes came after the withdrawal", rest)
	}
}

func (s *stage) openStreams() int {
	s.server.streams.mu.Lock()
	defer s.server.streams.mu.Unlock()
	return len(s.server.streams.open)
}

// eventually waits for a state that no signal announces.
func eventually(t *testing.T, is func() bool) bool {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	deadline := time.NewTimer(5 * time.Second)
	defer deadline.Stop()
	for !is() {
		select {
		case <-ticker.C:
		case <-deadline.C:
			return false
		}
	}
	return true
}

// T09: the third stream of an employer ends the first, which a player that seeks has left behind.
func TestEmployerHasAtMostTwoStreams(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher := s.employer(t, "Acme")
	id := s.interview(t, s.candidate(t))
	s.share(id, watcher, consent.ScopeRecordingVideo)
	path := sharedPath(id, "recording.webm?through=20")
	first, second := watcher.watch(path), watcher.watch(path)
	third := watcher.watch(path)
	if _, err := first.drain(); err == nil {
		t.Error("the oldest stream ended as if it were whole")
	}
	if !eventually(t, func() bool { return s.openStreams() == 2 }) {
		t.Errorf("%d streams are open, want 2", s.openStreams())
	}
	s.withdrawAll(id)
	for _, stream := range []watching{second, third} {
		if _, err := stream.drain(); err == nil {
			t.Error("a stream outlived the withdrawal")
		}
	}
}

// P30: log-out ends what the log-in has open.
func TestLogOutEndsStreams(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	watcher := s.employer(t, "Acme")
	id := s.interview(t, s.candidate(t))
	s.share(id, watcher, consent.ScopeRecordingVideo)
	stream := watcher.watch(sharedPath(id, "recording.webm?through=20"))
	events := watcher.listen(sharedPath(id, "events"))
	watcher.do(http.MethodPost, "/api/v1/log-out", nil).want(http.StatusNoContent)
	if _, err := stream.drain(); err == nil {
		t.Error("the stream ended as if it were whole")
	}
	events.want("access.ended")
	events.wantEnd()
}

func TestServerThatStopsEndsStreams(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	events := p.listen(sessionPathOf(id, "events"))
	events.want("results")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := s.http.Config.Shutdown(ctx); err != nil {
		t.Errorf("shutdown waited for a stream: %v", err)
	}
	events.wantEnd()
}

// A candidate's own recording is not held back: nobody is kept from their own words.
func TestCandidateIsNotPaced(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	began := time.Now()
	p.get(sessionPathOf(id, "recording.webm?through=20")).want(http.StatusOK)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("a minute of recording took %v", took)
	}
}

func TestRecordingThatIsNotThereLooksUnknown(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	s.set(func(w *world) { delete(w.segments, id) })
	want := p.get(sessionPathOf(consent.NewID[consent.SessionID](), "recording")).want(http.StatusNotFound).face()
	if got := p.get(sessionPathOf(id, "recording")).face(); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	p.get(sessionPathOf(id, "recording.webm?through=1")).want(http.StatusNotFound)
}

func TestDamagedRecordingIsAFaultNotARefusal(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	p := s.candidate(t)
	id := s.interview(t, p)
	s.set(func(w *world) {
		for key, chunks := range w.chunks {
			if key.Session == id && key.Sequence == 5 {
				w.chunks[key] = [][]byte{{1}, {2}, {3}, {4}, {5}, {6}}[:len(chunks)]
			}
		}
	})
	response, err := s.http.Client().Do(p.request(http.MethodGet, sessionPathOf(id, "recording.webm?through=20"), nil))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, bufio.NewReader(response.Body)); err == nil {
		t.Error("a damaged recording ended as if it were whole")
	}
	if !eventually(t, func() bool { return strings.Contains(s.log.String(), "playback failed") }) {
		t.Error("the log says nothing about it")
	}
}
