package media

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/media/judge"
)

// sent is one frame on its way to a recorder.
type sent struct {
	kind  Kind
	codec Codec
	Frame
}

// makeVideo makes sent frames of a clip.
func makeVideo(tb testing.TB, v judge.Video, seconds string) (list []sent) {
	tb.Helper()
	v.Seconds = number(tb, seconds)
	for _, f := range v.Frames(tb) {
		list = append(list, sent{KindVideo, Codec(v.Codec), Frame(f)})
	}
	return list
}

// makeSound makes sent Opus packets of 20 ms.
func makeSound(tb testing.TB, expression, seconds string) (list []sent) {
	tb.Helper()
	for _, f := range (judge.Sound{Expression: expression, Seconds: number(tb, seconds)}).Frames(tb) {
		list = append(list, sent{KindAudio, CodecOpus, Frame(f)})
	}
	return list
}

func number(tb testing.TB, text string) float64 {
	tb.Helper()
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n
}

// clipVideo makes a moving picture, every frame unlike all others.
func clipVideo(tb testing.TB, codec Codec, size, seconds, keyEvery string) []sent {
	tb.Helper()
	width, height, _ := strings.Cut(size, "x")
	return makeVideo(tb, judge.Video{
		Codec: string(codec), Width: int(number(tb, width)), Height: int(number(tb, height)), KeyEvery: int(number(tb, keyEvery)),
	}, seconds)
}

// clipAudio makes a tone.
func clipAudio(tb testing.TB, seconds string) []sent {
	tb.Helper()
	return makeSound(tb, "0.125*sin(2*PI*440*t)", seconds)
}

// sourceVideo makes a moving picture of 320x180 with 30 pictures a second, a key frame every so many.
func sourceVideo(tb testing.TB, codec Codec, seconds, keyEvery string) []sent {
	tb.Helper()
	return clipVideo(tb, codec, "320x180", seconds, keyEvery)
}

// sourceTalk makes a tone that sounds where the expression in t is true.
func sourceTalk(tb testing.TB, sounds, seconds string) []sent {
	tb.Helper()
	return makeSound(tb, "0.3*sin(2*PI*440*t)*("+sounds+")", seconds)
}

func absolute(d time.Duration) time.Duration { return max(d, -d) }

// shift moves frames in media time.
func shift(frames []sent, by time.Duration) []sent {
	moved := slices.Clone(frames)
	for i := range moved {
		moved[i].Time += by
	}
	return moved
}

// keep returns the frames for which ok is true.
func keep(frames []sent, ok func(sent) bool) []sent {
	return slices.DeleteFunc(slices.Clone(frames), func(s sent) bool { return !ok(s) })
}

// merge orders frames of both kinds by time.
func merge(tracks ...[]sent) []sent {
	all := slices.Concat(tracks...)
	slices.SortStableFunc(all, func(a, b sent) int { return cmp.Compare(a.Time, b.Time) })
	return all
}

// record sends the frames at their own pace, in a bubble where time costs nothing.
func record(t *testing.T, frames []sent) *memStore {
	t.Helper()
	store := &memStore{}
	synctest.Test(t, func(t *testing.T) {
		r := NewRecorder(RecorderConfig{Session: testSession, Epoch: 1, Store: store, Permit: capturePermit})
		done := make(chan error, 1)
		go func() { done <- r.Run(t.Context()) }()
		send(r, frames)
		r.Finish()
		if err := <-done; err != nil {
			t.Errorf("recorder: %v", err)
		}
		if r.Lost() != 0 {
			t.Errorf("recorder lost %d frames", r.Lost())
		}
	})
	if store.open != 0 {
		t.Errorf("%d segments are still open", store.open)
	}
	return store
}

// pass lets time go by inside a bubble of testing/synctest, where nobody waits for it.
func pass(d time.Duration) {
	if time.Now().Year() > 2010 { // a bubble begins with the year 2000
		panic("pass is for tests in a bubble: elsewhere, wait for a signal")
	}
	time.Sleep(d) //nolint:forbidigo // the clock of a bubble moves by itself
}

func send(r *Recorder, frames []sent) {
	start := time.Now()
	for _, f := range frames {
		pass(time.Until(start.Add(f.Time)))
		r.Put(f.kind, f.codec, f.Frame)
	}
}

// decodes fails the test unless ffmpeg decodes the file without a word.
func decodes(tb testing.TB, file judge.Recording) {
	tb.Helper()
	if said := file.Decode(tb); said != "" {
		tb.Errorf("ffmpeg says about the file:\n%s", said)
	}
}

// samePackets fails the test unless the stream holds exactly the frames, each at its time. WebM's times of
// Opus are ahead by the encoder's look-ahead of 6.5 ms. It returns how many packets were made up.
func samePackets(tb testing.TB, file judge.Recording, stream string, want []sent) int {
	tb.Helper()
	got, madeUp := file.Packets(tb, stream)
	if len(got) != len(want) {
		tb.Errorf("stream %s: %d packets, want %d", stream, len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if got[i].Hash != judge.Hash(want[i].Payload) {
			tb.Errorf("stream %s: packet %d is not the one sent", stream, i)
			break
		}
		if absolute(got[i].Time-want[i].Time) > 8*time.Millisecond {
			tb.Errorf("stream %s: packet %d is at %v, sent at %v", stream, i, got[i].Time, want[i].Time)
			break
		}
	}
	return madeUp
}

// sameBytes is bytes.Equal with a useful failure.
func sameBytes(tb testing.TB, what string, got, want []byte) {
	tb.Helper()
	if bytes.Equal(got, want) {
		return
	}
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			tb.Fatalf("%s: differs at byte %d of %d (want %d)", what, i, len(got), len(want))
		}
	}
	tb.Fatalf("%s: %d bytes, want %d", what, len(got), len(want))
}

// The judge does not believe us, so it has its own idea of what silence is.
func TestMadeUpSilenceIsWhatTheJudgeKnows(t *testing.T) {
	for i, s := range silences {
		sameBytes(t, "silence of "+s.length.String(), s.packet[:], judge.Silences[i])
	}
}
