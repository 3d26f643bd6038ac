//go:build linux

package main

import (
	"encoding/binary"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/rtp"
)

// keeper is a sender that remembers.
type keeper struct {
	video, audio []rtp.Packet
	at           []time.Time // of video packets
}

func (k *keeper) send(video bool, header *rtp.Header, payload []byte) error {
	p := rtp.Packet{Header: *header, Payload: append([]byte(nil), payload...)}
	if video {
		k.video, k.at = append(k.video, p), append(k.at, time.Now())
	} else {
		k.audio = append(k.audio, p)
	}
	return nil
}

func (k *keeper) close() error { return nil }

func clips() (video, audio *clip) {
	video = &clip{video: true, length: 100 * time.Millisecond, ticks: 9000}
	for free := time.Duration(0); video.frames < 3; video.frames++ {
		size := []int{10, 3 * payloadSize, 2*payloadSize - 1}[video.frames]
		free = video.addFrame(make([]byte, size), max(free, time.Duration(video.frames)*time.Second/frameRate))
	}
	audio = &clip{length: 2 * opusFrame, ticks: 1920, frames: 2, sizes: []int{80, 80}}
	for i := range 2 {
		audio.packets = append(audio.packets, packet{
			at: time.Duration(i) * opusFrame, ticks: uint32(i * 960), payload: make([]byte, 80), frame: i, last: true,
		})
	}
	return video, audio
}

// A recorder that is measured must be sent what a browser could have sent: numbers and times that go on
// over the clip's end, whole frames, packets in their time.
func TestPublisherSendsWholeFramesInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPublisher(clips())
		out := &keeper{}
		began := time.Now()
		p.add(0, out, began, true)
		go p.run(t.Context())
		if err := wait(t.Context(), 1005*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		p.stop()
		video, audio := p.sent(0)
		if video < 30 || video > 31 || audio < 50 || audio > 51 {
			t.Errorf("in a second %d pictures and %d Opus packets were sent, want 30 and 50", video, audio)
		}
		if all := int64(len(out.video) + len(out.audio)); p.packets.Load() != all {
			t.Errorf("it counts %d packets of %d", p.packets.Load(), all)
		}
		if !out.video[len(out.video)-1].Marker {
			t.Error("the last frame is not whole")
		}
		checkNumbers(t, out.video)
		checkNumbers(t, out.audio)
		if late := time.Duration(p.lateness.Load()); late > 2*beat {
			t.Errorf("a packet was %v late", late)
		}
		frames := p.logOf(0, true)
		if int64(len(frames)) != video || len(frames[1].packets) != 3 || frames[1].size != 3*payloadSize {
			t.Errorf("the log has %d frames, the second %+v; want %d, of 3 packets and %d bytes", len(frames), frames[1], video, 3*payloadSize)
		}
		for i, at := range out.at {
			due := time.Duration(i/6)*p.video.length + p.video.packets[i%6].at
			if d := at.Sub(began) - due; d < 0 || d > 2*beat {
				t.Errorf("packet %d was sent %v after it was due", i, d)
			}
		}
	})
}

func checkNumbers(t *testing.T, packets []rtp.Packet) {
	t.Helper()
	picture := -1
	for i, p := range packets {
		if i > 0 && p.SequenceNumber != packets[i-1].SequenceNumber+1 {
			t.Fatalf("packet %d has number %d after %d", i, p.SequenceNumber, packets[i-1].SequenceNumber)
		}
		if i > 0 {
			if step := p.Timestamp - packets[i-1].Timestamp; step != 0 && step != 3000 && step != 960 {
				t.Fatalf("packet %d steps %d ticks", i, step)
			}
		}
		if p.Payload[0]&0x80 == 0 {
			continue // audio
		}
		id := int(binary.BigEndian.Uint16(p.Payload[2:]) & 0x7fff)
		if first := p.Payload[0]&0x10 != 0; first && id != picture+1 || !first && id != picture {
			t.Fatalf("packet %d is of picture %d after %d", i, id, picture)
		}
		picture = id
	}
}
