package storage

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"greenroom/consent"
	"greenroom/media"
)

// onPuts calls the function with each object's key before it is put.
func onPuts(t *testing.T, config ObjectsConfig, before func(key string)) *faultyTransport {
	t.Helper()
	return faultsBefore(t, config, func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		before(strings.TrimPrefix(r.URL.Path, "/"+config.Bucket+"/"))
		return send(r)
	})
}

func TestErasedSessionsLeaveNoObject(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	var puts atomic.Int64
	w.through(t, onPuts(t, w.config, func(string) { puts.Add(1) }))
	w.record(t, testHead(w.session, media.KindAudio, 0), 1)
	w.exec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, w.session)
	w.drain(t)
	w.nothingSent(t)
	if n := puts.Load(); n != 0 {
		t.Errorf("%d objects of an erased session were put, want none", n)
	}
}

// nothingSent fails for each object and row of the session.
func (w *recordingWorld) nothingSent(t *testing.T) {
	t.Helper()
	if left, err := w.objects.versions(t.Context(), string(w.session)); err != nil || len(left) != 0 {
		t.Errorf("%d objects of an erased session, %v", len(left), err)
	}
	if n := w.count(t, `SELECT count(*) FROM segments WHERE session = $1`, w.session); n != 0 {
		t.Errorf("%d rows of an erased session", n)
	}
}

// TestErasedSessionsLeaveNothingWhereNobodyCanAsk lets the question fail which sessions were erased: it is
// said, not at every pass, and the index finds out.
func TestErasedSessionsLeaveNothingWhereNobodyCanAsk(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	var said bytes.Buffer
	w.uploader.log = slog.New(slog.NewTextHandler(&said, nil))
	w.exec(t, `REVOKE SELECT ON sessions FROM greenroom_worker`)
	for i := range 2 {
		w.record(t, testHead(w.session, media.KindAudio, i), 1)
	}
	w.exec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, w.session)
	for range 2 {
		w.drain(t)
		w.nothingSent(t)
		w.exec(t, `UPDATE sessions SET state = 'live' WHERE id = $1`, w.session)
		w.record(t, testHead(w.session, media.KindAudio, 2), 1)
		w.exec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, w.session)
	}
	if n := strings.Count(said.String(), "does not say which sessions were erased"); n != 1 {
		t.Errorf("it is said %d times, want once:\n%s", n, &said)
	}
}

// TestASessionErasedOnItsWayLeavesNothing sends segments of three sessions together. One is erased after its
// objects were put and before their rows are written.
func TestASessionErasedOnItsWayLeavesNothing(t *testing.T) {
	t.Parallel()
	var config ObjectsConfig
	w := newErasingWorld(t, func(t *testing.T) ObjectsConfig {
		t.Helper()
		config = embeddedStore(t)
		return config
	})
	w.uploader.indexing = time.Minute // all rows are written together
	sessions := []consent.SessionID{w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents), w.live(t, w.alice, allConsents)}
	const each = 2
	for _, id := range sessions {
		for i := range each {
			w.record(t, id, media.KindAudio, i)
		}
	}
	erased := sessions[1]
	var put atomic.Int64
	putBetween(t, w.objects, config, faultsBefore(t, config, func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		answer, err := send(r)
		if strings.Contains(r.URL.Path, string(erased)) && put.Add(1) == each {
			if _, err := w.erasures.Erase(t.Context(), w.bob.ID, erased); err != nil {
				t.Errorf("erase: %v", err)
			}
		}
		return answer, err
	}))
	if _, err := w.uploader.pass(t.Context()); err != nil {
		t.Fatalf("pass: %v", err)
	}
	if n := put.Load(); n != each {
		t.Errorf("%d objects of the erased session were put, want %d: it was erased too early", n, each)
	}
	for _, id := range sessions {
		want := each
		if id == erased {
			want = 0
		}
		if n := w.ownerCount(t, `SELECT count(*) FROM segments WHERE session = $1`, id); n != want {
			t.Errorf("session %s has %d rows, want %d", id, n, want)
		}
		if left, err := w.objects.versions(t.Context(), string(id)); err != nil || len(left) != want {
			t.Errorf("session %s has %d objects, %v; want %d", id, len(left), err, want)
		}
	}
	if n := w.ownerCount(t, `SELECT count(DISTINCT xmin::text) FROM segments`); n != 1 {
		t.Errorf("the rows were written in %d transactions, want one", n)
	}
	if files, err := w.spool.list(sealedFolder); err != nil || len(files) != 0 {
		t.Errorf("%d files are left, %v", len(files), err)
	}
}

// TestOneSlowObjectKeepsNoneOfTheOthers holds one object on its way: the others get their rows, and their
// files go.
func TestOneSlowObjectKeepsNoneOfTheOthers(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	const files = 6
	slow := testHead(w.session, media.KindAudio, 0).ID.ObjectKey()
	let := make(chan struct{})
	goOn := sync.OnceFunc(func() { close(let) })
	defer goOn()
	w.through(t, onPuts(t, w.config, func(key string) {
		if key == slow {
			<-let
		}
	}))
	want := map[int]int{}
	for i := range files {
		w.record(t, testHead(w.session, media.KindAudio, i), 1)
		want[i] = 1
	}
	done := make(chan error, 1)
	go func() { // done is read below
		_, err := w.uploader.pass(t.Context())
		done <- err
	}()
	waitFor(t, 20*time.Second, "the others to be indexed and deleted", func() bool {
		left, err := w.spool.list(sealedFolder)
		return err == nil && len(left) == 1 && w.count(t, `SELECT count(*) FROM segments`) == files-1
	})
	goOn()
	if err := <-done; err != nil {
		t.Fatalf("pass: %v", err)
	}
	w.checkRecorded(t, media.KindAudio, want)
}

// TestBadFilesDoNotEndAPass has more files that can never go than failures that end a pass, all before those
// that can.
func TestBadFilesDoNotEndAPass(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(t *testing.T, w *recordingWorld, head media.SegmentHead){
		"damaged": func(t *testing.T, w *recordingWorld, head media.SegmentHead) {
			t.Helper()
			data, err := w.spool.read(sealedFolder, fileName(head.ID))
			if err == nil {
				err = syscall.Truncate(w.spool.path(sealedFolder, fileName(head.ID)), int64(len(data)-1))
			}
			if err != nil {
				t.Fatal(err)
			}
		},
		"another object there": func(t *testing.T, w *recordingWorld, head media.SegmentHead) {
			t.Helper()
			if err := w.objects.create(t.Context(), head.ID.ObjectKey(), []byte("another")); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newRecordingWorld(t, embeddedStore)
			for i := range 2 * failuresInARow {
				head := testHead(w.session, media.KindAudio, i)
				w.record(t, head, 1)
				spoil(t, w, head)
			}
			const good = 3
			for i := range good {
				w.record(t, testHead(w.session, media.KindVideo, i), 1)
			}
			if _, err := w.uploader.pass(t.Context()); err == nil {
				t.Error("the pass says nothing of bad files")
			}
			if n := w.count(t, `SELECT count(*) FROM segments WHERE kind = 'video'`); n != good {
				t.Errorf("%d segments went after the bad ones, want %d", n, good)
			}
		})
	}
}

// TestAStoreThatTakesSomeObjectsIsNotAway: the pass goes on as long as one put in eight succeeds.
func TestAStoreThatTakesSomeObjectsIsNotAway(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	w.uploader.indexing = time.Minute // a row that is written says that all is well, too
	w.through(t, faultsBefore(t, w.config, func(r *http.Request, send func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		if strings.Contains(r.URL.Path, "audio") {
			return answered(r, http.StatusServiceUnavailable, "SlowDown"), nil
		}
		return send(r)
	}))
	const each = 2 * failuresInARow
	for i := range each {
		w.record(t, testHead(w.session, media.KindAudio, i), 1)
		w.record(t, testHead(w.session, media.KindVideo, i), 1)
	}
	if _, err := w.uploader.pass(t.Context()); err == nil {
		t.Error("the pass says nothing of what failed")
	}
	if n := w.count(t, `SELECT count(*) FROM segments`); n != each {
		t.Errorf("%d segments went, want all %d that the store takes", n, each)
	}
}

// TestObjectsFromBeforeDoNotSayThatTheStoreIsThere has objects that the store took before it went away, and
// whose rows are still to be written.
func TestObjectsFromBeforeDoNotSayThatTheStoreIsThere(t *testing.T) {
	t.Parallel()
	w := newRecordingWorld(t, embeddedStore)
	var asked atomic.Int64
	w.through(t, faultsBefore(t, w.config, func(r *http.Request, _ func(*http.Request) (*http.Response, error)) (*http.Response, error) {
		asked.Add(1)
		return answered(r, http.StatusServiceUnavailable, "SlowDown"), nil
	}))
	const each = 3 * failuresInARow
	for i := range each {
		w.record(t, testHead(w.session, media.KindAudio, i), 1)
		before := testHead(w.session, media.KindVideo, i)
		w.record(t, before, 1)
		w.uploader.stored[fileName(before.ID)] = struct{}{}
	}
	if _, err := w.uploader.pass(t.Context()); err == nil {
		t.Error("the pass says nothing of the store")
	}
	if n := asked.Load(); n < failuresInARow || n > failuresInARow+uploadsAtOnce {
		t.Errorf("the store was asked %d times, want about %d", n, failuresInARow)
	}
}

func TestAPassIsHopelessWhereAServerDoesNothing(t *testing.T) {
	t.Parallel()
	away := context.DeadlineExceeded
	times := func(n int, at server, err error) func(*passErrors) {
		return func(p *passErrors) {
			for range n {
				p.add(at, err)
			}
		}
	}
	for name, c := range map[string]struct {
		steps []func(*passErrors)
		want  bool
	}{
		"the store is away":                    {[]func(*passErrors){times(8, atStore, away)}, true},
		"the database is away":                 {[]func(*passErrors){times(4, atStore, nil), times(8, atDatabase, away), times(4, atStore, nil)}, true},
		"the store came back":                  {[]func(*passErrors){times(7, atStore, away), times(1, atStore, nil), times(7, atStore, away)}, false},
		"the database came back":               {[]func(*passErrors){times(7, atDatabase, away), times(1, atDatabase, nil), times(7, atDatabase, away)}, false},
		"files are damaged":                    {[]func(*passErrors){times(20, atStore, fmt.Errorf("x: %w", errDamaged))}, false},
		"others have their place":              {[]func(*passErrors){times(20, atStore, fmt.Errorf("x: %w", errObjectDiffers))}, false},
		"sessions are unknown":                 {[]func(*passErrors){times(20, atDatabase, fmt.Errorf("x: %w", errUnknownSession))}, false},
		"sessions are locked":                  {[]func(*passErrors){times(20, atDatabase, fmt.Errorf("x: %w", pgError(lockNotAvailable)))}, false},
		"sessions are held":                    {[]func(*passErrors){times(20, atDatabase, fmt.Errorf("x: %w", consent.ErrNotFound))}, false},
		"facts cannot be read":                 {[]func(*passErrors){times(8, atDatabase, fmt.Errorf("%w: %w", consent.ErrNotFound, consent.ErrFacts))}, true},
		"a damaged file does not say it works": {[]func(*passErrors){times(7, atStore, away), times(1, atStore, errDamaged), times(1, atStore, away)}, true},
	} {
		var p passErrors
		for _, step := range c.steps {
			step(&p)
		}
		if p.hopeless() != c.want {
			t.Errorf("%s: hopeless %v, want %v", name, p.hopeless(), c.want)
		}
	}
}
