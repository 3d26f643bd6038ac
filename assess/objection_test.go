package assess

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
	"greenroom/media"
)

// A candidate who objected gets everything that needs no model, and the answer is done: nothing is left
// pending for them to see.
func TestObjectionLeavesTheMeasurements(t *testing.T) {
	t.Parallel()
	a, kept, model, f := bench(t, good)
	f.objected.Store(true)
	must(t, a.Evidence(t.Context(), "session", kept.lines[0].Ref()))
	must(t, a.Answer(t.Context(), "session", 0, 1))
	if len(model.asked) != 0 || len(kept.evidence) != 0 || len(kept.ratings) != 0 {
		t.Errorf("asked %d, evidence %v, ratings %v; want nothing of a model's", len(model.asked), kept.evidence, kept.ratings)
	}
	if len(kept.measurements) == 0 || !kept.assessed {
		t.Errorf("%d measurements, done %t; want the same as without a model", len(kept.measurements), kept.assessed)
	}
}

func TestObjectionBeforeGivingUpLeavesNoRating(t *testing.T) {
	t.Parallel()
	a, kept, _, f := bench(t, good)
	f.objected.Store(true)
	must(t, a.GiveUp(t.Context(), "session", 0, 1, 0, ErrModel))
	if len(kept.ratings) != 0 || !kept.assessed {
		t.Errorf("ratings %v, done %t", kept.ratings, kept.assessed)
	}
}

// The model is at work when the candidate objects: the call ends within a second, and the answer is done.
func TestObjectionStopsACallAndFinishesTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, kept, _, f := bench(t, nil)
		began := time.Now()
		a.Model = &pondering{}
		timer := time.AfterFunc(3*time.Second, func() { f.objected.Store(true) })
		defer timer.Stop()
		must(t, a.Answer(t.Context(), "session", 0, 1))
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("the call went on for %s after the objection", took-3*time.Second)
		}
		if len(kept.ratings) != 0 || len(kept.measurements) == 0 || !kept.assessed {
			t.Errorf("ratings %v, %d measurements, done %t", kept.ratings, len(kept.measurements), kept.assessed)
		}
	})
}

// A request about a session needs a Permit for that session, fresh and for this.
func TestModelIsAskedOnlyWithAPermit(t *testing.T) {
	t.Parallel()
	server := answering(t)
	model := testModel(t, testConfig(server))
	other, err := modelPermit("other")(t.Context())
	must(t, err)
	gate := consent.Gate{Reader: &facts{consents: consent.Consents{Transcription: true, Assessment: true}}}
	ratings, err := gate.Permit(t.Context(), assessorActor, "session", consent.ArtefactRatings)
	must(t, err)
	for name, permit := range map[string]consent.Permit{"zero": {}, "another session": other, "another artefact": ratings} {
		_, err := model.Complete(t.Context(), permit, testRequest())
		if !errors.Is(err, consent.ErrPermit) || len(server.Requests()) != 0 {
			t.Errorf("%s: %v after %d requests, want ErrPermit and none", name, err, len(server.Requests()))
		}
	}
	if _, err := model.Complete(t.Context(), mayAsk(), testRequest()); err != nil || len(server.Requests()) != 1 {
		t.Errorf("with its permit: %v, %d requests", err, len(server.Requests()))
	}
}

// The second request of a repair asks for a Permit of its own.
func TestEachRequestAsksAnew(t *testing.T) {
	t.Parallel()
	asked := 0
	nonsense := &scriptedModel{answer: func(ModelRequest) (string, error) { return "nonsense", nil }}
	model := askable{model: nonsense, permit: func(ctx context.Context) (consent.Permit, error) {
		if asked++; asked > 1 {
			return consent.Permit{}, consent.ErrNotFound
		}
		return modelPermit("session")(ctx)
	}}
	line := say(0, time.Second, spoken)
	line.Session = "session"
	_, err := findEvidence(t.Context(), model, Names{}, Question{}, nil, line, nil, nil)
	if !errors.Is(err, consent.ErrNotFound) || asked != 2 {
		t.Errorf("%v after asking %d times, want the refusal at the second", err, asked)
	}
}

// leaving is a desk whose sound may leave until the candidate objects.
func leaving(outside, own Transcriber) (desk *scribeDesk, config ScribeConfig, objected *atomic.Bool) {
	desk, objected = &scribeDesk{}, &atomic.Bool{}
	config = desk.config(outside)
	config.Own = own
	config.Leave = func(_ context.Context, session consent.SessionID) (consent.Permit, error) {
		if objected.Load() {
			return consent.Permit{}, consent.ErrNotFound
		}
		return scribePermit(session)
	}
	return desk, config, objected
}

// namedTranscriber is another engine.
type namedTranscriber struct {
	slowTranscriber
	name string
}

func (n *namedTranscriber) Engine() string { return n.name }

func TestSoundOfWhoeverObjectsStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	server := testServer(t)
	desk, config, objected := leaving(testTranscriber(t, testConfig(server)), &namedTranscriber{name: "own"})
	scribe, stop := running(t, config)
	scribe.Hear(twoSeconds())
	must(t, scribe.Drain(t.Context()))
	objected.Store(true)
	u := twoSeconds()
	u.Sequence = 1
	scribe.Hear(u)
	must(t, scribe.Drain(t.Context()))
	must(t, stop())
	if got := len(server.Requests()); got != 1 {
		t.Errorf("the server got %d utterances, want the one before the objection", got)
	}
	if len(desk.lines) != 2 || desk.lines[0].Engine != "openai:test-speech" || desk.lines[1].Engine != "own" || len(desk.failed) != 0 {
		t.Errorf("lines %+v, failures %v; want captions from both, each under its name", desk.lines, desk.failed)
	}
}

// A speech server that restarts, lost its key or talks nonsense costs no words where this machine can listen; it is
// used again when it is back. The log says what the operator has to mend.
func TestWhileTheSpeechServerFailsThisMachineListens(t *testing.T) {
	t.Parallel()
	for _, fault := range []openaitest.Fault{openaitest.Dropped, openaitest.Overloaded, openaitest.Unauthorized, openaitest.WebPage} {
		server := testServer(t)
		server.Fail(openaitest.PathSpeech, fault, -1)
		desk, config, _ := leaving(testTranscriber(t, testConfig(server)), &namedTranscriber{name: "own"})
		var log bytes.Buffer
		config.Log = slog.New(slog.NewTextHandler(&log, nil))
		scribe, stop := running(t, config)
		scribe.Hear(twoSeconds())
		must(t, scribe.Drain(t.Context()))
		server.Heal()
		scribe.mu.Lock()
		scribe.resting = time.Time{} // its rest is over
		scribe.mu.Unlock()
		u := twoSeconds()
		u.Sequence = 1
		scribe.Hear(u)
		must(t, errors.Join(scribe.Drain(t.Context()), stop()))
		var engines []string
		for _, line := range desk.lines {
			engines = append(engines, line.Engine)
		}
		want := []string{"own", "openai:test-speech"}
		if !slices.Equal(engines, want) || len(desk.failed) != 0 {
			t.Errorf("%s: lines by %q, failures %v; want %q", fault, engines, desk.failed, want)
		}
		if !strings.Contains(log.String(), "the speech server cannot be used") {
			t.Errorf("%s: the log says %q", fault, log.String())
		}
	}
}

// While a speech server is away only one utterance waits for it. The longer it let one wait, the longer it is left
// alone; when it is back it is asked for every one again.
func TestASpeechServerThatFailsIsLeftAlone(t *testing.T) {
	for took, rest := range map[time.Duration]time.Duration{time.Second: 30 * time.Second, time.Minute: 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			var asked atomic.Int32
			var back atomic.Bool
			outside := &slowTranscriber{take: took, fail: func(media.Utterance) error {
				if asked.Add(1); back.Load() {
					return nil
				}
				return networkError{errors.New("connection refused")}
			}}
			desk, config, _ := leaving(outside, &namedTranscriber{name: "own"})
			scribe, stop := running(t, config)
			sequence := 0
			hear := func(want int32) {
				t.Helper()
				for range 3 {
					scribe.Hear(said("s", sequence))
					sequence++
				}
				must(t, scribe.Drain(t.Context()))
				if got := asked.Load(); got != want {
					t.Errorf("a try takes %s: the server was asked %d times for %d utterances, want %d", took, got, sequence, want)
				}
			}
			began := time.Now()
			hear(1)
			if waited := time.Since(began); waited != took {
				t.Errorf("three utterances waited for %s, want one try of %s", waited, took)
			}
			pass(rest - time.Millisecond)
			hear(1)
			pass(time.Millisecond)
			hear(2)
			back.Store(true)
			pass(rest)
			hear(5)
			must(t, stop())
			if len(desk.lines) != sequence || len(desk.failed) != 0 {
				t.Errorf("%d lines of %d utterances, failures %v", len(desk.lines), sequence, desk.failed)
			}
		})
	}
}

func TestObjectionWhileAServerListensIsHeardHere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk, config, objected := leaving(&slowTranscriber{take: time.Minute}, &namedTranscriber{name: "own"})
		scribe, stop := running(t, config)
		began := time.Now()
		timer := time.AfterFunc(2*time.Second, func() { objected.Store(true) })
		defer timer.Stop()
		scribe.Hear(said("s", 0))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 3*time.Second || len(desk.lines) != 1 || desk.lines[0].Engine != "own" {
			t.Errorf("after %s: lines %+v, failures %v; want one line of this machine within a second", took, desk.lines, desk.failed)
		}
	})
}

func TestWithoutAnEngineHereTheLossIsTold(t *testing.T) {
	t.Parallel()
	desk, config, objected := leaving(&slowTranscriber{}, nil)
	objected.Store(true)
	scribe, stop := running(t, config)
	scribe.Hear(said("s", 0))
	must(t, errors.Join(scribe.Drain(t.Context()), stop()))
	if len(desk.failed) != 1 || !errors.Is(desk.failed[0], ErrTranscriber) || len(desk.lines) != 0 {
		t.Errorf("lines %v, failures %v; want the candidate to be told", desk.lines, desk.failed)
	}
}
