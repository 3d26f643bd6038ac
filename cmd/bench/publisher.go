//go:build linux

package main

import (
	"container/heap"
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtp"
)

// sender is one session's way out: a peer connection, or a socket with fixed keys.
type sender interface {
	// send sends one packet of the audio or video track. Only the publisher's goroutine calls it.
	send(video bool, header *rtp.Header, payload []byte) error
	close() error
}

// publisher sends the clips of all sessions from one goroutine. Counters may be read at any time.
type publisher struct {
	video, audio *clip

	packets  atomic.Int64
	octets   atomic.Int64
	lateness atomic.Int64 // the most that a packet was sent too late, in nanoseconds
	failed   atomic.Pointer[error]

	mu      sync.Mutex // guards queue against add
	queue   streams
	all     []*stream
	quit    chan struct{}
	drained chan struct{}
}

// stream is one track of one session.
type stream struct {
	session  int
	clip     *clip
	out      sender
	due      time.Time // of the next packet
	began    time.Time // of the present turn of the clip
	next     int
	sequence uint16
	ticks    uint32 // RTP time of the present turn
	picture  uint16
	ending   bool // stops after the present frame

	frames atomic.Int64 // whole ones, sent
	log    *sentLog     // nil: nobody asks
	header rtp.Header   // reused
	buffer [payloadSize + 4]byte
}

// sentLog says when each frame was sent; for measuring delay.
type sentLog struct {
	mu     sync.Mutex
	frames []sentFrame
}

type sentFrame struct {
	size    int         // in bytes, as a recording keeps it
	packets []time.Time // when each was sent
}

type streams []*stream

func (s streams) Len() int           { return len(s) }
func (s streams) Less(i, j int) bool { return s[i].due.Before(s[j].due) }
func (s streams) Swap(i, j int)      { s[i], s[j] = s[j], s[i] }
func (s *streams) Push(x any)        { *s = append(*s, x.(*stream)) } //nolint:forcetypeassert // heap.Interface
func (s *streams) Pop() any {
	old := *s
	last := old[len(old)-1]
	*s = old[:len(old)-1]
	return last
}

func newPublisher(video, audio *clip) *publisher {
	return &publisher{video: video, audio: audio, quit: make(chan struct{}), drained: make(chan struct{})}
}

// add lets a session begin to send, both tracks together.
func (p *publisher) add(session int, out sender, begin time.Time, logged bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range []*clip{p.audio, p.video} {
		s := &stream{
			session: session, clip: c, out: out, due: begin, began: begin,
			sequence: uint16(rand.Uint32()), ticks: rand.Uint32(), //nolint:gosec // a beginning, not a secret
		}
		if logged {
			s.log = &sentLog{}
		}
		p.all = append(p.all, s)
		heap.Push(&p.queue, s)
	}
}

const beat = time.Millisecond // how often the publisher looks for packets that are due

// run sends until stop, then ends each track at the end of its frame. It owns no goroutine.
func (p *publisher) run(ctx context.Context) {
	defer close(p.drained)
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for ending := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-p.quit:
			if !ending {
				ending = true
				p.end()
			}
		default:
		}
		if p.sendDue(time.Now()) == 0 && ending {
			return
		}
		<-ticker.C
	}
}

func (p *publisher) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.all {
		s.ending = true
	}
}

// stop ends the sending and waits for the last packet.
func (p *publisher) stop() {
	close(p.quit)
	<-p.drained
}

// sendDue sends what is due and returns how many tracks still send.
func (p *publisher) sendDue(now time.Time) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.queue) > 0 && !p.queue[0].due.After(now) {
		s := p.queue[0]
		if s.ending && (s.next == 0 || s.clip.packets[s.next-1].last) {
			heap.Pop(&p.queue)
			continue
		}
		if late := now.Sub(s.due); int64(late) > p.lateness.Load() {
			p.lateness.Store(int64(late))
		}
		n, err := s.send()
		if err != nil {
			err = fmt.Errorf("session %d: %w", s.session, err)
			p.failed.CompareAndSwap(nil, &err)
		}
		p.packets.Add(1)
		p.octets.Add(int64(n))
		heap.Fix(&p.queue, 0)
	}
	return len(p.queue)
}

func (s *stream) send() (size int, err error) {
	packet := &s.clip.packets[s.next]
	payload := packet.payload
	if s.clip.video {
		payload = s.buffer[:copy(s.buffer[:], payload)]
		binary.BigEndian.PutUint16(payload[2:], 0x8000|s.picture)
	}
	s.header.Version, s.header.Marker = 2, s.clip.video && packet.last
	s.header.SequenceNumber, s.header.Timestamp = s.sequence, s.ticks+packet.ticks
	err = s.out.send(s.clip.video, &s.header, payload)
	s.noteSent(packet)
	s.sequence++
	if packet.last {
		s.picture = (s.picture + 1) & 0x7fff
		s.frames.Add(1)
	}
	if s.next++; s.next == len(s.clip.packets) {
		s.next = 0
		s.began = s.began.Add(s.clip.length)
		s.ticks += s.clip.ticks
	}
	s.due = s.began.Add(s.clip.packets[s.next].at)
	return len(payload), err
}

func (s *stream) noteSent(p *packet) {
	if s.log == nil {
		return
	}
	now := time.Now()
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	if s.next == 0 || s.clip.packets[s.next-1].last {
		s.log.frames = append(s.log.frames, sentFrame{size: s.clip.sizes[p.frame]})
	}
	frame := &s.log.frames[len(s.log.frames)-1]
	frame.packets = append(frame.packets, now)
}

// sent returns how many whole frames a session's tracks have sent.
func (p *publisher) sent(session int) (video, audio int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.all {
		if s.session == session && s.clip.video {
			video = s.frames.Load()
		} else if s.session == session {
			audio = s.frames.Load()
		}
	}
	return video, audio
}
