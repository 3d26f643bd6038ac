package judge

import (
	"crypto/md5" //nolint:gosec // what ffmpeg compares with
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// Silences are the Opus packets that a file may have in place of what is missing: 20, 10, 5 and 2.5 ms
// of nothing (RFC 6716 3.1: one frame of CELT, full band, configurations 31 to 28).
var Silences = [4][]byte{{0xF8, 0xFF, 0xFE}, {0xF0, 0xFF, 0xFE}, {0xE8, 0xFF, 0xFE}, {0xE0, 0xFF, 0xFE}}

// Recording is a file to be judged.
type Recording struct {
	Path string
}

// Open writes the file down where ffmpeg finds it.
func Open(tb testing.TB, content []byte) Recording {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "recording.webm")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return Recording{Path: path}
}

// Packet is one packet as ffprobe reads it from the file.
type Packet struct {
	Time time.Duration
	Hash string
}

// Hash returns what a payload's [Packet] is known by.
func Hash(payload []byte) string {
	sum := md5.Sum(payload) //nolint:gosec // as above
	return hex.EncodeToString(sum[:])
}

// Packets lists the packets of the stream ("a" or "v"), without made-up silence, which it counts.
func (r Recording) Packets(tb testing.TB, stream string) (list []Packet, madeUp int) {
	tb.Helper()
	quiet := map[string]bool{}
	for _, packet := range Silences {
		quiet[Hash(packet)] = true
	}
	for _, p := range r.AllPackets(tb, stream) {
		if quiet[p.Hash] {
			madeUp++
			continue
		}
		list = append(list, p)
	}
	return list, madeUp
}

// AllPackets lists the packets of the stream.
func (r Recording) AllPackets(tb testing.TB, stream string) (list []Packet) {
	tb.Helper()
	out, _ := run(tb, "ffprobe", "-v", "error", "-select_streams", stream, "-show_data_hash", "md5",
		"-show_entries", "packet=pts_time,data_hash", "-of", "default=nw=1", r.Path)
	at := ""
	for line := range strings.Lines(out) {
		switch key, value, _ := strings.Cut(strings.TrimSpace(line), "="); key {
		case "pts_time":
			at = value
		case "data_hash":
			list = append(list, Packet{Time: seconds(tb, at), Hash: strings.TrimPrefix(value, "MD5:")})
		}
	}
	return list
}

// Probe asks ffprobe for entries of the file.
func (r Recording) Probe(tb testing.TB, entries string) string {
	tb.Helper()
	out, _ := run(tb, "ffprobe", "-v", "error", "-show_entries", entries, "-of", "csv=p=0", r.Path)
	return strings.TrimSpace(out)
}

// Duration returns how long the file says it is.
func (r Recording) Duration(tb testing.TB) time.Duration {
	tb.Helper()
	return seconds(tb, r.Probe(tb, "format=duration"))
}

// Decode decodes everything and returns what ffmpeg complained of. The times of its output are the
// file's own: rounded to thirtieths of a second, pictures that lie closer together would fall on one.
func (r Recording) Decode(tb testing.TB) string {
	tb.Helper()
	return FFmpeg(tb, "ffmpeg", "-v", "warning", "-i", r.Path, "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "null", "-")
}

// Seek returns the hash of the picture that is shown first after a jump to that many seconds.
func (r Recording) Seek(tb testing.TB, second float64) string {
	tb.Helper()
	out, _ := run(tb, "ffmpeg", "-v", "error", "-ss", strconv.FormatFloat(second, 'f', 3, 64), "-i", r.Path,
		"-map", "0:v", "-frames:v", "1", "-fps_mode", "passthrough", "-f", "framemd5", "-")
	shown := readHashes(tb, out)
	if len(shown) != 1 {
		tb.Fatalf("a jump to %v s shows %d pictures", second, len(shown))
	}
	return shown[0].hash
}

func seconds(tb testing.TB, text string) time.Duration {
	tb.Helper()
	number, err := strconv.ParseFloat(text, 64)
	if err != nil {
		tb.Fatalf("time %q: %v", text, err)
	}
	return time.Duration(number*1e6) * time.Microsecond
}

// hashLine is one line of ffmpeg's framemd5.
type hashLine struct {
	time time.Duration
	hash string
}

// readHashes reads what framemd5 wrote of one stream.
func readHashes(tb testing.TB, text string) (list []hashLine) {
	tb.Helper()
	numerator, denominator := int64(0), int64(1)
	for line := range strings.Lines(text) {
		if _, err := fmt.Sscanf(line, "#tb 0: %d/%d", &numerator, &denominator); err == nil || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, ",")
		if len(fields) != 6 {
			continue
		}
		pts, err := strconv.ParseInt(strings.TrimSpace(fields[2]), 10, 64)
		if err != nil {
			tb.Fatalf("framemd5 %q: %v", line, err)
		}
		list = append(list, hashLine{
			time: time.Duration(pts * int64(time.Second) * numerator / denominator),
			hash: strings.TrimSpace(fields[5]),
		})
	}
	return list
}
