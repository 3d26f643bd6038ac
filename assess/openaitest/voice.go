package openaitest

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"net/http"
	"time"
)

// Spoken is a text to say aloud.
type Spoken struct {
	Model  string `json:"model"`
	Voice  string `json:"voice"`
	Input  string `json:"input"`
	Format string `json:"response_format"`
}

func (s *Server) serveVoice(w http.ResponseWriter, r *http.Request) {
	body, fault, done := s.receive(w, r)
	if done {
		return
	}
	var spoken Spoken
	if err := json.Unmarshal(body, &spoken); err != nil || spoken.Model == "" || spoken.Voice == "" || spoken.Input == "" {
		writeError(w, http.StatusBadRequest, "name a model, a voice and an input")
		return
	}
	if fault == FormatRefused && spoken.Format != "" {
		writeError(w, http.StatusBadRequest, "unknown field response_format")
		return
	}
	s.mu.Lock()
	say := s.say
	s.mu.Unlock()
	s.sendSound(w, r, say(spoken), fault)
}

// sendSound sends the first half at once, and the rest after it.
func (s *Server) sendSound(w http.ResponseWriter, r *http.Request, sound []byte, fault Fault) {
	w.Header().Set("Content-Type", "audio/mpeg") // as servers do, whatever they send
	control := http.NewResponseController(w)
	send := func(part []byte) {
		_, _ = w.Write(part) // the client went away: the next write ends nothing either
		_ = control.Flush()
	}
	switch fault {
	case OtherSound:
		sound = append([]byte("fLaC\x00\x00\x00\x22"), sound...)
	case HiddenError, Malformed:
		sound = []byte(`{"error":{"message":"the engine is not ready"}}`)
	case EmptySound:
		sound = nil
	default:
	}
	half := len(sound) / 2
	send(sound[:half])
	switch fault {
	case SoundCut:
		drop(w)
	case SoundStalls:
		s.hang(r)
		return
	case Huge:
		s.floodSound(r, send, sound)
		return
	default:
	}
	send(sound[half:])
}

func (s *Server) floodSound(r *http.Request, send func([]byte), sound []byte) {
	for {
		select {
		case <-r.Context().Done():
			return
		case <-s.stop:
			return
		default:
			send(sound)
		}
	}
}

// Tone is a WAV file with a tone of 220 Hz: 16 kHz, mono, 16 bits.
func Tone(length time.Duration) []byte {
	samples := int(length * 16000 / time.Second)
	pcm := make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*220*float64(i)/16000))
	}
	return WAV(pcm)
}

// WAV writes 16 kHz mono samples as a file.
func WAV(pcm []int16) []byte {
	le := binary.LittleEndian
	file := append(make([]byte, 0, wavHeader+2*len(pcm)), "RIFF"...)
	file = le.AppendUint32(file, uint32(36+2*len(pcm)))
	file = append(file, "WAVEfmt "...)
	file = le.AppendUint32(file, 16)
	file = le.AppendUint16(file, 1) // PCM
	file = le.AppendUint16(file, 1) // mono
	file = le.AppendUint32(file, 16000)
	file = le.AppendUint32(file, bytesPerSec)
	file = le.AppendUint16(file, 2)
	file = le.AppendUint16(file, 16)
	file = append(file, "data"...)
	file = le.AppendUint32(file, uint32(2*len(pcm)))
	for _, sample := range pcm {
		file = le.AppendUint16(file, uint16(sample))
	}
	return file
}
