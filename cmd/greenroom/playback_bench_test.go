package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	s3 "github.com/minio/minio-go/v7"              //nolint:depguard // the direct read that playback is compared with
	"github.com/minio/minio-go/v7/pkg/credentials" //nolint:depguard // the same

	"greenroom/consent"
	"greenroom/media"
)

// seekPiece is how much a player takes before it can show something, and seekTrials how often
// BenchmarkPlayback jumps.
const (
	seekPiece  = 256 << 10
	seekTrials = 300
)

// BenchmarkPlayback jumps about in recordings of two minutes and of two hours and plays them through, as
// the candidate over HTTP and beside it by reading the same bytes straight from the object store. It is
// run by hand (`make bench`).
func BenchmarkPlayback(b *testing.B) {
	c := startCinema(b, 1200)
	direct, err := s3.New(c.store.address, &s3.Options{Creds: credentials.NewStaticV4(c.store.accessKey, c.store.secret, "")})
	if err != nil {
		b.Fatal(err)
	}
	for _, length := range []time.Duration{2 * time.Minute, 2 * time.Hour} {
		b.Run(length.String(), func(b *testing.B) {
			f := c.begin()
			began := time.Now()
			f.roll(length)
			f.wrap()
			b.Logf("a recording of %v, %d MB, made in %v", length, f.state().Size>>20, time.Since(began).Round(time.Second))
			for b.Loop() {
				f.seek(b, direct)
				f.playThrough(b, direct)
			}
		})
	}
}

// objectRange is one request to the object store.
type objectRange struct {
	key        string
	begin, end int64
}

// readsOf lists what playback asks the object store for to write bytes of a recording.
func (f *film) readsOf(b *testing.B, layout *media.Layout, from, to int64) []objectRange {
	b.Helper()
	noted := &notedReads{RecordingReader: f.app.segments}
	if err := layout.WriteRange(b.Context(), io.Discard, from, to, noted, f.permit, nil); err != nil {
		b.Fatal(err)
	}
	return noted.list
}

type notedReads struct {
	media.RecordingReader
	mu   sync.Mutex
	list []objectRange
}

func (n *notedReads) ReadChunks(ctx context.Context, permit consent.Permit, s media.StoredSegment, first, last int) ([][]byte, error) {
	end := s.Table.Chunks[last]
	n.mu.Lock()
	n.list = append(n.list, objectRange{s.ID.ObjectKey(), s.Table.Chunks[first].Offset, end.Offset + int64(end.Size)})
	n.mu.Unlock()
	return n.RecordingReader.ReadChunks(ctx, permit, s, first, last)
}

func (f *film) permit(ctx context.Context, kind media.Kind) (consent.Permit, error) {
	return f.app.gate.Permit(ctx, consent.Actor{Kind: consent.ActorCandidate, Account: f.account}, f.session, kind.Artefact())
}

func (f *film) layout(b *testing.B) *media.Layout {
	b.Helper()
	var tracks [2][]media.StoredSegment
	for i, kind := range []media.Kind{media.KindAudio, media.KindVideo} {
		permit, err := f.permit(b.Context(), kind)
		if err != nil {
			b.Fatal(err)
		}
		if tracks[i], err = f.app.segments.Segments(b.Context(), permit, f.session, kind, 0); err != nil {
			b.Fatal(err)
		}
	}
	layout, err := media.NewLayout(tracks[0], tracks[1])
	if err != nil {
		b.Fatal(err)
	}
	return layout
}

// read takes the ranges one after the other, as playback does, and returns when the first byte and the
// last came.
func read(b *testing.B, direct *s3.Client, list []objectRange) (first, last time.Duration) {
	b.Helper()
	began := time.Now()
	core := s3.Core{Client: direct}
	for i, r := range list {
		var options s3.GetObjectOptions
		if err := options.SetRange(r.begin, r.end-1); err != nil {
			b.Fatal(err)
		}
		body, _, _, err := core.GetObject(b.Context(), "recordings", r.key, options)
		if err != nil {
			b.Fatal(err)
		}
		one := make([]byte, 1)
		if _, err := io.ReadFull(body, one); err != nil {
			b.Fatal(err)
		}
		if i == 0 {
			first = time.Since(began)
		}
		if _, err := io.Copy(io.Discard, body); err != nil {
			b.Fatal(err)
		}
		_ = body.Close()
	}
	return first, time.Since(began)
}

// fetch takes a range over HTTP and returns when the first byte and the last came.
func (f *film) fetch(b *testing.B, path string, from, to int64) (first, last time.Duration) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, f.candidate.address+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	began := time.Now()
	answer, err := f.candidate.do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusPartialContent {
		b.Fatalf("%s answers %s", path, answer.Status)
	}
	if _, err := io.ReadFull(answer.Body, make([]byte, 1)); err != nil {
		b.Fatal(err)
	}
	first = time.Since(began)
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != to-from-1 {
		b.Fatalf("%d bytes of %d: %v", n+1, to-from, err)
	}
	return first, time.Since(began)
}

// seek jumps to places all over the recording, by turns over HTTP and straight.
func (f *film) seek(b *testing.B, direct *s3.Client) {
	b.Helper()
	layout, path := f.layout(b), f.candidate.recordingOf(b, f.path())
	random := rand.New(rand.NewPCG(4, 4))
	took := map[string][]time.Duration{}
	for range seekTrials {
		from := random.Int64N(layout.Size() - seekPiece)
		list := f.readsOf(b, layout, from, from+seekPiece)
		first, last := read(b, direct, list)
		took["direct-first"], took["direct-piece"] = append(took["direct-first"], first), append(took["direct-piece"], last)
		first, last = f.fetch(b, path, from, from+seekPiece)
		took["first"], took["piece"] = append(took["first"], first), append(took["piece"], last)
	}
	for what, all := range took {
		slices.Sort(all)
		for _, p := range []int{50, 95} {
			b.ReportMetric(float64(all[len(all)*p/100])/float64(time.Millisecond), fmt.Sprintf("ms-%s-p%d", what, p))
		}
	}
}

// playThrough takes a quarter of a gigabyte, or all there is.
func (f *film) playThrough(b *testing.B, direct *s3.Client) {
	b.Helper()
	layout, path := f.layout(b), f.candidate.recordingOf(b, f.path())
	size := min(layout.Size(), 256<<20)
	list := f.readsOf(b, layout, 0, size)
	_, straight := read(b, direct, list)
	_, played := f.fetch(b, path, 0, size)
	b.ReportMetric(float64(size)/straight.Seconds()/1e6, "MB/s-direct")
	b.ReportMetric(float64(size)/played.Seconds()/1e6, "MB/s")
}

// BenchmarkPacing watches as an employer for half a minute and says how far what was sent runs ahead of the
// time that has passed: a burst to begin with, and then never more. It is run by hand (`make bench`).
func BenchmarkPacing(b *testing.B) {
	f := startCinema(b, 1200).begin()
	f.roll(2 * time.Minute)
	f.wrap()
	whole := f.state()
	employer := f.share()
	path := employer.recordingOf(b, "/api/v1/shared/"+string(f.session))
	for b.Loop() {
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, employer.address+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		began := time.Now()
		answer, err := employer.do(request)
		if err != nil {
			b.Fatal(err)
		}
		if answer.StatusCode != http.StatusOK {
			b.Fatalf("%s answers %s", path, answer.Status)
		}
		var got int64
		var most time.Duration
		piece := make([]byte, 32<<10)
		for time.Since(began) < 30*time.Second {
			n, err := answer.Body.Read(piece)
			if err != nil {
				b.Fatal(err)
			}
			if got == 0 {
				b.ReportMetric(float64(time.Since(began))/float64(time.Millisecond), "ms-first")
			}
			got += int64(n)
			sent := time.Duration(float64(whole.DurationMS) * float64(got) / float64(whole.Size) * float64(time.Millisecond))
			if most < sent-time.Since(began) {
				most = sent - time.Since(began)
				b.ReportMetric(most.Seconds(), "s-ahead-most")
				b.ReportMetric(time.Since(began).Seconds(), "s-until-most")
			}
		}
		b.ReportMetric(float64(whole.DurationMS)*float64(got)/float64(whole.Size)/1000-30, "s-ahead-after-30")
		_ = answer.Body.Close()
	}
}

// share lets the demo's organization have the recording and logs its reviewer in.
func (f *film) share() *browser {
	f.t.Helper()
	var list struct{ Organizations []struct{ ID string } }
	f.decode(f.candidate.get(f.t, "/api/v1/organizations", http.StatusOK), &list)
	text, err := json.Marshal(map[string]any{
		"org_id": list.Organizations[0].ID, "purpose": "practice_review", "valid_until": time.Now().Add(time.Hour).UTC(),
		"scopes": []consent.Scope{consent.ScopeRecordingAudio, consent.ScopeRecordingVideo},
	})
	if err != nil {
		f.t.Fatal(err)
	}
	f.candidate.post(f.t, f.path()+"/authorizations", string(text), http.StatusCreated)
	employer := &browser{address: f.candidate.address}
	employer.post(f.t, "/api/v1/log-in", proofOf(f.t, f.app.DataDir, f.app.banner.demo.Employer), http.StatusOK)
	return employer
}
