package storage

import (
	"fmt"
	"os"
	"strconv"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"

	"greenroom/consent"
)

// historiesVariable says how many histories to try instead of the few of every run.
const historiesVariable = "GREENROOM_HISTORIES"

// TestThreeModelsAgreeOnEveryHistory lets random histories happen, and after every step asks everybody for
// everything, in five ways that share no code: the gate in production, the decision on facts that no policy
// filtered, the rows that the policies show, the keys that the key service opens for a Permit that should
// not exist, and the words of the promise ([reference]). A disagreement is a fault in the product or in the
// words; rapid makes the history short and says with which seed it comes again.
func TestThreeModelsAgreeOnEveryHistory(t *testing.T) {
	t.Parallel()
	histories, steps := 6, 12
	if text := os.Getenv(historiesVariable); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatalf("%s: %v", historiesVariable, err)
		}
		histories, steps = n, 30
	}
	d := newDifferential(t)
	passed, failing := 0, false
	rapid.Check(t, func(r *rapid.T) {
		if passed >= histories && !failing {
			return // rapid tries a hundred; these are enough
		}
		failing = true
		d.begin(r).happen(steps, func() bool { return false })
		failing = false
		passed++
	})
	t.Logf("%d histories of %d steps, %d answers compared", passed, d.steps, d.compared)
}

// TestThreeModelsNoticeABrokenWall breaks one wall, or what all of them look at, and expects the comparison
// to name it before many histories are over.
func TestThreeModelsNoticeABrokenWall(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ named, spoil string }{
		{"row-level security alone", `ALTER POLICY employer_live ON authorizations USING (org = (SELECT current_org()))`},
		{"the key service alone", `ALTER POLICY keys_checks ON authorization_events USING (kind = 'granted')`},
		{"the decision alone", `UPDATE organizations SET suspended_at = NULL`}, // the suspension is forgotten
	} {
		t.Run(c.named, func(t *testing.T) {
			t.Parallel()
			d := newDifferential(t)
			d.spoil, d.named = c.spoil, make(map[string]int)
			found := func() bool { return d.named[c.named] > 0 }
			rapid.Check(t, func(r *rapid.T) {
				if !found() {
					d.begin(r).happen(12, found)
				}
			})
			if !found() {
				t.Errorf("nothing was noticed in %d steps; named were %v", d.steps, d.named)
			}
			t.Logf("noticed after %d histories of %d steps", d.made, d.steps)
		})
	}
}

// happen does steps, until enough, and compares after each.
func (h *history) happen(steps int, enough func() bool) {
	h.compare("nothing")
	for range steps {
		if enough() {
			return
		}
		what := h.step()
		h.steps++
		h.compare(what)
	}
}

// compare asks everybody for everything.
func (h *history) compare(after string) {
	if h.spoil != "" {
		if _, err := h.owner.Exec(h.t.Context(), h.spoil); err != nil {
			h.t.Fatal(err)
		}
	}
	for _, session := range h.sessions {
		for _, employer := range h.employers {
			h.compareEmployer(after, employer, session)
		}
		h.compareOwner(after, session)
	}
	if h.r.Failed() {
		h.r.FailNow() // with all that differs after the first step that differs
	}
}

// differs fails with who answered what.
func (h *history) differs(after string, who consent.Actor, session consent.SessionID, artefact consent.Artefact, how string, got, want bool) {
	h.compared++
	switch {
	case got == want:
	case h.spoil != "":
		h.named[how]++
	default:
		h.r.Errorf("after %s: %s of %s for %s %s of %s: %s says %t, the words say %t", after, artefact, session, who.Kind, who.Account, who.Org, how, got, want)
	}
}

func (h *history) compareEmployer(after string, who consent.Actor, session consent.SessionID) {
	ctx := h.t.Context()
	gate, err := h.gate.Snapshot(ctx, who, session)
	if err != nil {
		h.t.Fatalf("the facts cannot be read: %v", err)
	}
	unfiltered, err := NewSnapshots(h.database).read(ctx, h.owner, RoleEmployer, who, session)
	if err != nil {
		h.t.Fatalf("the facts cannot be read: %v", err)
	}
	for _, artefact := range consent.AllArtefacts() {
		want := h.employerReads(who, session, artefact)
		_, err := consent.Decide(gate, artefact)
		h.differs(after, who, session, artefact, "the gate", err == nil, want)
		_, err = consent.Decide(unfiltered, artefact)
		h.differs(after, who, session, artefact, "the decision alone", err == nil, want)
	}
	rows := h.rows(RoleEmployer, rowContext{account: string(who.Account), org: string(who.Org)}, session)
	for artefact, got := range rows {
		h.differs(after, who, session, artefact, "row-level security alone", got, h.employerReads(who, session, artefact))
	}
	h.compareKeys(after, who, session, func(a consent.Artefact) bool { return h.employerReads(who, session, a) })
}

func (h *history) compareOwner(after string, session consent.SessionID) {
	who := actorOf(h.candidate)
	facts, err := h.gate.Snapshot(h.t.Context(), who, session)
	if err != nil {
		h.t.Fatalf("the facts cannot be read: %v", err)
	}
	for _, artefact := range consent.AllArtefacts() {
		_, err := consent.Decide(facts, artefact)
		h.differs(after, who, session, artefact, "the gate", err == nil, h.ownerReads(session, artefact))
	}
	rows := h.rows(RoleCandidate, rowContext{account: string(who.Account)}, session)
	delete(rows, consent.ArtefactSession) // that it is held or was erased is told
	for artefact, got := range rows {
		h.differs(after, who, session, artefact, "row-level security alone", got, h.ownerReads(session, artefact))
	}
	h.compareKeys(after, who, session, func(a consent.Artefact) bool { return h.ownerReads(session, a) })
}

// rows reports of which artefacts a plane sees rows, each by the table that holds it.
func (h *history) rows(role Role, about rowContext, session consent.SessionID) map[consent.Artefact]bool {
	of := map[consent.Artefact]string{
		consent.ArtefactSession: "sessions WHERE id = $1", consent.ArtefactTranscript: "lines WHERE session = $1",
		consent.ArtefactFeedback: "evidence WHERE session = $1", consent.ArtefactMeasurements: "measurements WHERE session = $1",
		consent.ArtefactRatings: "ratings WHERE session = $1", consent.ArtefactAudio: "gaps WHERE session = $1 AND kind = 'audio'",
		consent.ArtefactVideo: "gaps WHERE session = $1 AND kind = 'video'",
	}
	seen := make(map[consent.Artefact]bool)
	err := h.database.in(h.t.Context(), role, about, func(tx pgx.Tx) error {
		var batch pgx.Batch
		for artefact, table := range of {
			batch.Queue(fmt.Sprintf("SELECT EXISTS (SELECT FROM %s)", table), session).QueryRow(func(row pgx.Row) error {
				var there bool
				err := row.Scan(&there)
				seen[artefact] = there
				return err
			})
		}
		return tx.SendBatch(h.t.Context(), &batch).Close()
	})
	if err != nil {
		h.t.Fatalf("%s reads rows: %v", role, err)
	}
	return seen
}

// compareKeys asks the key service with Permits that say everything is allowed.
func (h *history) compareKeys(after string, who consent.Actor, session consent.SessionID, want func(consent.Artefact) bool) {
	for artefact, scope := range map[consent.Artefact]consent.Scope{
		consent.ArtefactTranscript: consent.ScopeTranscript, consent.ArtefactFeedback: consent.ScopeFeedback, consent.ArtefactQuotes: consent.ScopeFeedback,
		consent.ArtefactRate: consent.ScopeTranscript,
	} {
		if artefact == consent.ArtefactRate && who.Kind != consent.ActorEmployer {
			continue // nobody else can be given such a Permit
		}
		forged := makePermit(h.t, who, session, h.candidate.ID, artefact)
		_, err := h.keys.ReadFields(h.t.Context(), forged, session, scope)
		if err != nil && !isRefusal(err) {
			h.t.Fatalf("the key service: %v", err)
		}
		h.differs(after, who, session, artefact, "the key service alone", err == nil, want(artefact))
	}
}
