//go:build linux

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
)

// add counts, with ffprobe, what a file has of what a session sent.
func (a *account) add(ctx context.Context, p *publisher, session int, files ...string) error {
	video, audio := p.sent(session)
	a.Sent, a.AudioSent = a.Sent+video+audio, a.AudioSent+audio
	for _, file := range files {
		pictures, sounds, err := countFrames(ctx, file)
		if err != nil {
			return err
		}
		a.Kept, a.AudioKept = a.Kept+pictures+sounds, a.AudioKept+sounds
	}
	return nil
}

// countFrames returns how many pictures and Opus packets a file has.
func countFrames(ctx context.Context, file string) (video, audio int64, err error) {
	out, err := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-count_packets",
		"-show_entries", "stream=codec_type,nb_read_packets", "-of", "csv=p=0", file).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("ffprobe %s: %w", file, err)
	}
	for line := range strings.Lines(string(out)) {
		kind, number, _ := strings.Cut(strings.TrimSpace(line), ",")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return 0, 0, fmt.Errorf("ffprobe %s says %q", file, line)
		}
		if kind == "video" {
			video += n
		} else {
			audio += n
		}
	}
	return video, audio, nil
}
