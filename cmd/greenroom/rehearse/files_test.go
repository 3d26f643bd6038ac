package rehearse

import (
	"bytes"
	"errors"
	"testing"
)

func TestDemoFilesCanBePlayed(t *testing.T) {
	for n := range 4 {
		packets, err := speechFile("", n)
		if err != nil {
			t.Fatal(err)
		}
		if seconds := len(packets) / 50; seconds < 20 || seconds > 60 {
			t.Errorf("demo answer %d lasts %d s, want 20 to 60", n, seconds)
		}
	}
	clip, err := videoFile("")
	if err != nil {
		t.Fatal(err)
	}
	if len(clip.frames) < 100 || clip.interval <= 0 {
		t.Errorf("the demo picture has %d frames every %v", len(clip.frames), clip.interval)
	}
}

func TestOggPacketsGoOnOverPages(t *testing.T) {
	page := func(lacing []byte, body int) []byte {
		p := append([]byte("OggS"), make([]byte, 22)...)
		p = append(p, byte(len(lacing)))
		return append(append(p, lacing...), bytes.Repeat([]byte{7}, body)...)
	}
	file := append(page([]byte{10, 255}, 265), page([]byte{255, 3, 0}, 258)...)
	packets, err := oggPackets(file)
	if err != nil {
		t.Fatal(err)
	}
	want := []int{10, 255 + 255 + 3, 0}
	if len(packets) != len(want) {
		t.Fatalf("%d packets, want %d", len(packets), len(want))
	}
	for i, n := range want {
		if len(packets[i]) != n {
			t.Errorf("packet %d has %d bytes, want %d", i, len(packets[i]), n)
		}
	}
	for cut := 1; cut < len(file); cut++ {
		if _, err := oggPackets(file[:cut]); err == nil && cut != 29+265 {
			t.Errorf("a file cut at byte %d of %d is accepted", cut, len(file))
		}
	}
	if _, err := oggPackets([]byte("RIFF....")); !errors.Is(err, errNotOgg) {
		t.Errorf("a WAV file: %v, want errNotOgg", err)
	}
}

func FuzzOggPackets(f *testing.F) {
	f.Add([]byte("OggS"))
	demo, err := demoFiles.ReadFile("demo/answer3.ogg")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(demo[:4000])
	f.Fuzz(func(t *testing.T, file []byte) {
		packets, _ := oggPackets(file)
		total := 0
		for _, p := range packets {
			total += len(p)
		}
		if total > len(file) {
			t.Errorf("%d bytes in packets out of a file of %d", total, len(file))
		}
	})
}
