package judge

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

// Reference knows the pictures of a clip by what they decode to.
type Reference struct {
	pictures int
	index    map[string]int // of the picture, by its hash
}

// NewReference takes the same pictures in one or several encodings.
func NewReference(tb testing.TB, encodings ...Video) *Reference {
	tb.Helper()
	r := &Reference{index: map[string]int{}}
	for _, v := range encodings {
		hashes := v.Hashes(tb)
		r.pictures = max(r.pictures, len(hashes))
		for i, hash := range hashes {
			r.index[hash] = i
		}
	}
	return r
}

// Missing is the time of what is not in a file.
const Missing = time.Duration(math.MinInt64)

// Run is pictures or packets that follow each other in the source.
type Run struct {
	First, Last int
}

// Pictures says what a file shows of a clip.
type Pictures struct {
	Source  int             // pictures of the clip
	Exact   int             // of them in the file bit for bit, in order
	Strange int             // in the file, but none of the clip's: a wrong picture
	Twice   int             // in the file for a second time, or out of order
	Lost    []Run           // not in the file
	Times   []time.Duration // of each picture of the clip in the file, or [Missing]
	Said    string          // by the decoder
}

// Pictures decodes the file and looks up each picture that it shows.
func (r Recording) Pictures(tb testing.TB, reference *Reference) Pictures {
	tb.Helper()
	out, said := run(tb, "ffmpeg", "-v", "warning", "-copyts", "-i", r.Path, "-map", "0:v", "-fps_mode", "passthrough",
		"-enc_time_base", "-1", "-f", "framemd5", "-")
	p := Pictures{Source: reference.pictures, Said: said, Times: slices.Repeat([]time.Duration{Missing}, reference.pictures)}
	last := -1
	for _, line := range readHashes(tb, out) {
		i, known := reference.index[line.hash]
		switch {
		case !known:
			p.Strange++
		case i <= last:
			p.Twice++
		default:
			last = i
			p.Exact++
			p.Times[i] = line.time
		}
	}
	p.Lost = runs(p.Times)
	return p
}

// Share returns which share of the clip's pictures is there, in percent.
func (p Pictures) Share() float64 { return share(p.Exact, p.Source) }

// Clean reports whether every picture that is shown is right.
func (p Pictures) Clean() bool { return p.Strange == 0 && p.Twice == 0 && p.Said == "" }

func (p Pictures) String() string {
	return fmt.Sprintf("%d of %d pictures (%.2f %%), %d wrong, %d twice, lost %s%s", p.Exact, p.Source, p.Share(),
		p.Strange, p.Twice, list(p.Lost), said(p.Said))
}

// Sounds says what a file has of a clip's packets.
type Sounds struct {
	Source  int             // packets of the clip
	Kept    int             // of them in the file, in order
	Strange int             // in the file, but none of the clip's
	Twice   int             // in the file for a second time, or out of order
	MadeUp  int             // silence in place of what is missing
	Lost    []Run           // not in the file
	Times   []time.Duration // of what each packet of the clip is about, in the file, or [Missing]
}

// Sounds looks up each packet of the file's sound.
func (r Recording) Sounds(tb testing.TB, clip []Frame) Sounds {
	tb.Helper()
	index := map[string]int{}
	for i, f := range clip {
		index[Hash(f.Payload)] = i
	}
	if len(index) != len(clip) {
		tb.Fatalf("of %d packets only %d are unlike each other", len(clip), len(index))
	}
	packets, madeUp := r.Packets(tb, "a")
	s := Sounds{Source: len(clip), MadeUp: madeUp, Times: slices.Repeat([]time.Duration{Missing}, len(clip))}
	last := -1
	for _, p := range packets {
		i, known := index[p.Hash]
		switch {
		case !known:
			s.Strange++
		case i <= last:
			s.Twice++
		default:
			last = i
			s.Kept++
			s.Times[i] = p.Time + lookAhead
		}
	}
	s.Lost = runs(s.Times)
	return s
}

// Share returns which share of the clip's packets is there, in percent.
func (s Sounds) Share() float64 { return share(s.Kept, s.Source) }

// Clean reports whether there is nothing that was not sent, and nothing twice.
func (s Sounds) Clean() bool { return s.Strange == 0 && s.Twice == 0 }

func (s Sounds) String() string {
	return fmt.Sprintf("%d of %d packets (%.2f %%), %d strange, %d twice, %d made up, lost %s", s.Kept, s.Source, s.Share(),
		s.Strange, s.Twice, s.MadeUp, list(s.Lost))
}

func share(part, whole int) float64 { return 100 * float64(part) / float64(max(whole, 1)) }

// runs lists where there is no time.
func runs(times []time.Duration) (lost []Run) {
	for i, t := range times {
		if t != Missing {
			continue
		}
		if n := len(lost); n > 0 && lost[n-1].Last == i-1 {
			lost[n-1].Last = i
			continue
		}
		lost = append(lost, Run{i, i})
	}
	return lost
}

func list(lost []Run) string {
	if len(lost) == 0 {
		return "none"
	}
	var b strings.Builder
	for i, r := range lost {
		if i == 8 {
			fmt.Fprintf(&b, " and %d more", len(lost)-i)
			break
		}
		fmt.Fprintf(&b, " %d-%d", r.First, r.Last)
	}
	return strings.TrimSpace(b.String())
}

func said(words string) string {
	if words == "" {
		return ""
	}
	return ", ffmpeg says: " + strings.TrimSpace(words)
}
