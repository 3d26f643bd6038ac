//go:build cgo

package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"flag"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/assess"
	"greenroom/consent"
	"greenroom/media"
	"greenroom/signaling"
)

// docs/turns.md has what 15 of them showed.
var mixes = flag.Int("mixes", 0, "how often each way of two voices to follow each other is heard, at each level")

// mixed is what a microphone hears of a voice that asks and a candidate, and what the page says of it. Times are
// since the sound began.
type mixed struct {
	pcm   []float32
	acts  []mixedAct
	said  string // by the candidate
	asked string // by the voice
}

type mixedAct struct {
	at  time.Duration
	act assess.Act
}

// add lays sound over what is there, from a time on.
func (m *mixed) add(pcm []float32, at time.Duration, gain float64) {
	from := samplesIn(at)
	m.pcm = append(m.pcm, make([]float32, max(0, from+len(pcm)-len(m.pcm)))...)
	for i, v := range pcm {
		m.pcm[from+i] += float32(gain) * v
	}
}

func (m *mixed) does(act assess.Act, at time.Duration) {
	m.acts = append(m.acts, mixedAct{at, act})
}

func samplesIn(d time.Duration) int { return int(d * media.SampleRate / time.Second) }

func lengthOf(pcm []float32) time.Duration {
	return time.Duration(len(pcm)) * time.Second / media.SampleRate
}

func openSpeech(t *testing.T) *assess.SpeechRuntime {
	t.Helper()
	runtime, err := assess.OpenSpeechRuntime(assess.SpeechRuntimeConfig{LibDir: "../../.greenroom/lib"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = runtime.Close() })
	return runtime
}

func filtered(t *testing.T, in []byte, args ...string) []byte {
	t.Helper()
	command := exec.CommandContext(t.Context(), args[0], args[1:]...)
	command.Stdin = bytes.NewReader(in)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v", args[0], err)
	}
	return out
}

// trimmed leaves out what is quieter than a fortieth of the loudest, at both ends, and brings the sound to a
// loudness of 0.08.
func trimmed(raw []byte) []float32 {
	pcm := make([]float32, len(raw)/2)
	loudest, sum := float32(0), 0.0
	for i := range pcm {
		pcm[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
		loudest = max(loudest, pcm[i], -pcm[i])
		sum += float64(pcm[i]) * float64(pcm[i])
	}
	heard := func(v float32) bool { return max(v, -v) > loudest/40 }
	first := slices.IndexFunc(pcm, heard)
	last := len(pcm)
	for !heard(pcm[last-1]) {
		last--
	}
	gain := float32(0.08 / math.Sqrt(sum/float64(len(pcm))))
	for i := range pcm {
		pcm[i] *= gain
	}
	return pcm[first:last]
}

// opusPackets encodes sound in packets of 20 ms.
func opusPackets(t *testing.T, pcm []float32) (list [][]byte) {
	t.Helper()
	raw := make([]byte, 4*len(pcm))
	for i, v := range pcm {
		binary.LittleEndian.PutUint32(raw[4*i:], math.Float32bits(v))
	}
	file := filtered(t, raw, "ffmpeg", "-v", "error", "-f", "f32le", "-ar", "16000", "-ac", "1", "-i", "-", "-ar", "48000",
		"-c:a", "libopus", "-b:a", "32k", "-frame_duration", "20", "-page_duration", "20000", "-f", "ogg", "-")
	// RFC 3533 6: each page has a header of 27 bytes, the lengths of its segments, and here one packet; RFC 7845 3:
	// the first two are headers.
	for page := 0; len(file) > 0; page++ {
		begin := 27 + int(file[26])
		end := begin
		for _, n := range file[27:begin] {
			end += int(n)
		}
		if page > 1 {
			list = append(list, file[begin:end])
		}
		file = file[end:]
	}
	return list
}

// overRTP makes a packet of 20 ms of sound (RFC 3550 5.1).
func overRTP(n int, payload []byte) []byte {
	b := []byte{0x80, 111}
	b = binary.BigEndian.AppendUint16(b, uint16(n))     // wraps
	b = binary.BigEndian.AppendUint32(b, uint32(n*960)) // wraps
	b = binary.BigEndian.AppendUint32(b, 2)
	return append(b, payload...)
}

// heardPieces is what would be written down.
type heardPieces struct {
	mu   sync.Mutex
	list []media.Utterance
}

func (h *heardPieces) Hear(u media.Utterance) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, u)
}
func (*heardPieces) Overhear(media.Utterance) {}
func (*heardPieces) Drop(media.Utterance)     {}
func (*heardPieces) DrainSession(context.Context, consent.SessionID) error {
	return nil
}

func (*heardPieces) DrainBefore(context.Context, consent.SessionID, time.Duration) error {
	return nil
}

// hear lets a room hear it, and returns what would be written down.
func (m *mixed) hear(t *testing.T, runtime *assess.SpeechRuntime) (heard []media.Utterance) {
	t.Helper()
	packets := opusPackets(t, append(m.pcm, make([]float32, 2*media.SampleRate)...))
	_, plan := builtInPlan(t)
	synctest.Test(t, func(t *testing.T) {
		room := &interviewer{machine: assess.NewInterview(plan, nil), hurry: func() {}, log: slog.New(slog.DiscardHandler)}
		var pieces heardPieces
		sink := notOurselves{room: room, to: &pieces, log: room.log}
		capture := media.NewCapture(media.CaptureConfig{
			Session: "s", Consents: consent.Consents{Transcription: true}, Voice: runtime.NewVoiceActivity,
			Speech: sink, OnVoice: room.hear,
		})
		room.cut = capture.CutSpeech
		ended := make(chan error, 1)
		go func() { ended <- capture.Run(t.Context()) }()
		track, err := capture.Attach(media.TrackConfig{Kind: media.KindAudio, Codec: media.CodecOpus, SSRC: 2})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		acts := append([]mixedAct{{0, assess.ActBegin}}, m.acts...)
		for n, payload := range packets {
			at := time.Duration(n) * 20 * time.Millisecond
			<-time.After(time.Until(began.Add(at)))
			track.Push(overRTP(n, payload), time.Now())
			for len(acts) > 0 && acts[0].at <= at {
				if _, err := room.Act(t.Context(), signaling.Act(acts[0].act), time.Now(), capture.MediaNow()); err != nil {
					t.Fatal(err)
				}
				acts = acts[1:]
			}
		}
		<-time.After(time.Second)
		capture.Finish()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		heard = pieces.list
	})
	return heard
}

// wordsHeard returns the words that a recogniser makes of it.
func wordsHeard(t *testing.T, runtime *assess.SpeechRuntime, heard []media.Utterance) string {
	t.Helper()
	var texts []string
	for _, u := range heard {
		words, _, err := runtime.Transcriber().Transcribe(t.Context(), u)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range words {
			texts = append(texts, w.Text)
		}
	}
	return strings.Join(texts, " ")
}

func plainly(text string) []string {
	text = strings.ReplaceAll(strings.ToLower(text), "mr.", "mister")
	return strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && r != '\'' })
}

// compared counts the words of the candidate that are not there, and those that nobody but the voice said.
func (m *mixed) compared(got string) (lost, leaked int) {
	said, heard, asked := plainly(m.said), plainly(got), plainly(m.asked)
	row := make([]int, len(heard)+1) // of the longest common subsequence
	for _, s := range said {
		diagonal := 0
		for j, h := range heard {
			above := row[j+1]
			if s == h {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(row[j+1], row[j])
			}
			diagonal = above
		}
	}
	for _, h := range heard {
		if slices.Contains(asked, h) && !slices.Contains(said, h) {
			leaked++
		}
	}
	return len(said) - row[len(heard)], leaked
}

// mixedKind is one way in which the two voices follow each other.
type mixedKind string

const (
	mixedAlone      mixedKind = "nobody answers"
	mixedBefore     mixedKind = "had just spoken"
	mixedAtOnce     mixedKind = "answers at once"
	mixedInterrupts mixedKind = "interrupts"
)

// mix lets a voice, so much louder than the candidate (in dB), follow on a candidate, or the other way round. The
// page's messages and its sound arrive as they do on a network.
func mix(random *rand.Rand, kind mixedKind, level float64, voice, candidate spokenClip) *mixed {
	const way = 60 * time.Millisecond // of sound, through loudspeaker, microphone and encoder
	between := func(least, most int) time.Duration {
		return time.Duration(least+random.IntN(most-least)) * time.Millisecond
	}
	m := &mixed{said: candidate.words, asked: voice.words}
	begins := time.Second
	if kind == mixedBefore {
		m.add(candidate.pcm, time.Second/2, 1)
		begins = time.Second/2 + lengthOf(candidate.pcm) + between(500, 650)
	}
	m.does(assess.ActSpeak, begins)
	sounds := begins + between(0, 100)
	ends := sounds + lengthOf(voice.pcm)
	switch kind {
	case mixedAlone:
		m.said = ""
		m.does(assess.ActSpoken, ends)
	case mixedBefore:
		m.does(assess.ActSpoken, ends)
	case mixedAtOnce:
		m.does(assess.ActSpoken, ends)
		m.add(candidate.pcm, ends+way+between(0, 500), 1)
	case mixedInterrupts:
		talks := sounds + between(1500, 3500)
		ends = talks + between(110, 350)
		m.does(assess.ActInterrupt, ends)
		m.add(candidate.pcm, talks+way, 1)
	}
	m.add(voice.pcm[:min(len(voice.pcm), samplesIn(ends-sounds))], sounds+way, math.Pow(10, level/20))
	for i := range m.pcm {
		m.pcm[i] += float32(0.0005 * random.NormFloat64())
	}
	return m
}

// spokenClip is a sentence as sound, of a loudness of its own.
type spokenClip struct {
	words string
	pcm   []float32
}

func recordedSentences(t *testing.T) (list []spokenClip) {
	t.Helper()
	for n := range 5 {
		file, words := readClip(t, n)
		wav, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, spokenClip{words, trimmed(wav[44:])})
	}
	return list
}

// TestWhatBothVoicesSayIsToldApart: a candidate who answers while the last word of the question is hardly over, in a
// real room but for its clock. With -mixes so many of every kind are heard at five levels: the table in
// docs/turns.md.
func TestWhatBothVoicesSayIsToldApart(t *testing.T) {
	runtime := openSpeech(t)
	people := recordedSentences(t)
	if *mixes == 0 {
		m := mix(rand.New(rand.NewPCG(1, 1)), mixedAtOnce, -12, people[0], people[2])
		got := wordsHeard(t, runtime, m.hear(t, runtime))
		if lost, leaked := m.compared(got); lost > 2 || leaked > 0 {
			t.Errorf("%d words lost, %d of the question: %q, want %q", lost, leaked, got, m.said)
		}
		return
	}
	var voices []spokenClip
	for voice, text := range map[string]string{
		"en-us":    "Tell me about a time when a plan of yours failed, and what you changed because of it afterwards.",
		"en-gb":    "How would you explain the difference between a process and a thread to somebody who has just joined your team?",
		"en-us+f3": "Describe a disagreement with a colleague about a technical decision, and how the two of you settled it.",
	} {
		wav := filtered(t, nil, "espeak-ng", "-v", voice, "-s", "150", "--stdout", text)
		voices = append(voices, spokenClip{text, trimmed(filtered(t, wav, "ffmpeg", "-v", "error", "-i", "-", "-ar", "16000", "-ac", "1", "-f", "s16le", "-"))})
	}
	slices.SortFunc(voices, func(a, b spokenClip) int { return strings.Compare(a.words, b.words) })
	for _, level := range []float64{-100, -24, -12, -6, 0} {
		for n, kind := range []mixedKind{mixedAlone, mixedBefore, mixedAtOnce, mixedInterrupts} {
			random := rand.New(rand.NewPCG(7, uint64(n))) // the same at each level
			lost, leaked, said := 0, 0, 0
			for i := range *mixes {
				m := mix(random, kind, level, voices[i%len(voices)], people[i%len(people)])
				got := wordsHeard(t, runtime, m.hear(t, runtime))
				l, k := m.compared(got)
				lost, leaked, said = lost+l, leaked+k, said+len(plainly(m.said))
				if k > 0 || l > 3 {
					t.Logf("%s at %.0f dB: %q, want %q", kind, level, got, m.said)
				}
			}
			t.Logf("%s at %.0f dB: lost %d of %d words, %d of the question", kind, level, lost, said, leaked)
		}
	}
}
