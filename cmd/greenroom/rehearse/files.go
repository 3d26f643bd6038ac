package rehearse

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
)

// demoFiles are answers spoken by a speech synthesizer and a moving test picture, made for this purpose.
//
//go:embed demo/*.ogg demo/*.ivf
var demoFiles embed.FS

// opusFrame is 20 ms of every file this package plays.
const opusFrame = 20 * time.Millisecond

// silence is one Opus packet of 20 ms without sound (CELT, full band; RFC 6716 3.1).
var silence = []byte{0xf8, 0xff, 0xfe}

// speechFile reads an Ogg Opus file (RFC 7845) of 20 ms packets; an empty name is demo answer n.
func speechFile(name string, n int) ([][]byte, error) {
	file, err := readFile(name, fmt.Sprintf("demo/answer%d.ogg", n%4+1))
	if err != nil {
		return nil, err
	}
	packets, err := oggPackets(file)
	if err != nil {
		return nil, fmt.Errorf("read speech %q: it must be Ogg Opus: %w", name, err)
	}
	const headers = 2 // OpusHead and OpusTags, RFC 7845 section 5
	if len(packets) <= headers || !bytes.HasPrefix(packets[0], []byte("OpusHead")) {
		return nil, fmt.Errorf("read speech %q: it must be Ogg Opus", name)
	}
	return packets[headers:], nil
}

// videoFrames is a VP8 clip that is played over and over.
type videoFrames struct {
	frames   [][]byte
	interval time.Duration
}

// videoFile reads an IVF file of VP8 frames; an empty name is the demo picture.
func videoFile(name string) (videoFrames, error) {
	file, err := readFile(name, "demo/pattern.ivf")
	if err != nil {
		return videoFrames{}, err
	}
	reader, header, err := ivfreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return videoFrames{}, fmt.Errorf("read video %q: it must be IVF with VP8: %w", name, err)
	}
	if header.FourCC != "VP80" || header.TimebaseDenominator == 0 || header.TimebaseNumerator == 0 {
		return videoFrames{}, fmt.Errorf("read video %q: it must be IVF with VP8, not %q", name, header.FourCC)
	}
	clip := videoFrames{interval: time.Second * time.Duration(header.TimebaseNumerator) / time.Duration(header.TimebaseDenominator)}
	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return videoFrames{}, fmt.Errorf("read video %q: %w", name, err)
		}
		clip.frames = append(clip.frames, frame)
	}
	if len(clip.frames) == 0 {
		return videoFrames{}, fmt.Errorf("read video %q: it has no frames", name)
	}
	return clip, nil
}

func readFile(name, demo string) ([]byte, error) {
	if name == "" {
		return demoFiles.ReadFile(demo)
	}
	file, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read file to play: %w", err)
	}
	return file, nil
}
