package judge

import (
	"testing"
	"time"
)

// Encoder gives out the pictures of a clip one by one, and a key frame when it is asked for one, as a
// live encoder does, although everything was encoded beforehand: it has the same pictures in several
// encodings with key frames at different places, and goes over to the one that has its key frame next.
type Encoder struct {
	frames    [][]Frame // of each encoding
	reference *Reference
	present   int
	owed      bool // a key frame was asked for
}

// NewEncoder takes a clip's KeyEvery as how long a key frame lasts unless one is asked for, and answers
// such a question within the given number of pictures.
func NewEncoder(tb testing.TB, v Video, within int) *Encoder {
	tb.Helper()
	e := &Encoder{}
	var encodings []Video
	for phase := 0; phase < max(v.KeyEvery, 1); phase += max(within, 1) {
		v.KeyPhase = phase
		encodings = append(encodings, v)
		e.frames = append(e.frames, v.Frames(tb))
	}
	e.reference = NewReference(tb, encodings...)
	return e
}

// Len returns how many pictures there are.
func (e *Encoder) Len() int { return len(e.frames[0]) }

// End is when the last picture begins.
func (e *Encoder) End() time.Duration { return e.frames[0][e.Len()-1].Time }

// Picture returns picture i; the pictures must be taken in order. If key, a key frame is asked for.
func (e *Encoder) Picture(i int, key bool) Frame {
	e.owed = e.owed || key
	for n := 0; n < len(e.frames) && e.owed; n++ {
		if e.frames[n][i].Key {
			e.present, e.owed = n, false
		}
	}
	return e.frames[e.present][i]
}

// Reference knows the pictures in all encodings.
func (e *Encoder) Reference() *Reference { return e.reference }

// Join plays one clip after the other, as a sender does that changes the size of its pictures.
func Join(tb testing.TB, clips ...Video) *Encoder {
	tb.Helper()
	e := &Encoder{frames: make([][]Frame, 1), reference: &Reference{index: map[string]int{}}}
	start := time.Duration(0)
	for _, v := range clips {
		hashes := v.Hashes(tb)
		for i, f := range v.Frames(tb) {
			f.Time += start
			e.reference.index[hashes[i]] = len(e.frames[0])
			e.frames[0] = append(e.frames[0], f)
		}
		start += time.Duration(v.Seconds * float64(time.Second))
	}
	e.reference.pictures = len(e.frames[0])
	return e
}
