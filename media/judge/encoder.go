package judge

import "testing"

// Encoder gives out the pictures of a clip one by one, and a key frame when it is asked for one, as a
// live encoder does, although everything was encoded beforehand: it has the same pictures in several
// encodings with key frames at different places, and goes over to the one that has its key frame next.
type Encoder struct {
	encodings []Video
	frames    [][]Frame
	present   int
	owed      bool // a key frame was asked for
}

// NewEncoder takes a clip's KeyEvery as how long a key frame lasts unless one is asked for, and answers
// such a question within the given number of pictures.
func NewEncoder(tb testing.TB, v Video, within int) *Encoder {
	tb.Helper()
	e := &Encoder{}
	for phase := 0; phase < max(v.KeyEvery, 1); phase += within {
		v.KeyPhase = phase
		e.encodings = append(e.encodings, v)
		e.frames = append(e.frames, v.Frames(tb))
	}
	return e
}

// Len returns how many pictures there are.
func (e *Encoder) Len() int { return len(e.frames[0]) }

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
func (e *Encoder) Reference(tb testing.TB) *Reference {
	tb.Helper()
	return NewReference(tb, e.encodings...)
}
