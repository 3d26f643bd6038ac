//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/pion/webrtc/v4/pkg/media/ivfreader"
	"github.com/pion/webrtc/v4/pkg/media/oggreader"
)

const (
	videoClock = 90_000 // ticks per second of VP8's RTP clock, RFC 7741 4.1
	audioClock = 48_000 // of Opus', RFC 7587 4.1
	frameRate  = 30
	clipLength = 10 * time.Second
	opusFrame  = 20 * time.Millisecond

	// payloadSize is what a browser puts in one packet, about.
	payloadSize = 1100
	// pacing is the distance of packets of one frame: a browser's pacer sends at 2.5 times the bit rate.
	pacing = 2 * time.Millisecond
)

// speech is what the candidate says while captions are measured.
const speech = "cmd/greenroom/rehearse/demo/answer1.ogg"

// packet is one RTP payload of a clip with its place in it.
type packet struct {
	at      time.Duration // since the clip's beginning, paced
	ticks   uint32        // the same, of its frame, in the track's clock
	payload []byte
	frame   int  // in the clip
	last    bool // of its frame
}

// clip is one track that is played over and over.
type clip struct {
	packets []packet
	length  time.Duration
	ticks   uint32 // of length
	frames  int
	sizes   []int // of each frame as a recording keeps it, in bytes
	video   bool
}

// makeClips lets ffmpeg encode both tracks, unless that was done already.
func makeClips(ctx context.Context, folder string) (video, audio *clip, err error) {
	picture, sound := filepath.Join(folder, "720p30.ivf"), filepath.Join(folder, "speech.ogg")
	err = errors.Join(
		// Noise makes the bit rate real; a key frame every two seconds.
		makeFile(ctx, picture, "-f", "lavfi", "-i", "testsrc2=size=1280x720:rate=30:duration=10,noise=alls=6:allf=t",
			"-c:v", "libvpx", "-b:v", "1200k", "-minrate", "1200k", "-maxrate", "1200k", "-bufsize", "1200k", "-g", "60", "-keyint_min", "60",
			"-auto-alt-ref", "0", "-lag-in-frames", "0", "-deadline", "realtime", "-cpu-used", "8", "-f", "ivf"),
		makeFile(ctx, sound, "-i", speech, "-c:a", "libopus", "-b:a", "32k", "-vbr", "off", "-application", "voip",
			"-frame_duration", "20", "-page_duration", "20000", "-f", "ogg"),
	)
	if err != nil {
		return nil, nil, err
	}
	if video, err = readVideo(picture); err != nil {
		return nil, nil, err
	}
	audio, err = readAudio(sound)
	return video, audio, err
}

// makeFile runs ffmpeg and renames its result, so that a file that is there is whole.
func makeFile(ctx context.Context, path string, args ...string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	part := path + ".part"
	out, err := exec.CommandContext(ctx, "ffmpeg", append(append([]string{"-v", "error", "-y"}, args...), part)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("make %s: %w: %s", filepath.Base(path), err, out)
	}
	return os.Rename(part, path)
}

func readVideo(path string) (*clip, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	reader, _, err := ivfreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	c := &clip{video: true}
	for free := time.Duration(0); ; c.frames++ {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		at := time.Duration(c.frames) * time.Second / frameRate
		free = c.addFrame(frame, max(free, at))
	}
	c.length = time.Duration(c.frames) * time.Second / frameRate
	c.ticks = uint32(c.frames * videoClock / frameRate)
	return c, nil
}

// addFrame packetises a VP8 frame with a descriptor of four bytes (RFC 7741 4.2: X, then I, then a
// picture id of 15 bits that the sender fills in) and returns when the next packet may be sent.
func (c *clip) addFrame(frame []byte, at time.Duration) time.Duration {
	const start = 0x10 // S: the packet begins a partition
	c.sizes = append(c.sizes, len(frame))
	for first := true; len(frame) > 0; first = false {
		part := frame[:min(len(frame), payloadSize)]
		frame = frame[len(part):]
		descriptor := []byte{0x80, 0x80, 0x80, 0}
		if first {
			descriptor[0] |= start
		}
		c.packets = append(c.packets, packet{
			at: at, ticks: uint32(c.frames * videoClock / frameRate), payload: append(descriptor, part...),
			frame: c.frames, last: len(frame) == 0,
		})
		at += pacing
	}
	return at
}

func readAudio(path string) (*clip, error) {
	file, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	reader, _, err := oggreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	c := &clip{}
	for {
		page, _, err := reader.ParseNextPage() // pages of one packet each
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", path, err)
		}
		if bytes.HasPrefix(page, []byte("OpusTags")) {
			continue
		}
		c.packets = append(c.packets, packet{
			at: time.Duration(c.frames) * opusFrame, ticks: uint32(c.frames) * audioClock / 50, payload: page, frame: c.frames, last: true,
		})
		c.sizes = append(c.sizes, len(page))
		c.frames++
	}
	c.length = time.Duration(c.frames) * opusFrame
	c.ticks = uint32(c.frames) * audioClock / 50
	return c, nil
}
