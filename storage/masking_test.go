package storage

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"greenroom/assess"
	"greenroom/consent"
)

func TestTheAssessorMasksTheNamesOfTheSessionsOwnCandidate(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	alices, bobs := w.live(t, w.alice, allConsents), w.live(t, w.bob, allConsents)
	permit := w.part(t, consent.ActorAssessor, alices, consent.ArtefactTranscript)
	got, err := w.results.NamesOf(t.Context(), permit, alices)
	if err != nil {
		t.Fatal(err)
	}
	want := assess.NamesOf(w.alice.DisplayName, w.alice.Email)
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(assess.Names{})); diff != "" {
		t.Errorf("names differ from those of Alice (-want +got):\n%s", diff)
	}
	if _, err := w.results.NamesOf(t.Context(), permit, bobs); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("Bob's names with Alice's permit: %v, want ErrPermit", err)
	}
	if _, err := w.results.NamesOf(t.Context(), consent.Permit{}, alices); !errors.Is(err, consent.ErrPermit) {
		t.Errorf("names with the zero permit: %v, want ErrPermit", err)
	}
}

// The worker's role sees one account, in three columns, and only while it is about a session of it.
func TestTheWorkerSeesNoOtherAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	session := w.live(t, w.alice, allConsents)
	w.live(t, w.bob, allConsents)
	count := func(about rowContext) (emails []string) {
		err := w.database.in(t.Context(), RoleWorker, about, func(tx pgx.Tx) error {
			rows, err := tx.Query(t.Context(), `SELECT email FROM accounts`)
			if err != nil {
				return err
			}
			emails, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return emails
	}
	if got := count(rowContext{session: string(session)}); len(got) != 1 || got[0] != w.alice.Email {
		t.Errorf("about Alice's session the worker sees %q", got)
	}
	if got := count(rowContext{session: string(consent.NewID[consent.SessionID]())}); len(got) != 0 {
		t.Errorf("about no session the worker sees %q", got)
	}
	for _, column := range []string{"password_hash", "age_rule", "kind", "created_at"} {
		err := w.database.in(t.Context(), RoleWorker, rowContext{session: string(session)}, func(tx pgx.Tx) error {
			_, err := tx.Exec(t.Context(), `SELECT `+column+` FROM accounts`)
			return err
		})
		if !hasCode(err, policyViolation) {
			t.Errorf("the worker reads accounts.%s: %v", column, err)
		}
	}
}
