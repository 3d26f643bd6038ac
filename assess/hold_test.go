package assess

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"greenroom/assess/openaitest"
	"greenroom/consent"
)

var errAsking = fmt.Errorf("%w: %w: connection lost", consent.ErrNotFound, consent.ErrFacts)

// The bubble of each test is also its leak guard: it fails while a goroutine of a hold is left.
func TestHoldEndsWithTheConsent(t *testing.T) {
	for name, test := range map[string]struct {
		answer error
		after  time.Duration
		cause  error
	}{
		"refused":                 {consent.ErrNotFound, holdEvery, consent.ErrNotFound},
		"refused with a word":     {fmt.Errorf("permit: %w", consent.ErrNotFound), holdEvery, consent.ErrNotFound},
		"facts cannot be read":    {errAsking, holdUnsure, errUnsure},
		"refused for some reason": {fmt.Errorf("%w: %w", consent.ErrNotFound, errors.New("odd")), holdUnsure, errUnsure},
		"asking failed":           {errors.New("odd"), holdUnsure, errUnsure},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				held, release := holdWhile(t.Context(), func(context.Context) error { return test.answer })
				<-held.Done()
				if took := time.Since(began); took != test.after {
					t.Errorf("the hold ended after %s, want %s", took, test.after)
				}
				release()
				if cause := context.Cause(held); !errors.Is(cause, test.cause) || !errors.Is(cause, consent.ErrNotFound) {
					t.Errorf("cause is %v, want %v", cause, test.cause)
				}
				if refused := refusedByConsent(context.Cause(held)); refused == errors.Is(test.cause, errUnsure) {
					t.Errorf("refused %t", refused)
				}
			})
		})
	}
}

func TestHoldOutlastsShortFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		held, release := holdWhile(t.Context(), func(context.Context) error {
			if asked++; asked%8 == 0 { // every 4 s
				return nil
			}
			return errAsking
		})
		ctx, cancel := context.WithTimeout(held, time.Minute)
		defer cancel()
		<-ctx.Done()
		if held.Err() != nil {
			t.Errorf("the hold ended: %v", context.Cause(held))
		}
		release()
	})
}

func TestHoldBoundsEachQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, asked := time.Now(), 0
		held, release := holdWhile(t.Context(), func(ctx context.Context) error {
			asked++
			<-ctx.Done() // a database that says nothing
			return ctx.Err()
		})
		<-held.Done()
		release()
		if took := time.Since(began); took != holdUnsure || asked != 5 {
			t.Errorf("the hold ended after %s and %d questions, want %s and 5", took, asked, holdUnsure)
		}
	})
}

func TestReleasedHoldAsksNoMore(t *testing.T) {
	for name, end := range map[string]func(cancel, release context.CancelFunc){
		"released":      func(_, release context.CancelFunc) { release() },
		"caller's ends": func(cancel, release context.CancelFunc) { cancel(); release() },
		"twice":         func(_, release context.CancelFunc) { release(); release() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				asked, asking := 0, make(chan struct{})
				held, release := holdWhile(ctx, func(ctx context.Context) error {
					asked++
					close(asking)
					<-ctx.Done() // it ends within a question
					return ctx.Err()
				})
				<-asking
				end(cancel, release)
				if cause := context.Cause(held); !errors.Is(cause, context.Canceled) {
					t.Errorf("cause is %v", cause)
				}
				<-time.After(time.Minute)
				if asked != 1 {
					t.Errorf("asked %d times", asked)
				}
			})
		})
	}
}

func TestWorkFailsWithItsOwnReasonUnlessItsHoldEnded(t *testing.T) {
	broken := errors.New("broken")
	synctest.Test(t, func(t *testing.T) {
		refuse := func(context.Context) error { return consent.ErrNotFound }
		if err := whileAllowed(t.Context(), refuse, func(context.Context) error { return broken }); !errors.Is(err, broken) {
			t.Errorf("before any question: %v", err)
		}
		untilEnded := func(ctx context.Context) error { <-ctx.Done(); return broken }
		if err := whileAllowed(t.Context(), refuse, untilEnded); err != consent.ErrNotFound { //nolint:errorlint // exactly this
			t.Errorf("refused: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), holdEvery/2)
		defer cancel()
		if err := whileAllowed(ctx, refuse, untilEnded); !errors.Is(err, broken) {
			t.Errorf("the caller's end: %v", err)
		}
		finished := func(ctx context.Context) error { <-ctx.Done(); return nil }
		if err := whileAllowed(t.Context(), refuse, finished); err != nil {
			t.Errorf("done all the same: %v", err)
		}
	})
}

func TestScribeKeepsWordsOfWhichNobodyCanBeAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk, began := &scribeDesk{}, time.Now()
		desk.permit = func() error {
			if since := time.Since(began); since > time.Second && since < time.Minute {
				return errAsking
			}
			return nil
		}
		transcriber := &slowTranscriber{take: 8 * time.Second}
		scribe, stop := running(t, desk.config(transcriber))
		scribe.Hear(said("s", 0))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		if len(desk.lines) != 1 || len(desk.failed) != 0 {
			t.Errorf("lines %v, failures %v", desk.lines, desk.failed)
		}
	})
}

func TestScribeStopsListeningWhenConsentEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		desk, began := &scribeDesk{}, time.Now()
		desk.permit = func() error {
			if time.Since(began) > 3*time.Second {
				return consent.ErrNotFound
			}
			return nil
		}
		scribe, stop := running(t, desk.config(&slowTranscriber{take: time.Minute}))
		scribe.Hear(said("s", 0))
		if err := errors.Join(scribe.Drain(t.Context()), stop()); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > 4*time.Second || len(desk.lines)+len(desk.failed) != 0 {
			t.Errorf("after %s: lines %v, failures %v", took, desk.lines, desk.failed)
		}
	})
}

// pondering is a model that thinks until it is told to stop.
type pondering struct{ scriptedModel }

func (*pondering) Complete(ctx context.Context, _ consent.Permit, _ ModelRequest) (ModelAnswer, error) {
	<-ctx.Done()
	return ModelAnswer{}, fmt.Errorf("%w: %w", ErrModel, ctx.Err())
}

func TestAssessmentOfWhichNobodyCanBeAskedIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, kept, _, f := bench(t, nil)
		a.Model = &pondering{}
		timer := time.AfterFunc(time.Second, func() { f.away.Store(true) })
		defer timer.Stop()
		if err := a.Evidence(t.Context(), "session", kept.lines[0].Ref()); !errors.Is(err, consent.ErrFacts) {
			t.Errorf("Evidence = %v, want ErrFacts, so that the job is tried again", err)
		}
		if len(kept.evidence) != 0 {
			t.Errorf("evidence %v was kept", kept.evidence)
		}
	})
}

// faults are planned one after the other; the candidate withdraws when the last one is met.
type faults []openaitest.Fault

// withdrawAt plans the faults and calls withdraw when the last one is met; then it sends the time.
func (f faults) withdrawAt(server *openaitest.Server, path string, withdraw func()) (at <-chan time.Time) {
	for _, fault := range f[:len(f)-1] {
		server.Fail(path, fault, 1)
	}
	server.Fail(path, f[len(f)-1], -1)
	withdrawn, arrived := make(chan time.Time, 1), atomic.Int32{}
	server.Watch(func(openaitest.Request) {
		if int(arrived.Add(1)) == len(f) {
			withdraw()
			withdrawn <- time.Now()
		}
	})
	return withdrawn
}

// checkStopped is called when the work is done: nothing is left that could send another request.
func (f faults) checkStopped(t *testing.T, server *openaitest.Server, withdrawn <-chan time.Time) {
	t.Helper()
	select {
	case at := <-withdrawn:
		if took := time.Since(at); took > time.Second {
			t.Errorf("the work went on for %s", took)
		}
	default:
		t.Error("the work ended before the consent did")
	}
	if got := len(server.Requests()); got != len(f) {
		t.Errorf("the server got %d requests, want %d", got, len(f))
	}
}

func TestWithdrawalStopsTranscriptions(t *testing.T) {
	for name, plan := range map[string]faults{
		"hanging":                    {openaitest.Slow},
		"waiting to try again":       {openaitest.Busy},
		"hanging without word times": {openaitest.VerboseRefused, openaitest.Slow},
		"waiting without word times": {openaitest.VerboseRefused, openaitest.Busy},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, withdrawn := testServer(t), atomic.Bool{}
			at := plan.withdrawAt(server, openaitest.PathSpeech, func() { withdrawn.Store(true) })
			desk := &scribeDesk{permit: func() error {
				if withdrawn.Load() {
					return consent.ErrNotFound
				}
				return nil
			}}
			scribe, stop := running(t, desk.config(testTranscriber(t, testConfig(server))))
			scribe.Hear(twoSeconds())
			must(t, scribe.DrainSession(t.Context(), "s"))
			plan.checkStopped(t, server, at)
			must(t, stop())
			if len(desk.lines)+len(desk.failed) != 0 {
				t.Errorf("lines %v, failures %v; want a quiet end", desk.lines, desk.failed)
			}
		})
	}
}

func TestWithdrawalStopsModels(t *testing.T) {
	jobs := map[string]func(t *testing.T, a *Assessor, kept *keptResults) error{
		"evidence": func(t *testing.T, a *Assessor, kept *keptResults) error {
			t.Helper()
			return a.Evidence(t.Context(), "session", kept.lines[0].Ref())
		},
		"rating": func(t *testing.T, a *Assessor, kept *keptResults) error {
			t.Helper()
			kept.evidence[kept.lines[0].Ref()] = nil // done before
			return a.Answer(t.Context(), "session", 0, 1)
		},
	}
	for job, work := range jobs {
		for name, plan := range map[string]faults{
			"hanging":                {openaitest.Slow},
			"waiting to try again":   {openaitest.Busy},
			"in the middle":          {openaitest.StreamStalls},
			"in the simpler request": {openaitest.SchemaRefused, openaitest.Slow},
			"in the repair":          {openaitest.OtherFields, openaitest.Slow}, // the first answer is unusable
		} {
			t.Run(job+" "+name, func(t *testing.T) {
				t.Parallel()
				server := testServer(t)
				server.AnswerChat(func(openaitest.ChatRequest) string { return "this is no JSON" })
				a, kept, _, f := bench(t, nil)
				a.Model = testModel(t, testConfig(server))
				at := plan.withdrawAt(server, openaitest.PathChat, func() { f.withdrawn.Store(true) })
				if err := work(t, a, kept); err != nil {
					t.Errorf("got %v, want a quiet end, without another try of the job", err)
				}
				plan.checkStopped(t, server, at)
				if len(kept.evidence[kept.lines[0].Ref()])+len(kept.ratings) != 0 || kept.assessed {
					t.Errorf("evidence %v, ratings %v, assessed %t", kept.evidence, kept.ratings, kept.assessed)
				}
			})
		}
	}
}
