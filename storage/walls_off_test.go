package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"greenroom/assess"
	"greenroom/consent"
)

// One wall is switched off at a time, and everything that stands in the way of a read is tried: the other
// walls have to refuse it. With the decision off, Permits are made that should never exist. With the
// policies off, every role sees every row. With the key service off, every key is unwrapped for whoever
// asks.

type wall string

const (
	noWall         wall = "every wall stands"
	wallOfCode     wall = "the decision is off"
	wallOfRows     wall = "the policies are off"
	wallOfKeys     wall = "the key service is off"
	everyWallIsOff wall = "every wall is off"
)

// sharedParts are the parts of a record, with how one sees that it was read.
func sharedParts() map[consent.Artefact]func(assess.Record) bool {
	answers := func(has func(assess.AnswerResult) bool) func(assess.Record) bool {
		return func(r assess.Record) bool { return slices.ContainsFunc(r.Answers, has) }
	}
	return map[consent.Artefact]func(assess.Record) bool{
		consent.ArtefactSession:      func(r assess.Record) bool { return r.Session.ID != "" },
		consent.ArtefactTranscript:   answers(func(a assess.AnswerResult) bool { return len(a.Lines) > 0 }),
		consent.ArtefactFeedback:     answers(func(a assess.AnswerResult) bool { return len(a.Evidence) > 0 }),
		consent.ArtefactMeasurements: answers(func(a assess.AnswerResult) bool { return len(a.Measurements) > 0 }),
		consent.ArtefactRatings:      answers(func(a assess.AnswerResult) bool { return len(a.Ratings) > 0 }),
	}
}

// openKeys is a key service that asks nobody.
type openKeys struct {
	fieldKeys
	w *world
}

func (k openKeys) ReadFields(ctx context.Context, _ consent.Permit, session consent.SessionID, scope consent.Scope) (FieldKey, error) {
	keys, ok := k.fieldKeys.(*Keys)
	if !ok {
		return FieldKey{}, errors.New("no keys to open")
	}
	var wrapped []byte
	var epoch int
	err := k.w.owner.QueryRow(ctx, `SELECT wrapped, epoch FROM data_keys WHERE session = $1 AND scope = $2`, session, scope).Scan(&wrapped, &epoch)
	if err != nil {
		return FieldKey{}, err
	}
	inner, err := keys.epochs.open(wrapped, epoch, session, scope)
	if err != nil {
		return FieldKey{}, err
	}
	key, err := keys.master.unwrap(inner, session, scope)
	return FieldKey{key}, err
}

// reader reads parts of a session as somebody, with walls switched off.
type reader struct {
	w     *world
	actor consent.Actor
	owner consent.AccountID // of the session, for Permits that should not exist
	off   wall
}

// reads reports whether the part comes out.
func (r reader) reads(t *testing.T, id consent.SessionID, part consent.Artefact) bool {
	t.Helper()
	permits := consent.RecordPermits{}
	for artefact, to := range map[consent.Artefact]*consent.Permit{
		consent.ArtefactSession: &permits.Session, consent.ArtefactTranscript: &permits.Transcript, consent.ArtefactRatings: &permits.Ratings,
		consent.ArtefactFeedback: &permits.Feedback, consent.ArtefactMeasurements: &permits.Measurements,
	} {
		if artefact != consent.ArtefactSession && artefact != part {
			continue
		}
		if r.off == wallOfCode || r.off == everyWallIsOff {
			*to = makePermit(t, r.actor, id, r.forgedOwner(), artefact)
			continue
		}
		permit, err := r.w.gate.Permit(t.Context(), r.actor, id, artefact)
		if err != nil {
			if errors.Is(err, consent.ErrFacts) {
				t.Fatalf("the facts cannot be read: %v", err)
			}
			return false
		}
		*to = permit
	}
	records := &Records{database: r.w.database, keys: r.w.records.keys}
	if r.off == wallOfKeys || r.off == everyWallIsOff {
		records.keys = openKeys{r.w.records.keys, r.w}
	}
	record, err := records.Record(t.Context(), permits)
	return err == nil && sharedParts()[part](record)
}

// forgedOwner: a candidate's Permit that should not exist says that the session is theirs.
func (r reader) forgedOwner() consent.AccountID {
	if r.actor.Kind == consent.ActorCandidate {
		return r.actor.Account
	}
	return r.owner
}

// switchPolicies turns row-level security off or on for every table of the test's own database.
func (w *world) switchPolicies(t *testing.T, on bool) {
	t.Helper()
	word := map[bool]string{true: "ENABLE", false: "DISABLE"}[on]
	w.ownerExec(t, fmt.Sprintf(`DO $$ DECLARE t regclass; BEGIN
		FOR t IN SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relforcerowsecurity LOOP
			EXECUTE format('ALTER TABLE %%s %s ROW LEVEL SECURITY', t);
		END LOOP; END $$`, word))
}

func TestEveryReadIsRefusedWithAnyOneWallOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	granted := w.share(t, w.alice, id, w.acme, allShareable()...)
	tried := 0
	for _, off := range []wall{noWall, wallOfCode, wallOfRows, wallOfKeys} {
		w.switchPolicies(t, off != wallOfRows)
		acme := reader{w, actorOf(w.acmes), w.alice.ID, off}
		for part := range sharedParts() {
			if !acme.reads(t, id, part) {
				t.Fatalf("%s: what is shared is not read: %s", off, part)
			}
		}
		for _, c := range liveConditions() {
			changeUnguarded(t, w, c.spoil, granted.ID)
			for part := range sharedParts() {
				tried++
				if acme.reads(t, id, part) {
					t.Errorf("%s: %q is missing, and %s is read", off, c.name, part)
				}
			}
			changeUnguarded(t, w, c.mend, granted.ID)
		}
		// What the conditions leave behind when they are mended.
		changeUnguarded(t, w, `DELETE FROM notices WHERE version = 2`)
		changeUnguarded(t, w, `DELETE FROM authorization_events WHERE authorization_id = $1 AND kind IN ('suspended', 'resumed')`, granted.ID)
		tried += w.tryForeignReads(t, off)
	}
	t.Logf("%d reads were refused", tried)
}

// tryForeignReads tries what was never granted at all: to this organization, of this part, to anybody else.
func (w *world) tryForeignReads(t *testing.T, off wall) int {
	t.Helper()
	alone, foreign, partly := w.interview(t, w.alice), w.interview(t, w.alice), w.interview(t, w.alice)
	w.share(t, w.alice, foreign, w.zenith, allShareable()...)
	w.share(t, w.alice, partly, w.acme, consent.ScopeProfile)
	tried := 0
	for _, c := range []struct {
		name  string
		actor consent.Actor
		id    consent.SessionID
	}{
		{"T01 shared with another organization", actorOf(w.acmes), foreign},
		{"T03 shared with nobody", actorOf(w.acmes), alone},
		{"T04 another part is shared", actorOf(w.acmes), partly},
		{"T53 another candidate's", actorOf(w.bob), alone},
		{"T40 an account that is no employer", consent.Actor{Kind: consent.ActorEmployer, Account: w.bob.ID, Org: w.zenith.ID}, foreign},
	} {
		for part := range sharedParts() {
			if part == consent.ArtefactSession && c.id == partly {
				continue // any part lets the organization know of the session
			}
			tried++
			if (reader{w, c.actor, w.alice.ID, off}).reads(t, c.id, part) {
				t.Errorf("%s: %s: %s is read", off, c.name, part)
			}
		}
	}
	return tried
}

// The test above proves nothing unless it is the walls that refuse.
func TestWithEveryWallOffEverythingIsRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.switchPolicies(t, false)
	for part := range sharedParts() {
		if !(reader{w, actorOf(w.acmes), w.alice.ID, everyWallIsOff}).reads(t, id, part) {
			t.Errorf("%s is not read although nothing stands in the way", part)
		}
	}
}
