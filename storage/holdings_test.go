package storage

import (
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"greenroom/consent"
)

func (w *world) holdings(t *testing.T, of consent.Account) map[consent.Thing]consent.Holding {
	t.Helper()
	list, err := w.sessions.Holdings(t.Context(), of.ID)
	if err != nil {
		t.Fatal(err)
	}
	found := map[consent.Thing]consent.Holding{}
	for _, h := range list {
		found[h.Thing] = h
	}
	for _, thing := range consent.AllThings() {
		if _, ok := found[thing]; !ok || len(found) != len(consent.AllThings()) {
			t.Errorf("%s is not counted, or something without a name is: %v", thing, found)
		}
	}
	return found
}

func TestEverythingHeldIsCounted(t *testing.T) {
	t.Parallel()
	w := newExportsWorld(t, anyStore)
	id := w.recorded(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.AllScopes()[0])
	if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, []consent.Artefact{consent.ArtefactSession, consent.ArtefactRatings}); err != nil {
		t.Fatal(err)
	}
	logIn := consent.NewLogIn{Account: w.alice.ID, Idle: time.Hour, Absolute: 24 * time.Hour}
	if err := w.accounts.CreateLogIn(t.Context(), [32]byte{1}, logIn); err != nil {
		t.Fatal(err)
	}
	made := w.make(t, w.request(t, w.alice, ""), w.write)
	got := w.holdings(t, w.alice)
	for thing, want := range map[consent.Thing]int64{
		consent.ThingProfile: 1, consent.ThingLogIns: 1, consent.ThingInterviews: 1, consent.ThingRecordings: 1, consent.ThingTranscript: 3,
		consent.ThingRatings: 2, consent.ThingFeedback: 2, consent.ThingMeasurements: 1, consent.ThingConsents: 1,
		consent.ThingAuthorizations: 1, consent.ThingReceipts: 2, consent.ThingAccesses: 2, consent.ThingAICalls: 3, consent.ThingExports: 1,
	} {
		if got[thing].Count != want || got[thing].Since.IsZero() {
			t.Errorf("%s: %+v, want %d", thing, got[thing], want)
		}
	}
	if got[consent.ThingRecordings].Bytes == 0 || got[consent.ThingExports].Bytes != made.Bytes || got[consent.ThingEvents].Count < 4 {
		t.Errorf("recordings %+v, exports %+v, events %+v", got[consent.ThingRecordings], got[consent.ThingExports], got[consent.ThingEvents])
	}
	ended := got[consent.ThingInterviews].Newest
	if until := got[consent.ThingTranscript].Until(); ended.IsZero() || !until.Equal(ended.AddDate(2, 0, 0)) {
		t.Errorf("an interview that ended on %v is kept until %v, want two years", ended, until)
	}
	none := w.holdings(t, w.bob)
	for thing, h := range none {
		if thing != consent.ThingProfile && (h.Count != 0 || h.Bytes != 0 || !h.Since.IsZero() || !h.Until().IsZero()) {
			t.Errorf("bob has nothing, but %s is %+v", thing, h)
		}
	}
}

func TestAccessesAndCallsOfAllSessionsArePaged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, second := w.interview(t, w.alice), w.interview(t, w.alice)
	w.interview(t, w.bob)
	for _, id := range []consent.SessionID{first, second} {
		w.share(t, w.alice, id, w.acme, allShareable()...)
		if err := w.shared.NoteAccess(t.Context(), actorOf(w.acmes), id, []consent.Artefact{consent.ArtefactSession, consent.ArtefactRatings}); err != nil {
			t.Fatal(err)
		}
	}
	var accesses []consent.SessionAccess
	for offset := 0; offset < 6; offset += 3 {
		page, err := w.sessions.AccessesOf(t.Context(), w.alice.ID, offset, 3)
		if err != nil || len(page) > 3 {
			t.Fatalf("page from %d: %d, %v", offset, len(page), err)
		}
		accesses = append(accesses, page...)
	}
	if len(accesses) != 4 || accesses[0].Session != second || accesses[3].Session != first || accesses[0].OrgName != "Acme" || accesses[0].RoleTitle == "" {
		t.Errorf("accesses %+v", accesses)
	}
	calls, err := w.sessions.AICallsOf(t.Context(), w.alice.ID, 0, 10)
	if err != nil || len(calls) != 4 {
		t.Fatalf("%d calls, %v; want an evidence and a transcription for each session", len(calls), err)
	}
	kinds := map[consent.AIPurpose]int{}
	for _, c := range calls {
		kinds[c.For] += c.Times
		if c.Model == "" || c.At.IsZero() || (c.Session != first && c.Session != second) {
			t.Errorf("call %+v", c)
		}
	}
	if kinds[consent.AIEvidence] != 2 || kinds[consent.AITranscription] != 4 {
		t.Errorf("calls by purpose %v", kinds)
	}
	if rest, err := w.sessions.AICallsOf(t.Context(), w.alice.ID, 4, 10); err != nil || len(rest) != 0 {
		t.Errorf("after the last: %d, %v", len(rest), err)
	}
}

func TestModelCallsAreNotedOnlyByTheAssessorAndNeverChanged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, other := w.interview(t, w.alice), w.interview(t, w.bob)
	call := consent.AICall{Session: id, For: consent.AIRating, Model: "m", Place: "p", PromptSHA256: "h"}
	foreign := call
	foreign.Session = other
	assessor := w.part(t, consent.ActorAssessor, id, consent.ArtefactModel)
	if err := w.results.NoteAICall(t.Context(), assessor, foreign); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("about another session: %v", err)
	}
	if err := w.results.NoteAICall(t.Context(), w.permit(t, actorOf(w.alice), id, consent.ArtefactRatings), call); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("by a candidate: %v", err)
	}
	for kind, artefact := range map[consent.ActorKind]consent.Artefact{consent.ActorScribe: consent.ArtefactModel, consent.ActorAssessor: consent.ArtefactRatings} {
		if err := w.results.NoteAICall(t.Context(), w.part(t, kind, id, artefact), call); !errors.Is(err, consent.ErrPermit) {
			t.Errorf("by a %s with a permit for %s: %v", kind, artefact, err)
		}
	}
	if err := w.results.NoteAICall(t.Context(), assessor, call); err != nil {
		t.Errorf("by the assessor: %v", err)
	}
	if _, err := w.owner.Exec(t.Context(), `UPDATE ai_calls SET model = 'x'`); err == nil {
		t.Error("a note was changed")
	}
}

// Neither table nor ledger keeps what was wrong: the ledger has only that it was corrected.
func TestCorrectionsLeaveNoOldValue(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.interview(t, w.alice)
	w.share(t, w.alice, id, w.acme, consent.ScopeProfile)
	if err := w.accounts.ChangeEmail(t.Context(), w.alice.ID, w.bob.Email); !errors.Is(err, consent.ErrEmailTaken) {
		t.Errorf("bob's address: %v", err)
	}
	for range 2 { // the second time changes nothing
		if err := w.accounts.Rename(t.Context(), w.alice.ID, "Alicia Corrected"); err != nil {
			t.Fatal(err)
		}
		if err := w.accounts.ChangeEmail(t.Context(), w.alice.ID, "Corrected@Example.org"); err != nil {
			t.Fatal(err)
		}
	}
	if n := w.ownerCount(t, `SELECT count(*) FROM ledger WHERE kind = 'correction' AND account = $1`, w.alice.ID); n != 2 {
		t.Errorf("%d corrections in the ledger, want 2", n)
	}
	rows, err := w.owner.Query(t.Context(), `SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) FROM information_schema.tables
		WHERE table_type = 'BASE TABLE' AND table_schema IN ('public', 'river')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 20 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		for _, old := range []string{"alice@example.org", "Alice"} {
			if n := w.ownerCount(t, `SELECT count(*) FROM `+table+` t WHERE t::text LIKE '%' || $1 || '%'`, old); n != 0 {
				t.Errorf("%s still holds %q", table, old)
			}
		}
	}
	if shared, err := w.shared.SharedWith(t.Context(), actorOf(w.acmes)); err != nil || len(shared) != 1 || shared[0].Candidate != "Alicia Corrected" {
		t.Errorf("whoever may see the profile sees %+v, %v", shared, err)
	}
	if changed, err := w.accounts.Credentials(t.Context(), "corrected@example.org"); err != nil || changed.Account.ID != w.alice.ID {
		t.Errorf("the new address finds %+v, %v", changed, err)
	}
}
