package media

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/at-wat/ebml-go"
	"github.com/at-wat/ebml-go/webm"
)

// Sizes of the elements that are written by hand, all of fixed width, so that positions can be computed
// before they are known.
const (
	// clusterHead is a Cluster's id and size.
	clusterHead = 4 + 4
	// clusterTimeSize is the Timestamp element in it.
	clusterTimeSize = 1 + 1 + 4
	// cueSize is a CuePoint: time, track, position.
	cueSize = 1 + 1 + cueContent
	// cueContent: CueTime of 4, CueTrackPositions with CueTrack of 1 and CueClusterPosition of 8.
	cueContent    = (1 + 1 + 4) + (1 + 1) + cuePositions
	cuePositions  = (1 + 1 + 1) + (1 + 1 + 8)
	elementLength = 8 // of the size of Segment and Cues
)

// Opus in WebM: decoders throw away the encoder's look-ahead (RFC 7845 5.1; 312 samples is what libopus
// uses) and need 80 ms to settle after a jump (RFC 7845 4.6).
const (
	opusPreSkip    = 312
	opusCodecDelay = opusPreSkip * time.Second / 48000
	opusPreRoll    = 80 * time.Millisecond
)

// opusHead is the identification header (RFC 7845 5.1) that says "two channels, 48 kHz", which is how
// WebRTC always names Opus (RFC 7587 7); packets of one channel are played on both.
func opusHead() []byte {
	b := append([]byte("OpusHead"), 1, 2)
	b = binary.LittleEndian.AppendUint16(b, opusPreSkip)
	b = binary.LittleEndian.AppendUint32(b, 48000)
	return append(b, 0, 0, 0)
}

// writeHeader makes everything before the first cluster and sets the clusters' offsets in the file.
func (l *Layout) writeHeader() error {
	head, err := marshal(&struct {
		Header webm.EBMLHeader `ebml:"EBML"`
	}{webm.EBMLHeader{
		EBMLVersion: 1, EBMLReadVersion: 1, EBMLMaxIDLength: 4, EBMLMaxSizeLength: 8,
		DocType: "webm", DocTypeVersion: 4, DocTypeReadVersion: 2,
	}})
	if err != nil {
		return err
	}
	about, err := marshal(&struct {
		Info   webm.Info   `ebml:"Info"`
		Tracks webm.Tracks `ebml:"Tracks"`
	}{
		webm.Info{
			TimecodeScale: uint64(time.Millisecond),
			MuxingApp:     "Greenroom", WritingApp: "Greenroom",
			Duration: float64(l.duration / time.Millisecond),
		},
		webm.Tracks{TrackEntry: l.entries()},
	})
	if err != nil {
		return err
	}
	cues := 0
	for _, c := range l.clusters {
		if c.cue {
			cues++
		}
	}
	// Cues without a CuePoint would not be valid.
	cuesSize := 0
	if cues > 0 {
		cuesSize = 4 + elementLength + cues*cueSize
	}
	before := int64(len(about) + cuesSize)
	last := l.clusters[len(l.clusters)-1]
	content := before + last.offset + int64(clusterHead+last.size)

	b := slices.Concat(head, []byte{0x18, 0x53, 0x80, 0x67}) // Segment
	b = appendSize(b, uint64(content), elementLength)
	segment := int64(len(b))
	b = append(b, about...)
	if cues > 0 {
		b = append(b, 0x1C, 0x53, 0xBB, 0x6B) // Cues
		b = appendSize(b, uint64(cues*cueSize), elementLength)
	}
	track := l.tracks[len(l.tracks)-1].number
	for i := range l.clusters {
		c := &l.clusters[i]
		c.offset += before
		if c.cue {
			b = appendCue(b, c.start, track, c.offset)
		}
		c.offset += segment
	}
	l.header, l.size = b, segment+content
	return nil
}

func (l *Layout) entries() []webm.TrackEntry {
	var entries []webm.TrackEntry
	for _, t := range l.tracks {
		e := webm.TrackEntry{TrackNumber: uint64(t.number), TrackUID: uint64(t.number)}
		switch t.codec {
		case CodecOpus:
			e.Name, e.CodecID, e.TrackType = "Audio", "A_OPUS", 2
			e.CodecPrivate, e.CodecDelay, e.SeekPreRoll = opusHead(), uint64(opusCodecDelay), uint64(opusPreRoll)
			e.Audio = &webm.Audio{SamplingFrequency: 48000, Channels: 2}
		case CodecVP8, CodecVP9:
			e.Name, e.CodecID, e.TrackType = "Video", "V_VP8", 1
			if t.codec == CodecVP9 {
				e.CodecID = "V_VP9"
			}
			width, height := t.pixels()
			e.Video = &webm.Video{PixelWidth: uint64(width), PixelHeight: uint64(height)}
		}
		entries = append(entries, e)
	}
	return entries
}

// pixels returns the largest size of the track's pictures: senders start small and grow, and pictures of
// another size say so themselves.
func (t playTrack) pixels() (width, height int) {
	for _, s := range t.segments {
		if s.Width > 0 && s.Height > 0 && s.Width <= math.MaxUint16+1 && s.Height <= math.MaxUint16+1 && s.Width*s.Height > width*height {
			width, height = s.Width, s.Height
		}
	}
	if width == 0 {
		return 640, 480
	}
	return width, height
}

func appendCue(b []byte, at time.Duration, track byte, position int64) []byte {
	b = append(b, 0xBB, 0x80|cueContent)
	b = append(b, 0xB3, 0x84)
	b = binary.BigEndian.AppendUint32(b, milliseconds(at))
	b = append(b, 0xB7, 0x80|cuePositions, 0xF7, 0x81, track, 0xF1, 0x88)
	return binary.BigEndian.AppendUint64(b, uint64(position)) // never negative
}

func appendClusterHead(b []byte, c playCluster) []byte {
	b = append(b, 0x1F, 0x43, 0xB6, 0x75)
	b = appendSize(b, uint64(c.size), 4) // never negative
	b = append(b, 0xE7, 0x84)
	return binary.BigEndian.AppendUint32(b, milliseconds(c.start))
}

// milliseconds fits any media time: maxMediaTime is less than 2^32 ms.
func milliseconds(d time.Duration) uint32 {
	return uint32(d / time.Millisecond) // bounded by maxMediaTime
}

func marshal(elements any) ([]byte, error) {
	var b bytes.Buffer
	if err := ebml.Marshal(elements, &b); err != nil {
		return nil, fmt.Errorf("write WebM header: %w", err)
	}
	return b.Bytes(), nil
}
