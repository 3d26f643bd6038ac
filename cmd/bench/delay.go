//go:build linux

package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// watched is how many sessions of a round are looked at closely.
const watched = 3

// delays say how long after a packet was sent the encrypted chunk with its frame was in the spool, in
// milliseconds.
type delays struct {
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	Most    float64 `json:"most_ms"`
	Packets int     `json:"packets"`
}

func (d *delays) String() string {
	return fmt.Sprintf("to disk %.0f ms, p99 %.0f, most %.0f (%d packets)", d.P50, d.P99, d.Most, d.Packets)
}

// spooled is a subject whose growing files can be watched.
type spooled interface {
	// spool returns the folder of open segment files and what the names of a track begin with.
	spool(session int, video bool) (folder, prefix string)
}

// spoolWatch notes when chunks are appended to the files of the watched sessions. The kernel says when a
// file was written to; the lengths of its records are not encrypted. A chunk holds whole frames in the
// order they were sent in, whose sizes are known here, so its length says which ones. The time is when
// this process hears of it, so delays are if anything too long.
type spoolWatch struct {
	folder string
	inbox  *os.File // inotify
	ended  chan struct{}

	mu     sync.Mutex
	tracks map[string]*spoolTrack // by prefix
	begin  time.Time              // of the window
	end    time.Time
}

type spoolTrack struct {
	session int
	video   bool
	files   map[string]int64 // by name: what was read of it
	chunks  []appended
}

type appended struct {
	at   time.Time
	size int // of the encrypted chunk
}

// watchSpool begins to watch before anybody joins; it returns nil where there is nothing to watch.
func watchSpool(server server, sessions int) (*spoolWatch, error) {
	s, ok := server.(spooled)
	if !ok {
		return nil, nil //nolint:nilnil // most subjects have no spool, and a nil watch does nothing
	}
	w := &spoolWatch{tracks: map[string]*spoolTrack{}, ended: make(chan struct{})}
	for session := range min(watched, sessions) {
		for _, video := range []bool{false, true} {
			folder, prefix := s.spool(session, video)
			w.folder = folder
			w.tracks[prefix] = &spoolTrack{session: session, video: video, files: map[string]int64{}}
		}
	}
	fd, err := syscall.InotifyInit1(syscall.IN_CLOEXEC | syscall.IN_NONBLOCK)
	if err != nil {
		return nil, fmt.Errorf("watch the spool: %w", err)
	}
	w.inbox = os.NewFile(uintptr(fd), "inotify")
	if _, err := syscall.InotifyAddWatch(fd, w.folder, syscall.IN_MODIFY); err != nil {
		return nil, errors.Join(fmt.Errorf("watch %s: %w", w.folder, err), w.inbox.Close())
	}
	go w.run() // owner: the watch; ends when stop closes inbox
	return w, nil
}

func (w *spoolWatch) run() {
	defer close(w.ended)
	buffer := make([]byte, 64<<10)
	for {
		n, err := w.inbox.Read(buffer)
		if err != nil {
			return
		}
		now := time.Now()
		for event := buffer[:n]; len(event) >= syscall.SizeofInotifyEvent; {
			length := int(binary.NativeEndian.Uint32(event[12:])) // of the name, padded with zeros
			name := event[syscall.SizeofInotifyEvent:][:length]
			event = event[syscall.SizeofInotifyEvent+length:]
			w.written(string(bytes.TrimRight(name, "\x00")), now)
		}
	}
}

func (w *spoolWatch) written(name string, now time.Time) {
	for prefix, track := range w.tracks {
		if strings.HasPrefix(name, prefix) {
			w.mu.Lock()
			track.read(filepath.Join(w.folder, name), name, now)
			w.mu.Unlock()
		}
	}
}

// A segment file: eight bytes of magic, the length of a head, the head, then records of a word with kind
// and length (storage/spool_format.go).
const (
	segmentMagic = 8
	lengthWord   = 4
	chunkRecord  = 1
)

// read notes the whole chunks that a file has gained. A file that was sealed and moved meanwhile had its
// last chunk noted at the write before, because sealing comes after it.
func (t *spoolTrack) read(path, name string, now time.Time) {
	file, err := os.Open(path)
	if err != nil {
		return
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return
	}
	word := make([]byte, lengthWord)
	at := t.files[name]
	if at == 0 {
		if _, err := file.ReadAt(word, segmentMagic); err != nil {
			return
		}
		at = segmentMagic + lengthWord + int64(binary.BigEndian.Uint32(word))
	}
	for {
		if _, err := file.ReadAt(word, at); err != nil {
			if !errors.Is(err, io.EOF) {
				return
			}
			break
		}
		record := binary.BigEndian.Uint32(word)
		size := int64(record & 0xffffff)
		if at+lengthWord+size > info.Size() {
			break
		}
		if record>>24 == chunkRecord {
			t.chunks = append(t.chunks, appended{at: now, size: int(size)})
		}
		at += lengthWord + size
	}
	t.files[name] = at
}

// window says between which moments chunks count.
func (w *spoolWatch) window(begin, end time.Time) {
	if w != nil {
		w.begin, w.end = begin, end
	}
}

func (w *spoolWatch) stop() {
	if w != nil && w.inbox != nil {
		_ = w.inbox.Close()
		<-w.ended
		w.inbox = nil
	}
}

// delays compares with what the publisher sent. It fails if a chunk's length fits no run of frames: then
// frames are missing, and nothing can be said.
func (w *spoolWatch) delays(p *publisher) (*delays, error) {
	if w == nil {
		return nil, nil //nolint:nilnil // see watchSpool
	}
	w.stop()
	var all []float64
	for _, track := range w.tracks {
		found, err := track.delays(p.logOf(track.session, track.video), w.begin, w.end)
		if err != nil {
			return nil, fmt.Errorf("delay to disk, session %d, video %v: %w", track.session, track.video, err)
		}
		all = append(all, found...)
	}
	if len(all) == 0 {
		return nil, errors.New("delay to disk: no chunk was seen")
	}
	slices.Sort(all)
	at := func(percent int) float64 { return all[min(len(all)-1, len(all)*percent/100)] }
	return &delays{P50: at(50), P99: at(99), Most: at(100), Packets: len(all)}, nil
}

const (
	cipherOverhead = 28 // nonce and tag (storage/cipher.go)
	blockOverhead  = 6  // of Matroska's SimpleBlock: id, size of one to three bytes, track, time, flags
	moreForSize    = 2
)

func (t *spoolTrack) delays(frames []sentFrame, begin, end time.Time) (all []float64, err error) {
	for _, chunk := range t.chunks {
		count, left := 0, chunk.size-cipherOverhead
		for ; left > moreForSize*count && count < len(frames); count++ {
			left -= frames[count].size + blockOverhead
		}
		if count == 0 || left < 0 || left > moreForSize*count {
			return nil, fmt.Errorf("a chunk of %d bytes is not the next %d frames (%d bytes are over): frames are missing, or a chunk was not seen in time", chunk.size, count, left)
		}
		for _, frame := range frames[:count] {
			for _, sent := range frame.packets {
				if sent.After(begin) && sent.Before(end) {
					all = append(all, float64(chunk.at.Sub(sent))/float64(time.Millisecond))
				}
			}
		}
		frames = frames[count:]
	}
	return all, nil
}

// logOf returns what a watched track has sent.
func (p *publisher) logOf(session int, video bool) []sentFrame {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.all {
		if s.session == session && s.clip.video == video && s.log != nil {
			s.log.mu.Lock()
			defer s.log.mu.Unlock()
			return s.log.frames
		}
	}
	return nil
}
