package storage

import (
	"testing"
	"time"

	"greenroom/consent"
)

// done waits for the certificate of a session's erasure and returns the erasure.
func (w *erasingWorld) done(t *testing.T, of consent.Account, id consent.SessionID) consent.Erasure {
	t.Helper()
	var found consent.Erasure
	waitFor(t, 60*time.Second, "the erasure to be done", func() bool {
		list, err := w.erasures.ErasuresOf(t.Context(), of.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			if e.Session == id {
				found = e
			}
		}
		return found.State == consent.ErasureDone
	})
	return found
}

func TestErasingIsAJobThatNothingLoses(t *testing.T) {
	t.Parallel()
	var proxy *storeProxy
	w := newErasingWorld(t, func(t *testing.T) ObjectsConfig {
		t.Helper()
		var through ObjectsConfig
		proxy, through = newStoreProxy(t, embeddedStore(t))
		return through
	})
	lost, brought, late := w.recorded(t, w.alice), w.recorded(t, w.alice), w.recorded(t, w.alice)
	// The request was stored, and the node died before it could enqueue the job.
	w.ask(t, w.alice, lost)
	w.ownerExec(t, `DELETE FROM river.river_job`)
	// A restored backup brought a session back, and the journal marked it.
	w.ownerExec(t, `UPDATE sessions SET state = 'erased' WHERE id = $1`, brought)
	working(t, w.world, JobHandlers{Eraser: w.eraser}, JobOptions{})
	for id, cause := range map[consent.SessionID]consent.ErasureCause{lost: consent.CauseRequest, brought: consent.CauseRestored} {
		if got := w.done(t, w.alice, id); got.Cause != cause {
			t.Errorf("an erasure is done because of %s, want %s", got.Cause, cause)
		}
		w.nothingLeft(t, id)
	}
	// The store is away for longer than an ordinary job is tried.
	proxy.set(proxyDown)
	w.ask(t, w.alice, late)
	waitFor(t, 60*time.Second, "some tries", func() bool {
		return w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'erase_session' AND args ->> 'session' = $1
			AND (metadata ->> 'snoozes')::int >= 2`, late) == 1
	})
	proxy.set(proxyUp)
	w.done(t, w.alice, late)
	w.nothingLeft(t, late)
	if n := w.ownerCount(t, `SELECT count(*) FROM river.river_job WHERE kind = 'erase_session' AND state = 'discarded'`); n != 0 {
		t.Errorf("%d erasures were given up", n)
	}
}
