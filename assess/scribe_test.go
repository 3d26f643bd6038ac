package assess

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// slowTranscriber takes as long as it is told to, and says the sequence number.
type slowTranscriber struct {
	take time.Duration
	fail func(u media.Utterance) error // may be nil

	mu   sync.Mutex
	most map[consent.SessionID]int // at work at once, for each session and for "all"
	now  map[consent.SessionID]int
}

func (*slowTranscriber) Engine() string { return "slow" }

func (s *slowTranscriber) Transcribe(ctx context.Context, u media.Utterance) ([]Word, bool, error) {
	s.count(u.Session, 1)
	defer s.count(u.Session, -1)
	select {
	case <-time.After(s.take):
	case <-ctx.Done():
		return nil, false, fmt.Errorf("%w: %w", ErrTranscriber, ctx.Err())
	}
	if s.fail != nil {
		if err := s.fail(u); err != nil {
			return nil, false, err
		}
	}
	return interpolateWords(fmt.Sprint("number ", u.Sequence), u.Start, u.End), true, nil
}

func (s *slowTranscriber) count(session consent.SessionID, change int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		s.now, s.most = map[consent.SessionID]int{}, map[consent.SessionID]int{}
	}
	for _, key := range []consent.SessionID{session, "all"} {
		s.now[key] += change
		s.most[key] = max(s.most[key], s.now[key])
	}
}

// scribeDesk is what a scribe writes to.
type scribeDesk struct {
	mu      sync.Mutex
	lines   []Line
	delays  []time.Duration
	failed  []error
	lost    []int // sequences
	permit  func() error
	save    func() error
	permits int
}

func (d *scribeDesk) config(transcriber Transcriber) ScribeConfig {
	return ScribeConfig{
		Transcriber: transcriber,
		Place:       func(u media.Utterance) (int, int) { return int(u.Start / time.Minute), 1 },
		Permit: func(_ context.Context, session consent.SessionID) (consent.Permit, error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.permits++
			if d.permit != nil {
				if err := d.permit(); err != nil {
					return consent.Permit{}, err
				}
			}
			return scribePermit(session)
		},
		Save: func(_ context.Context, permit consent.Permit, line Line) error {
			d.mu.Lock()
			defer d.mu.Unlock()
			if err := permit.Demand(line.Session, consent.ArtefactTranscript); err != nil {
				return err
			}
			if d.save != nil {
				return d.save()
			}
			return nil
		},
		OnLine: func(line Line, delay time.Duration) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.lines, d.delays = append(d.lines, line), append(d.delays, delay)
		},
		OnFailed: func(u media.Utterance, err error) {
			d.mu.Lock()
			defer d.mu.Unlock()
			d.failed, d.lost = append(d.failed, err), append(d.lost, u.Sequence)
		},
	}
}

func scribePermit(session consent.SessionID) (consent.Permit, error) {
	return consent.Decide(consent.Snapshot{
		Actor: consent.Actor{Kind: consent.ActorScribe}, Session: session, Known: true,
		State: consent.SessionLive, Consents: consent.Consents{Transcription: true},
		Now: time.Now(), ReadAt: time.Now(),
	}, consent.ArtefactTranscript)
}

// said is an utterance of a second that just ended.
func said(session consent.SessionID, sequence int) media.Utterance {
	start := time.Duration(sequence) * time.Minute
	return media.Utterance{
		Session: session, Sequence: sequence, Start: start, End: start + time.Second,
		PCM: make([]float32, media.SampleRate), EndedAt: time.Now(),
	}
}

// running starts a scribe in a bubble of fake time; stop ends it and returns what Run returned.
func running(t *testing.T, config ScribeConfig) (scribe *Scribe, stop func() error) {
	t.Helper()
	scribe = NewScribe(config)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- scribe.Run(ctx) }() // stop waits for it
	return scribe, func() error { cancel(); return <-done }
}

func (d *scribeDesk) sequences(session consent.SessionID) []int {
	d.mu.Lock()
	defer d.mu.Unlock()
	var sequences []int
	for _, line := range d.lines {
		if line.Session == session {
			sequences = append(sequences, line.Sequence)
		}
	}
	return sequences
}

func TestScribeWritesLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		scribe, stop := running(t, desk.config(&slowTranscriber{take: 300 * time.Millisecond}))
		scribe.Hear(said("s", 2))
		if audio, sessions := scribe.Waiting(); audio != time.Second || sessions != 1 {
			t.Errorf("%s of %d sessions are waiting", audio, sessions)
		}
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		if len(desk.lines) != 1 || desk.delays[0] != 300*time.Millisecond {
			t.Fatalf("lines %+v, delays %v", desk.lines, desk.delays)
		}
		got := desk.lines[0]
		if got.Question != 2 || got.Take != 1 || got.Engine != "slow" || !got.Interpolated || got.Start != 2*time.Minute {
			t.Errorf("line is %+v", got)
		}
		if got := wordsText(got.Words); got != "number 2" {
			t.Errorf("text is %q", got)
		}
	})
}

func TestScribePlacesWhatItHearsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk, gone := &scribeDesk{}, false
		config := desk.config(&slowTranscriber{take: time.Second})
		config.Place = func(media.Utterance) (int, int) {
			if gone {
				return -1, 0
			}
			return 3, 2
		}
		scribe, stop := running(t, config)
		for sequence := range 2 { // at work, and waiting
			scribe.Hear(said("s", sequence))
		}
		gone = true // the interview ended, and its room with it
		scribe.Hear(said("s", 2))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		var got [][2]int
		for _, line := range desk.lines {
			got = append(got, [2]int{line.Question, line.Take})
		}
		if want := [][2]int{{3, 2}, {3, 2}, {-1, 0}}; !slices.Equal(got, want) {
			t.Errorf("the lines belong to %v, want %v", got, want)
		}
	})
}

// tellTranscriber says the same of every utterance.
type tellTranscriber struct {
	slowTranscriber
	text string
}

func (s *tellTranscriber) Transcribe(context.Context, media.Utterance) ([]Word, bool, error) {
	return sureWords(s.text, 0.4), true, nil
}

func TestScribeRepairsTheTermsOfTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		config := desk.config(&tellTranscriber{text: "We moved to post gress."})
		config.Place = func(u media.Utterance) (int, int) { return u.Sequence - 1, 1 }
		config.Terms = func(session consent.SessionID, question int) []string {
			if session != "s" || question < 0 {
				t.Errorf("asked for the terms of question %d of %s", question, session)
			}
			return [][]string{nil, {"Kafka", "PostgreSQL"}}[question]
		}
		scribe, stop := running(t, config)
		for sequence := range 3 {
			scribe.Hear(said("s", sequence))
		}
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, line := range desk.lines {
			got = append(got, line.Text())
		}
		if want := []string{"We moved to post gress.", "We moved to post gress.", "We moved to PostgreSQL."}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if repaired := desk.lines[2].Words[3]; repaired.Heard != "post gress." {
			t.Errorf("the term is %+v", repaired)
		}
	})
}

func TestScribeKeepsTheOrderOfEachSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk, transcriber := &scribeDesk{}, &slowTranscriber{take: time.Second}
		config := desk.config(transcriber)
		config.Workers = 3
		scribe, stop := running(t, config)
		began := time.Now()
		var want []int
		for sequence := range 6 {
			want = append(want, sequence)
			for _, session := range []consent.SessionID{"a", "b", "c"} {
				scribe.Hear(said(session, sequence))
			}
		}
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		for _, session := range []consent.SessionID{"a", "b", "c"} {
			if got := desk.sequences(session); !slices.Equal(got, want) {
				t.Errorf("session %s was written in the order %v", session, got)
			}
			if transcriber.most[session] != 1 {
				t.Errorf("%d workers on session %s", transcriber.most[session], session)
			}
		}
		if transcriber.most["all"] != 3 || time.Since(began) != 6*time.Second {
			t.Errorf("%d workers took %s", transcriber.most["all"], time.Since(began))
		}
	})
}

func TestScribeServesSessionsInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		scribe, stop := running(t, desk.config(&slowTranscriber{take: time.Second}))
		for sequence := range 20 {
			scribe.Hear(said("talker", sequence))
		}
		scribe.Hear(said("other", 0))
		if err := scribe.DrainSession(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
		if got := len(desk.sequences("talker")); got > 2 {
			t.Errorf("the other session waited for %d utterances of the talker", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
		if got := len(desk.sequences("talker")); got != 20 {
			t.Errorf("%d of 20 lines were written before the scribe stopped", got)
		}
	})
}

// An answer waits for its own words, not for what its speaker goes on to say.
func TestScribeDrainsUpToAMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		scribe, stop := running(t, desk.config(&slowTranscriber{take: time.Second}))
		for sequence := range 20 {
			scribe.Hear(said("talker", sequence))
		}
		before := said("talker", 3).Start
		if err := scribe.DrainBefore(t.Context(), "talker", before); err != nil {
			t.Fatal(err)
		}
		if got := len(desk.sequences("talker")); got != 3 {
			t.Errorf("%d lines were written when the first three were waited for", got)
		}
		if err := scribe.DrainBefore(t.Context(), "nobody", before); err != nil {
			t.Error(err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// saidPacked is an utterance of a second as a room hears it.
func saidPacked(session consent.SessionID, sequence int) media.Utterance {
	u := said(session, sequence)
	packets := make([][]byte, 50)
	for i := range packets {
		packets[i] = []byte{0xF8, 0xFF, 0xFE} // a packet of silence
	}
	u.Packed = media.PackSound(packets)
	return u
}

// heldSound passes on, and notes how much sound was held as samples and whether all of it came.
type heldSound struct {
	slowTranscriber
	scribe *Scribe
	most   time.Duration
	short  int
}

func (h *heldSound) Transcribe(ctx context.Context, u media.Utterance) ([]Word, bool, error) {
	h.scribe.mu.Lock()
	h.most = max(h.most, h.scribe.samples)
	h.scribe.mu.Unlock()
	if len(u.PCM) != media.SampleRate {
		h.short++
	}
	return h.slowTranscriber.Transcribe(ctx, u)
}

// Fifty sessions speak for ten minutes each, ten times faster than one worker can write: every word comes,
// late, in its session's order, and the samples held at a time stay within bounds.
func TestManySessionsAreWrittenLateAndWhole(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const sessions, each = 50, 120
		desk := &scribeDesk{}
		transcriber := &heldSound{slowTranscriber: slowTranscriber{take: time.Second}}
		config := desk.config(transcriber)
		config.Queue, config.DrainFor = time.Minute, 4*time.Hour
		scribe, stop := running(t, config)
		transcriber.scribe = scribe
		names := make([]consent.SessionID, sessions)
		for i := range names {
			names[i] = consent.NewID[consent.SessionID]()
		}
		for sequence := range each {
			for _, name := range names {
				scribe.Hear(saidPacked(name, sequence))
			}
			pass(5 * time.Second)
		}
		audio, waiting := scribe.Waiting()
		if oldest := time.Since(scribe.Oldest()); audio < time.Hour || waiting != sessions || oldest < 5*time.Minute {
			t.Errorf("%v of %d sessions wait, the oldest for %v: the test does not press", audio, waiting, oldest)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		want := make([]int, each)
		for i := range want {
			want[i] = i
		}
		for _, name := range names {
			if got := desk.sequences(name); !slices.Equal(got, want) {
				t.Fatalf("of session %s these were written: %v", name, got)
			}
		}
		if len(desk.failed) > 0 || transcriber.short > 0 || transcriber.most > config.Queue {
			t.Errorf("%d failed, %d were not whole, %v were held as samples at most", len(desk.failed), transcriber.short, transcriber.most)
		}
		if scribe.samples != 0 || scribe.packed != 0 || !scribe.Oldest().IsZero() {
			t.Errorf("afterwards %v and %d bytes count as held, the oldest since %v", scribe.samples, scribe.packed, scribe.Oldest())
		}
	})
}

// pass lets fake time go by.
func pass(d time.Duration) { <-time.After(d) }

func TestScribeIsLateBeforeItLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		config := desk.config(&slowTranscriber{take: 5 * time.Second})
		config.Queue, config.Packed = 2*time.Second, int64(len(saidPacked("s", 0).Packed))
		scribe, stop := running(t, config)
		for sequence := range 5 {
			scribe.Hear(saidPacked("s", sequence))
		}
		if !slices.Equal(desk.lost, []int{3, 4}) || !errors.Is(desk.failed[0], ErrScribeFull) {
			t.Errorf("lost %v: %v", desk.lost, desk.failed)
		}
		if err := scribe.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		scribe.Hear(said("s", 5)) // there is room again
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if got := desk.sequences("s"); !slices.Equal(got, []int{0, 1, 2, 5}) {
			t.Errorf("wrote %v", got)
		}
		if desk.delays[2] != 15*time.Second {
			t.Errorf("the third line came after %s", desk.delays[2])
		}
	})
}

func TestScribeDropsWhatHasNoConsent(t *testing.T) {
	refusals := map[string]error{
		"bare":    consent.ErrNotFound,
		"wrapped": fmt.Errorf("permit: %w", consent.ErrNotFound),
	}
	for name, refusal := range refusals {
		for _, after := range []int{0, 1} { // before listening; between listening and saving
			t.Run(fmt.Sprint(name, " after ", after), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					desk, transcriber := &scribeDesk{}, &slowTranscriber{take: holdEvery / 2}
					desk.permit = func() error {
						if desk.permits > after {
							return refusal
						}
						return nil
					}
					scribe, stop := running(t, desk.config(transcriber))
					scribe.Hear(said("s", 0))
					if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
						t.Fatal(err)
					}
					if len(desk.lines) != 0 || len(desk.failed) != 0 || transcriber.most["s"] != after {
						t.Errorf("lines %v, failures %v, listened %d times", desk.lines, desk.failed, transcriber.most["s"])
					}
				})
			})
		}
	}
}

func TestScribeOutlastsTheDatabase(t *testing.T) {
	down := errors.New("connection refused")
	asking := fmt.Errorf("%w: read facts: %w", consent.ErrNotFound, down)
	for name, failures := range map[string]struct{ permit, save error }{
		"no answer about consent": {permit: asking},
		"no line saved":           {save: down},
		"permit grew old":         {save: consent.ErrPermit},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				desk, up := &scribeDesk{}, time.Now().Add(10*time.Minute)
				until := func(err error) func() error {
					return func() error {
						if time.Now().Before(up) {
							return err
						}
						return nil
					}
				}
				desk.permit, desk.save = until(failures.permit), until(failures.save)
				transcriber := &slowTranscriber{take: time.Second}
				scribe, stop := running(t, desk.config(transcriber))
				for sequence := range 3 {
					scribe.Hear(said("a", sequence))
				}
				scribe.Hear(said("b", 0))
				if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
					t.Fatal(err)
				}
				if got := desk.sequences("a"); !slices.Equal(got, []int{0, 1, 2}) || len(desk.sequences("b")) != 1 {
					t.Errorf("wrote %v and %v", got, desk.sequences("b"))
				}
				if late := time.Since(up); late < 0 || late > longestScribePause+10*time.Second {
					t.Errorf("the last line came %s after the database", late)
				}
				if desk.permits > 1000 {
					t.Errorf("asked for %d permits", desk.permits)
				}
			})
		})
	}
}

func TestScribeReportsWhatTheTranscriberFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk, broken := &scribeDesk{}, fmt.Errorf("%w: broken", ErrTranscriber)
		transcriber := &slowTranscriber{fail: func(u media.Utterance) error {
			if u.Sequence == 1 {
				return broken
			}
			return nil
		}}
		scribe, stop := running(t, desk.config(transcriber))
		for sequence := range 3 {
			scribe.Hear(said("s", sequence))
		}
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		if got := desk.sequences("s"); !slices.Equal(got, []int{0, 2}) {
			t.Errorf("wrote %v", got)
		}
		if !slices.Equal(desk.lost, []int{1}) || !errors.Is(desk.failed[0], broken) {
			t.Errorf("lost %v: %v", desk.lost, desk.failed)
		}
	})
}

type silentTranscriber struct{ slowTranscriber }

func (*silentTranscriber) Transcribe(context.Context, media.Utterance) ([]Word, bool, error) {
	return nil, true, nil
}

func TestScribeWritesNoEmptyLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		scribe, stop := running(t, desk.config(&silentTranscriber{}))
		scribe.Hear(said("s", 0))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		if len(desk.lines)+len(desk.failed) != 0 {
			t.Errorf("lines %v, failures %v", desk.lines, desk.failed)
		}
	})
}

func TestScribeStopsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		config := desk.config(&slowTranscriber{take: 4 * time.Second})
		config.DrainFor = 10 * time.Second
		scribe, stop := running(t, config)
		for sequence := range 5 {
			scribe.Hear(said("s", sequence))
		}
		began := time.Now()
		if err := stop(); err == nil {
			t.Error("Run says that everything was written")
		}
		if took := time.Since(began); took != config.DrainFor {
			t.Errorf("stopping took %s, want %s", took, config.DrainFor)
		}
		if got := desk.sequences("s"); !slices.Equal(got, []int{0, 1}) {
			t.Errorf("wrote %v", got)
		}
		slices.Sort(desk.lost) // the one at work is reported by its worker
		if !slices.Equal(desk.lost, []int{2, 3, 4}) {
			t.Errorf("lost %v, want the rest", desk.lost)
		}
		scribe.Hear(said("s", 5))
		if got := desk.failed[len(desk.failed)-1]; !errors.Is(got, ErrScribeStopped) {
			t.Errorf("after the stop: %v", got)
		}
		if audio, sessions := scribe.Waiting(); audio != 0 || sessions != 0 {
			t.Errorf("%s of %d sessions are still waiting", audio, sessions)
		}
	})
}

func TestScribeStopsWhileTheDatabaseIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{save: func() error { return errors.New("connection refused") }}
		scribe, stop := running(t, desk.config(&slowTranscriber{take: time.Second}))
		scribe.Hear(said("s", 0))
		scribe.Hear(said("s", 1))
		if err := stop(); err == nil {
			t.Error("Run says that everything was written")
		}
		if slices.Sort(desk.lost); !slices.Equal(desk.lost, []int{0, 1}) {
			t.Errorf("lost %v, want both", desk.lost)
		}
		if len(desk.lines) != 0 {
			t.Errorf("announced %v, which nobody saved", desk.lines)
		}
	})
}

func TestScribeHearsBeforeItRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk := &scribeDesk{}
		scribe := NewScribe(desk.config(&slowTranscriber{}))
		scribe.Hear(said("s", 0))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := scribe.Drain(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		if err := scribe.Run(ctx); err != nil { // only drains
			t.Fatal(err)
		}
		if got := desk.sequences("s"); !slices.Equal(got, []int{0}) {
			t.Errorf("wrote %v", got)
		}
	})
}

func TestScribeNeedsNoCallbacks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		config := (&scribeDesk{}).config(&slowTranscriber{})
		config.Place, config.OnLine, config.OnFailed = nil, nil, nil
		var line Line
		config.Save = func(_ context.Context, _ consent.Permit, saved Line) error { line = saved; return nil }
		scribe, stop := running(t, config)
		scribe.Hear(said("s", 0))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil || line.Question != -1 {
			t.Errorf("saved %+v, error %v", line, err)
		}
	})
}

func TestScribeIsSafeToShare(t *testing.T) {
	desk := &scribeDesk{}
	config := desk.config(&slowTranscriber{})
	config.Workers, config.Queue = 4, time.Hour
	scribe, stop := running(t, config)
	var wait sync.WaitGroup
	for _, session := range []consent.SessionID{"a", "b", "c", "d"} {
		wait.Go(func() {
			for sequence := range 50 {
				u := said(session, sequence)
				u.PCM = u.PCM[:1600]
				scribe.Hear(u)
				scribe.Waiting()
			}
			if err := scribe.DrainSession(context.Background(), session); err != nil {
				t.Error(err)
			}
			if got := desk.sequences(session); len(got) != 50 || !slices.IsSorted(got) {
				t.Errorf("session %s wrote %v", session, got)
			}
		})
	}
	wait.Wait()
	if err := stop(); err != nil {
		t.Error(err)
	}
}
