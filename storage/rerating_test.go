package storage

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"greenroom/assess"
	"greenroom/consent"
)

// What a replay lists and reads: sessions that are over, answers that were rated, and nothing the gate refuses.
func TestOnlySessionsThatAreOverAreListedToBeRatedAgain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ended, held := w.interview(t, w.alice), w.interview(t, w.bob)
	w.live(t, w.alice, allConsents)
	w.consented(t, w.bob, allConsents)
	erased := w.interview(t, w.alice)
	if _, err := NewErasures(w.database).Erase(t.Context(), w.alice.ID, erased); err != nil {
		t.Fatal(err)
	}
	if err := openTestAdmin(t, w.database).Hold(t.Context(), held, "a reason", "a court"); err != nil {
		t.Fatal(err)
	}
	for since, want := range map[time.Duration][]consent.SessionID{-time.Hour: {ended, held}, time.Hour: {}} {
		if got, err := w.results.OverSince(t.Context(), time.Now().Add(since)); err != nil || !slices.Equal(got, want) {
			t.Errorf("since %v: %v, %v; want %v", since, got, err, want)
		}
	}
}

func TestAnswersToBeRatedAgainNeedAPermitAndAreDone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.bob)
	permit := w.part(t, consent.ActorAssessor, id, consent.ArtefactRatings)
	want := []assess.Answer{testAnswer(id, 0)}
	if got, err := w.results.AnswersOf(t.Context(), permit, id); err != nil || !slices.Equal(got, want) {
		t.Errorf("answers %+v, %v; want %+v", got, err, want)
	}
	w.ownerExec(t, `UPDATE answers SET assessed_at = NULL WHERE session = $1`, id)
	if got, err := w.results.AnswersOf(t.Context(), permit, id); err != nil || len(got) > 0 {
		t.Errorf("of one that is still to be rated: %+v, %v", got, err)
	}
	for name, permit := range map[string]consent.Permit{
		"none": {}, "of another session": w.part(t, consent.ActorAssessor, other, consent.ArtefactRatings),
		"for something else": w.part(t, consent.ActorAssessor, id, consent.ArtefactTranscript),
		"of the candidate":   w.permit(t, actorOf(w.alice), id, consent.ArtefactRatings),
	} {
		if got, err := w.results.AnswersOf(t.Context(), permit, id); !errors.Is(err, consent.ErrPermit) || len(got) > 0 {
			t.Errorf("Permit %s: %+v, %v", name, got, err)
		}
	}
}

// A command works beside the server: it takes the server's secrets, and makes none.
func TestConnectingTakesTheSecretsOfAServer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	empty := filepath.Join(t.TempDir(), "secrets")
	if d, err := ConnectDatabase(t.Context(), w.url(), empty); !errors.Is(err, ErrNoServer) || d != nil {
		t.Errorf("without a server's secrets: %v", err)
	}
	if _, err := os.Stat(empty); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("secrets were made: %v", err)
	}
	d, err := ConnectDatabase(t.Context(), w.url(), filepath.Join(testCluster.base, "secrets"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got, err := NewResults(d, w.keys).OverSince(t.Context(), time.Time{}); err != nil || !slices.Equal(got, []consent.SessionID{id}) {
		t.Errorf("over that connection: %v, %v", got, err)
	}
}

func TestAJournalIsInUseWhileAServerHoldsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dir := filepath.Join(t.TempDir(), "ledger")
	if JournalInUse(dir) {
		t.Error("in use before there was one")
	}
	journal := w.keepJournal(t, dir)
	for range 2 { // asking does not change it
		if !JournalInUse(dir) {
			t.Error("not in use while it is")
		}
	}
	if err := journal.Close(); err != nil {
		t.Fatal(err)
	}
	if JournalInUse(dir) {
		t.Error("in use after the end")
	}
}
