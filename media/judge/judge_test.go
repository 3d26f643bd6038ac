package judge

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

var (
	testVideo = Video{Codec: "vp8", Width: 160, Height: 90, Seconds: 4, KeyEvery: 30}
	testSound = Sound{Seconds: 4}
)

// ownOffset is how far ffmpeg's own files may be out of step: it takes the encoder's look-ahead for part
// of the sound.
const ownOffset = 15 * time.Millisecond

// writeIVF is the other way round of readIVF.
func writeIVF(tb testing.TB, codec string, frames []Frame) string {
	tb.Helper()
	head := make([]byte, 32)
	copy(head, "DKIF")
	binary.LittleEndian.PutUint16(head[6:], 32)
	copy(head[8:], map[string]string{"vp8": "VP80", "vp9": "VP90"}[codec])
	binary.LittleEndian.PutUint16(head[12:], 160)
	binary.LittleEndian.PutUint16(head[14:], 90)
	binary.LittleEndian.PutUint32(head[16:], 1000)
	binary.LittleEndian.PutUint32(head[20:], 1)
	b := slices.Clone(head)
	for _, f := range frames {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(f.Payload)))
		b = binary.LittleEndian.AppendUint64(b, uint64(f.Time.Milliseconds()))
		b = append(b, f.Payload...)
	}
	path := filepath.Join(tb.TempDir(), "source.ivf")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// record makes a recording of the frames with nobody's code but ffmpeg's; sound comes that much late.
func record(tb testing.TB, v Video, frames []Frame, late string) Recording {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "recording.webm")
	FFmpeg(tb, "ffmpeg", "-v", "error", "-i", writeIVF(tb, v.Codec, frames), "-itsoffset", late,
		"-f", "lavfi", "-i", "aevalsrc='"+beep+"':s=48000", "-t", "4", "-c:v", "copy", "-c:a", "libopus", "-b:a", "32k",
		"-application", "voip", path)
	return Recording{Path: path}
}

func TestTheSourceItselfIsFlawless(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"vp8", "vp9"} {
		v := testVideo
		v.Codec = codec
		frames := v.Frames(t)
		for i, f := range frames {
			if f.Key != (i%30 == 0) {
				t.Errorf("%s: picture %d is a key frame: %v", codec, i, f.Key)
			}
		}
		r := record(t, v, frames, "0")
		p := r.Pictures(t, NewReference(t, v))
		if p.Exact != 120 || !p.Clean() || len(p.Lost) > 0 {
			t.Errorf("%s: %v", codec, p)
		}
		if (p.Times[119] - p.Times[0] - frames[119].Time).Abs() > time.Millisecond {
			t.Errorf("%s: the last picture is at %v", codec, p.Times[119]-p.Times[0])
		}
		s := r.Sounds(t, testSound.Frames(t))
		if s.Kept != 200 || s.Strange > 1 || s.Twice > 0 || s.MadeUp > 0 { // the encoder's flush is one more
			t.Errorf("%s: %v", codec, s)
		}
		offsets := r.Offsets(t)
		if len(offsets) < 3 || Worst(offsets).Abs() > ownOffset {
			t.Errorf("%s: offsets %v", codec, offsets)
		}
		if said := r.Decode(t); said != "" {
			t.Errorf("%s: ffmpeg says %s", codec, said)
		}
	}
}

// A judge that cannot condemn is none.
func TestFlawsAreSeen(t *testing.T) {
	t.Parallel()
	frames := testVideo.Frames(t)
	reference := NewReference(t, testVideo)

	// What leans on a missing picture decodes without a word, up to the next key frame.
	p := record(t, testVideo, slices.Delete(slices.Clone(frames), 40, 41), "0").Pictures(t, reference)
	if p.Strange != 19 || p.Exact != 100 || !slices.Equal(p.Lost, []Run{{40, 59}}) || p.Clean() {
		t.Errorf("picture 40 left out: %v", p)
	}
	// A hole up to a key frame is only a hole.
	p = record(t, testVideo, slices.Delete(slices.Clone(frames), 40, 60), "0").Pictures(t, reference)
	if p.Strange != 0 || p.Exact != 100 || !slices.Equal(p.Lost, []Run{{40, 59}}) || !p.Clean() {
		t.Errorf("pictures 40 to 59 left out: %v", p)
	}
	again := slices.Concat(frames[:60], frames[30:])
	for i := range again {
		again[i].Time = time.Duration(i) * time.Second / 30
	}
	if p = record(t, testVideo, again, "0").Pictures(t, reference); p.Twice != 30 || p.Clean() {
		t.Errorf("a second shown twice: %v", p)
	}
	for late, want := range map[string]time.Duration{"0.08": 80 * time.Millisecond, "0.3": 300 * time.Millisecond} {
		offsets := record(t, testVideo, frames, late).Offsets(t)
		for _, o := range offsets {
			if (o.Offset - want).Abs() > ownOffset {
				t.Errorf("sound %s late is seen %v late at %v", late, o.Offset, o.At)
			}
		}
		if len(offsets) < 3 {
			t.Errorf("sound %s late: offsets %v", late, offsets)
		}
	}
}

func TestLongerClipsBeginWithShorterOnes(t *testing.T) {
	t.Parallel()
	for _, codec := range []string{"vp8", "vp9"} {
		v := Video{Codec: codec, Width: 80, Height: 64, Seconds: 2, KeyEvery: 20, KeyPhase: 7}
		short := v.Frames(t)
		v.Seconds = 12
		long := v.Frames(t)
		if len(short) != 60 || len(long) != 360 || !slices.EqualFunc(short, long[:60], func(a, b Frame) bool { return Hash(a.Payload) == Hash(b.Payload) }) {
			t.Errorf("%s: %d and %d pictures, not the same ones", codec, len(short), len(long))
		}
	}
}

func TestEncoderAnswersWithAKeyFrame(t *testing.T) {
	t.Parallel()
	v := testVideo
	v.KeyEvery = 60
	e := NewEncoder(t, v, 20)
	var frames []Frame
	for i := range e.Len() {
		frames = append(frames, e.Picture(i, i == 35))
	}
	for i, f := range frames {
		if want := i == 0 || i == 40 || i == 100; f.Key != want {
			t.Errorf("picture %d is a key frame: %v", i, f.Key)
		}
	}
	p := record(t, v, frames, "0").Pictures(t, e.Reference())
	if p.Exact != 120 || !p.Clean() {
		t.Errorf("%v", p)
	}
}
