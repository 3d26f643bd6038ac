//go:build linux

package main

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

type fakeSpool struct {
	server
	folder string
}

func (f fakeSpool) spool(_ int, video bool) (folder, prefix string) {
	if video {
		return f.folder, "video-"
	}
	return f.folder, "audio-"
}

func record(kind byte, size int) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(kind)<<24|uint32(size)), make([]byte, size)...)
}

// The frames in a chunk are found by its length alone; what was sent when is known here.
func TestDelaysAreFromEachPacketToItsChunk(t *testing.T) {
	folder := t.TempDir()
	w, err := watchSpool(fakeSpool{folder: folder}, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer w.stop()
	path := filepath.Join(folder, "video-1")
	head := append(append([]byte("MAGICNO1"), 0, 0, 0, 5), "head."...)
	frames := []int{1000, 2000, 500}
	steps := [][]byte{
		head,
		record(1, frames[0]+frames[1]+2*8+28),
		record(1, frames[2]+7+28),
		record(2, 300), // the table that ends a segment is no chunk
	}
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	began := time.Now()
	for _, step := range steps {
		if _, err := file.Write(step); err != nil {
			t.Fatal(err)
		}
	}
	noted := func() int {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.tracks["video-"].chunks)
	}
	for tries := time.NewTicker(time.Millisecond); noted() < 2; <-tries.C {
		if time.Since(began) > 10*time.Second {
			t.Fatal("the chunks were not seen in 10 s")
		}
	}
	w.stop()
	sent := []sentFrame{
		{size: frames[0], packets: []time.Time{began.Add(-time.Hour), began.Add(-30 * time.Millisecond)}}, // one before the window
		{size: frames[1], packets: []time.Time{began.Add(-20 * time.Millisecond)}},
		{size: frames[2], packets: []time.Time{began.Add(-10 * time.Millisecond)}},
	}
	track := w.tracks["video-"]
	track.chunks[0].at, track.chunks[1].at = began, began
	found, err := track.delays(sent, began.Add(-time.Minute), began.Add(time.Minute))
	if want := []float64{30, 20, 10}; err != nil || !slices.Equal(found, want) {
		t.Errorf("delays %v, %v; want %v", found, err, want)
	}
	if _, err := track.delays(sent[1:], began, began); err == nil {
		t.Error("a recording without its first frame is not noticed")
	}
}
