package main

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
	"greenroom/media/judge"
)

// cinema is a server inside this process, whose recorder can be fed faster than real time.
type cinema struct {
	t         testing.TB
	store     *minio
	app       *app
	candidate *browser
	account   consent.AccountID
	video     []judge.Frame
	audio     []judge.Frame
}

// clipLength is after what the clip that recordings are made of repeats.
const clipLength = 20 * time.Second

// startCinema starts it over a store in another process: the embedded one would change this one's folder.
func startCinema(t testing.TB, kilobits int) *cinema {
	t.Helper()
	store := startMinIO(t)
	c := &cinema{t: t, store: store, app: startInside(t, t.TempDir(), "--s3-endpoint", "http://"+store.address,
		"--s3-bucket", "recordings", "--s3-access-key", store.accessKey, "--s3-secret-key", store.secret)}
	c.candidate = &browser{address: c.app.banner.address}
	c.candidate.post(t, "/api/v1/log-in", proofOf(t, c.app.DataDir, c.app.banner.demo.Candidate), http.StatusOK)
	var me struct{ ID consent.AccountID }
	c.decode(c.candidate.get(t, "/api/v1/me", http.StatusOK), &me)
	c.account = me.ID
	c.video = judge.Video{Codec: "vp8", Width: 640, Height: 360, Seconds: clipLength.Seconds(), KeyEvery: 60, Kilobits: kilobits}.Frames(t)
	c.audio = judge.Sound{Seconds: clipLength.Seconds()}.Frames(t)
	return c
}

func (c *cinema) decode(text string, into any) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		c.t.Fatalf("%v in %s", err, text)
	}
}

// film is a session that is being recorded.
type film struct {
	*cinema
	session  consent.SessionID
	recorder *media.Recorder
	kept     chan struct{} // something was appended
	ended    chan error
	at       time.Duration // how much was put
	skip     func(media.Kind, time.Duration) bool
}

// schedule makes a session that consents to everything.
func (c *cinema) schedule() consent.SessionID {
	c.t.Helper()
	var bank struct{ Roles []struct{ ID string } }
	c.decode(c.candidate.get(c.t, "/api/v1/bank", http.StatusOK), &bank)
	var session struct{ ID consent.SessionID }
	c.decode(c.candidate.post(c.t, "/api/v1/sessions", `{"role":"`+bank.Roles[0].ID+`","mode":"practice"}`, http.StatusCreated), &session)
	path := "/api/v1/sessions/" + string(session.ID)
	var notice struct {
		SHA256 string `json:"sha256"`
	}
	c.decode(c.candidate.get(c.t, path+"/notice", http.StatusOK), &notice)
	c.candidate.post(c.t, path+"/consents", `{"notice_sha256":"`+notice.SHA256+`","recording":true,"transcription":true,"assessment":true}`, http.StatusOK)
	return session.ID
}

// begin takes a new session live and starts its recorder over the real store.
func (c *cinema) begin() *film {
	c.t.Helper()
	f := &film{cinema: c, session: c.schedule(), kept: make(chan struct{}, 1), ended: make(chan error, 1)}
	epoch, _, err := c.app.live.GoLive(c.t.Context(), f.session)
	if err != nil {
		c.t.Fatal(err)
	}
	f.recorder = media.NewRecorder(media.RecorderConfig{
		Session: f.session, Epoch: epoch, Store: watchedStore{c.app.segments, f.kept},
		Permit: func(ctx context.Context) (consent.Permit, error) {
			return c.app.gate.Permit(ctx, consent.Actor{Kind: consent.ActorRecorder}, f.session, consent.ArtefactCapture)
		},
	})
	go func() { f.ended <- f.recorder.Run(context.WithoutCancel(c.t.Context())) }() // ends with wrap
	return f
}

// roll feeds the recorder another length of media, no faster than it is kept.
func (f *film) roll(length time.Duration) {
	f.t.Helper()
	const target = 64 << 10 // at so much the recorder appends without waiting for its time
	waiting := 0
	for end := f.at + length; f.at < end; f.at += 10 * time.Millisecond {
		for _, track := range []struct {
			kind   media.Kind
			codec  media.Codec
			frames []judge.Frame
		}{{media.KindVideo, media.CodecVP8, f.video}, {media.KindAudio, media.CodecOpus, f.audio}} {
			for _, frame := range between(track.frames, f.at%clipLength, f.at%clipLength+10*time.Millisecond) {
				if f.skip != nil && f.skip(track.kind, f.at) {
					continue
				}
				f.recorder.Put(track.kind, track.codec, media.Frame{
					Time: f.at - f.at%clipLength + frame.Time, Duration: frame.Duration, Key: frame.Key,
					Width: frame.Width, Height: frame.Height, Payload: frame.Payload,
				})
				waiting += len(frame.Payload)
			}
		}
		if waiting > target {
			waiting = 0
			select {
			case <-f.kept:
			case err := <-f.ended:
				f.t.Fatalf("the recorder ended: %v", err)
			case <-time.After(time.Minute):
				f.t.Fatalf("nothing was kept for a minute, at %v", f.at)
			}
		}
	}
	if lost := f.recorder.Lost(); lost > 0 {
		f.t.Fatalf("%d frames were lost while feeding", lost)
	}
}

// between returns the frames of a clip from one time up to another.
func between(frames []judge.Frame, from, to time.Duration) []judge.Frame {
	first := 0
	for first < len(frames) && frames[first].Time < from {
		first++
	}
	last := first
	for last < len(frames) && frames[last].Time < to {
		last++
	}
	return frames[first:last]
}

// wrap ends the recording and the session, and waits until the store has all of it.
func (f *film) wrap() {
	f.t.Helper()
	f.recorder.Finish()
	if err := <-f.ended; err != nil {
		f.t.Fatal(err)
	}
	f.uploaded()
	if err := f.app.live.EndSession(f.t.Context(), f.session); err != nil {
		f.t.Fatal(err)
	}
}

// uploaded waits until everything that is sealed is in the index.
func (f *film) uploaded() {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(f.t.Context(), 5*time.Minute)
	defer cancel()
	if err := f.app.uploader.Drain(ctx); err != nil {
		f.t.Fatal(err)
	}
}

func (f *film) path() string { return "/api/v1/sessions/" + string(f.session) }

// frozenState is one frozen state of a recording.
type frozenState struct {
	Through    int64 `json:"through"`
	DurationMS int64 `json:"duration_ms"`
	Size       int64 `json:"size"`
}

// state is what there is of the recording now.
func (f *film) state() (s frozenState) {
	f.t.Helper()
	f.decode(f.candidate.get(f.t, f.path()+"/recording", http.StatusOK), &s)
	return s
}

// partAnswer is what an answer says beside its body.
type partAnswer struct {
	StatusCode int
	Status     string
	Header     http.Header
}

// part asks for a range of a frozen state, "" for all of it.
func (b *browser) part(t testing.TB, path, field string) (partAnswer, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, b.address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if field != "" {
		request.Header.Set("Range", field)
	}
	answer, err := b.do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", path, field, err)
	}
	return partAnswer{answer.StatusCode, answer.Status, answer.Header}, body
}

// watchedStore says whenever something was appended.
type watchedStore struct {
	media.SegmentStore
	kept chan struct{}
}

func (s watchedStore) OpenSegment(ctx context.Context, permit consent.Permit, head media.SegmentHead) (media.SegmentWriter, error) {
	writer, err := s.SegmentStore.OpenSegment(ctx, permit, head)
	return watchedWriter{writer, s.kept}, err
}

type watchedWriter struct {
	media.SegmentWriter
	kept chan struct{}
}

func (w watchedWriter) Append(chunk media.Chunk) error {
	err := w.SegmentWriter.Append(chunk)
	select {
	case w.kept <- struct{}{}:
	default:
	}
	return err
}
