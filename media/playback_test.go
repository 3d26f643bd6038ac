package media

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"greenroom/media/judge"
)

func TestPlaybackIsWhatWasSent(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "20", "60"), clipAudio(t, "20")
	store := record(t, merge(video, audio))
	if n := len(store.segments(t, KindVideo)); n < 3 {
		t.Fatalf("20 s of video are in %d segments", n)
	}
	l := store.layout(t, KindAudio, KindVideo)
	file := judge.Open(t, store.play(t, l))
	decodes(t, file)
	samePackets(t, file, "v", video)
	if n := samePackets(t, file, "a", audio); n != 0 {
		t.Errorf("%d packets of silence in unbroken sound", n)
	}
	if got := file.Probe(t, "stream=codec_name,width,height"); got != "opus\nvp8,160,120" {
		t.Errorf("streams are %q", got)
	}
	seconds, err := strconv.ParseFloat(file.Probe(t, "format=duration"), 64)
	if err != nil || seconds < 19.98 || seconds > 20.05 {
		t.Errorf("duration is %v (%v), want 20 s", seconds, err)
	}
	if !l.Audio() || !l.Video() || l.Through() != int64(len(store.sealed)) {
		t.Errorf("audio %v, video %v, through %d of %d", l.Audio(), l.Video(), l.Through(), len(store.sealed))
	}
}

func TestPlaybackSeeksToTheRightPicture(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "20", "60"), clipAudio(t, "20")
	store := record(t, merge(video, audio))
	file := judge.Open(t, store.play(t, store.layout(t, KindAudio, KindVideo)))
	pictures := judge.Video{Codec: "vp8", Width: 160, Height: 120, KeyEvery: 60, Seconds: 20}.Hashes(t)
	for _, second := range []float64{0.5, 2, 3.25, 5.99, 6.01, 7.7, 13.4, 19.5} {
		found := slices.Index(pictures, file.Seek(t, second))
		if at := float64(found) / 30; at < second-0.04 || at > second+0.04 {
			t.Errorf("seek to %v s shows the picture of %.3f s", second, at)
		}
	}
}

func TestPlaybackPiecesMakeTheWhole(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "15", "60"), clipAudio(t, "15")
	store := record(t, merge(video, audio))
	l := store.layout(t, KindAudio, KindVideo)
	whole := store.play(t, l)
	random := rand.New(rand.NewPCG(1, 2))
	for range 10 {
		var pieces bytes.Buffer
		for from := int64(0); from < l.Size(); {
			to := min(l.Size(), from+1+random.Int64N(l.Size()/20))
			if random.IntN(4) == 0 {
				to = min(l.Size(), from+1+random.Int64N(40))
			}
			if err := l.WriteRange(t.Context(), &pieces, from, to, store, playPermit, nil); err != nil {
				t.Fatalf("bytes %d to %d: %v", from, to, err)
			}
			from = to
		}
		sameBytes(t, "pieces", pieces.Bytes(), whole)
	}
}

func TestPlaybackOfOneKind(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "14", "60"), clipAudio(t, "14")
	store := record(t, merge(video, audio))
	for kind, want := range map[Kind][]sent{KindAudio: audio, KindVideo: video} {
		file := judge.Open(t, store.play(t, store.layout(t, kind)))
		decodes(t, file)
		samePackets(t, file, string(kind[0]), want)
		if n := strings.Count(file.Probe(t, "stream=codec_name"), "\n"); n != 0 {
			t.Errorf("%s only: %d more streams", kind, n)
		}
		judge.FFmpeg(t, "ffmpeg", "-v", "error", "-xerror", "-ss", "11", "-i", file.Path, "-f", "null", "-")
	}
}

func TestPlaybackOfVP9(t *testing.T) {
	video, audio := clipVideo(t, CodecVP9, "160x120", "9", "60"), clipAudio(t, "9")
	store := record(t, merge(video, audio))
	file := judge.Open(t, store.play(t, store.layout(t, KindAudio, KindVideo)))
	decodes(t, file)
	samePackets(t, file, "v", video)
	if got := file.Probe(t, "stream=codec_name,width,height"); got != "opus\nvp9,160,120" {
		t.Errorf("streams are %q", got)
	}
}

// A track that comes late, ends early or has a hole keeps every other frame at its own time.
func TestPlaybackKeepsTimesAcrossHoles(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "40", "60"), clipAudio(t, "40")
	within := func(from, to time.Duration) func(sent) bool {
		return func(s sent) bool { return s.Time >= from && s.Time < to }
	}
	outside := func(from, to time.Duration) func(sent) bool {
		return func(s sent) bool { return s.Time < from || s.Time >= to }
	}
	for name, c := range map[string]struct{ video, audio []sent }{
		"late audio":         {video, keep(audio, within(5*time.Second, time.Minute))},
		"late camera":        {keep(video, within(10*time.Second, time.Minute)), audio},
		"audio ends early":   {video, keep(audio, within(0, 9*time.Second))},
		"video ends early":   {keep(video, within(0, 3*time.Second)), audio},
		"camera off":         {keep(video, outside(4*time.Second, 38*time.Second)), audio},
		"lost packets":       {video, keep(audio, func(s sent) bool { return s.Time/(20*time.Millisecond)%10 != 5 })},
		"muted":              {video, keep(audio, outside(4*time.Second, 36*time.Second))},
		"everything stopped": {keep(video, outside(4*time.Second, 38*time.Second)), keep(audio, outside(4*time.Second, 38*time.Second))},
	} {
		t.Run(name, func(t *testing.T) {
			store := record(t, merge(c.video, c.audio))
			file := judge.Open(t, store.play(t, store.layout(t, KindAudio, KindVideo)))
			decodes(t, file)
			if n := samePackets(t, file, "v", c.video); n != 0 {
				t.Errorf("%d pictures are made up", n)
			}
			// Silence fills holes, not the time before and after.
			want := 0
			for i := range len(c.audio) - 1 {
				want += int((c.audio[i+1].Time-c.audio[i].Time)/silenceLength) - 1
			}
			if n := samePackets(t, file, "a", c.audio); n != want {
				t.Errorf("%d packets of silence, want %d", n, want)
			}
		})
	}
}

// A sender that ignores every request still gets a recording that decodes end to end.
func TestPlaybackOfForcedSegments(t *testing.T) {
	video, audio := clipVideo(t, CodecVP8, "160x120", "40", "9999"), clipAudio(t, "40")
	store := record(t, merge(video, audio))
	segments := store.segments(t, KindVideo)
	if len(segments) != 3 || segments[0].Forced || !segments[1].Forced || !segments[2].Forced {
		t.Fatalf("segments are %+v", infos(segments))
	}
	l := store.layout(t, KindAudio, KindVideo)
	file := judge.Open(t, store.play(t, l))
	decodes(t, file)
	samePackets(t, file, "v", video)

	// Without the one before it, a forced segment shows nothing instead of a wrong picture.
	l, err := NewLayout(store.segments(t, KindAudio), segments[1:])
	if err != nil || l.Video() {
		t.Errorf("pictures without their key frame: video %v, %v", l.Video(), err)
	}
}

func TestPlaybackOfChangingSizes(t *testing.T) {
	small, large := clipVideo(t, CodecVP8, "160x120", "4", "60"), clipVideo(t, CodecVP8, "320x240", "4", "60")
	video := merge(small, shift(large, 4*time.Second), shift(small, 8*time.Second))
	store := record(t, video)
	segments := store.segments(t, KindVideo)
	if len(segments) != 3 || segments[1].Width != 320 || segments[2].Width != 160 {
		t.Fatalf("segments are %+v", infos(segments))
	}
	file := judge.Open(t, store.play(t, store.layout(t, KindVideo)))
	decodes(t, file)
	samePackets(t, file, "v", video)
	if got := file.Probe(t, "stream=width,height"); got != "320,240" {
		t.Errorf("size is %s", got)
	}
}

func infos(segments []StoredSegment) (list []SegmentInfo) {
	for _, s := range segments {
		list = append(list, s.SegmentInfo)
	}
	return list
}
