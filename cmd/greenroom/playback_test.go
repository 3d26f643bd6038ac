package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"greenroom/media"
	"greenroom/media/judge"
)

// A recording is played by HTTP while it grows and after it ended: each frozen state is one file that
// never changes, and a newer one has all of it.
func TestRecordingPlaysWhileItGrows(t *testing.T) {
	t.Parallel()
	f := startCinema(t, 300).begin()
	f.skip = func(kind media.Kind, at time.Duration) bool { // a hole in the sound of the second part
		return kind == media.KindAudio && at >= 15*time.Second && at < 18*time.Second
	}
	f.roll(14 * time.Second)
	first := f.stateOf(11 * time.Second)
	early := f.fileOf(first)
	f.roll(14 * time.Second)
	second := f.stateOf(23 * time.Second)
	later := f.fileOf(second)
	if second.Through <= first.Through || second.DurationMS <= first.DurationMS || second.Size <= first.Size {
		t.Errorf("after more of the interview there is %+v, before it %+v", second, first)
	}
	if !bytes.Equal(f.fileOf(first), early) {
		t.Error("a frozen state changed while the recording grew")
	}
	f.wrap()
	whole := f.fileOf(f.stateOf(27 * time.Second))
	for name, file := range map[string][]byte{"early": early, "later": later, "whole": whole} {
		if said := judge.Open(t, file).Decode(t); said != "" {
			t.Errorf("ffmpeg about the %s state: %s", name, said)
		}
	}
	f.haveAllOf(early, later)
	f.haveAllOf(later, whole)
	// What the index keeps about each packet is what playback fills holes by.
	if _, madeUp := judge.Open(t, whole).Packets(t, "a"); madeUp < 140 || madeUp > 155 {
		t.Errorf("a hole of 3 s in the sound is filled with %d packets of silence, want 150", madeUp)
	}
	f.rangesOf(f.stateOf(27*time.Second), whole)
	f.playsInFFmpeg(f.stateOf(27*time.Second), whole)
}

// stateOf waits until so much of the recording is there.
func (f *film) stateOf(length time.Duration) (s frozenState) {
	f.t.Helper()
	eventually(f.t, 30*time.Second, fmt.Sprintf("%v of the recording", length), func() bool {
		answer, body := f.candidate.part(f.t, f.path()+"/recording", "")
		if answer.StatusCode != http.StatusOK {
			return false // nothing is there yet
		}
		f.decode(string(body), &s)
		return s.DurationMS >= length.Milliseconds()
	})
	return s
}

func (f *film) addressOf(s frozenState) string {
	return f.path() + "/recording.webm?through=" + strconv.FormatInt(s.Through, 10)
}

func (f *film) fileOf(s frozenState) []byte {
	f.t.Helper()
	answer, body := f.candidate.part(f.t, f.addressOf(s), "")
	if answer.StatusCode != http.StatusOK || int64(len(body)) != s.Size {
		f.t.Fatalf("%s with %d bytes, want %d", answer.Status, len(body), s.Size)
	}
	return body
}

// haveAllOf expects every packet of one state at the same time in a newer one. It may have more before them
// too, or none more of one track: segments reach the store side by side, and a state has those that were there.
func (f *film) haveAllOf(older, newer []byte) {
	f.t.Helper()
	for _, stream := range []string{"v", "a"} {
		before, _ := judge.Open(f.t, older).Packets(f.t, stream)
		after, _ := judge.Open(f.t, newer).Packets(f.t, stream)
		if len(before) == 0 || len(after) < len(before) {
			f.t.Errorf("%s: %d packets, then %d", stream, len(before), len(after))
			continue
		}
		for _, p := range before {
			if !slices.Contains(after, p) {
				f.t.Errorf("%s: %+v is not in the newer state", stream, p)
				break
			}
		}
	}
}

// rangesOf asks for every kind of range, and then for many at once.
func (f *film) rangesOf(s frozenState, whole []byte) {
	f.t.Helper()
	size, path := int64(len(whole)), f.addressOf(s)
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	for _, c := range []struct {
		field    string
		status   int
		from, to int64
	}{
		{"bytes=0-0", http.StatusPartialContent, 0, 1},
		{"bytes=0-", http.StatusPartialContent, 0, size},
		{"bytes=" + number(size-1) + "-", http.StatusPartialContent, size - 1, size},
		{"bytes=" + number(size-1) + "-" + number(size-1), http.StatusPartialContent, size - 1, size},
		{"bytes=" + number(size/2) + "-" + number(size*2), http.StatusPartialContent, size / 2, size},
		{"bytes=-1", http.StatusPartialContent, size - 1, size},
		{"bytes=-" + number(size*2), http.StatusPartialContent, 0, size},
		{"bytes=" + number(size) + "-", http.StatusRequestedRangeNotSatisfiable, 0, 0},
		{"bytes=-0", http.StatusRequestedRangeNotSatisfiable, 0, 0},
		{"bytes=0-1,5-9", http.StatusOK, 0, size}, // several ranges: the whole, as RFC 9110 14.2 allows
		{"bytes=9-5", http.StatusOK, 0, size},     // not a range: as if it were not there
		{"octets=0-1", http.StatusOK, 0, size},
	} {
		answer, body := f.candidate.part(f.t, path, c.field)
		if answer.StatusCode != c.status {
			f.t.Errorf("%s: %s, want %d", c.field, answer.Status, c.status)
			continue
		}
		want := ""
		switch c.status {
		case http.StatusPartialContent:
			want = fmt.Sprintf("bytes %d-%d/%d", c.from, c.to-1, size)
		case http.StatusRequestedRangeNotSatisfiable:
			want = "bytes */" + number(size)
			body = nil // a problem document
		}
		if got := answer.Header.Get("Content-Range"); got != want || !bytes.Equal(body, whole[c.from:c.to]) {
			f.t.Errorf("%s: Content-Range %q with %d bytes, want %q with bytes %d to %d", c.field, got, len(body), want, c.from, c.to)
		}
	}
	random := rand.New(rand.NewPCG(1, uint64(size)))
	var asking sync.WaitGroup
	for range 4 {
		seed := random.Uint64()
		asking.Go(func() { // waited for below
			random := rand.New(rand.NewPCG(2, seed))
			for range 15 {
				from := random.Int64N(size)
				to := min(size, from+1+random.Int64N(1+random.Int64N(400_000)))
				b := &browser{address: f.candidate.address, cookie: f.candidate.cookie}
				if err := b.same(f.t.Context(), path, from, to, whole); err != nil {
					f.t.Errorf("bytes %d to %d: %v", from, to, err)
				}
			}
		})
	}
	asking.Wait()
}

// same compares a range with the same bytes of the whole file.
func (b *browser) same(ctx context.Context, path string, from, to int64, whole []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, b.address+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, to-1))
	answer, err := b.do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusPartialContent || !bytes.Equal(body, whole[from:to]) {
		return fmt.Errorf("%s with %d bytes that are not those of the whole file", answer.Status, len(body))
	}
	return nil
}

// playsInFFmpeg lets ffmpeg read the recording over HTTP, with the cookie of a page, and jump in it.
func (f *film) playsInFFmpeg(s frozenState, whole []byte) {
	f.t.Helper()
	headers := "Cookie: " + f.candidate.cookie + "\r\n"
	address := f.candidate.address + f.addressOf(s)
	out, err := exec.CommandContext(f.t.Context(), "ffprobe", "-v", "error", "-headers", headers,
		"-show_entries", "format=duration:stream=codec_name", "-of", "csv=p=0", address).CombinedOutput()
	lines := strings.Fields(string(out))
	if err != nil || len(lines) != 3 {
		f.t.Fatalf("ffprobe over HTTP: %v\n%s", err, out)
	}
	if seconds, err := strconv.ParseFloat(lines[2], 64); err != nil || int64(seconds*1000+0.5) != s.DurationMS {
		f.t.Errorf("ffprobe over HTTP finds %q, want opus, vp8 and %d ms", lines, s.DurationMS)
	}
	onDisk := judge.Open(f.t, whole)
	for _, second := range []float64{0, 13, 16.5} {
		out, err := exec.CommandContext(f.t.Context(), "ffmpeg", "-v", "error", "-headers", headers,
			"-ss", strconv.FormatFloat(second, 'f', 3, 64), "-i", address, "-map", "0:v", "-frames:v", "1",
			"-fps_mode", "passthrough", "-f", "framemd5", "-").CombinedOutput()
		want := onDisk.Seek(f.t, second)
		if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), want) {
			f.t.Errorf("a jump to %v s over HTTP: %v, want the picture %s\n%s", second, err, want, out)
		}
	}
}
