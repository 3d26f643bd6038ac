package storage

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// mutant is a policy with one thing taken out.
type mutant struct {
	policy
	what  string // what was taken out
	alter string // the statement that takes it out
}

func (m mutant) String() string { return m.table + "." + m.name + ": " + m.what }

func (p policy) mutants() []mutant {
	alter := "ALTER POLICY " + p.name + " ON " + p.table
	var all []mutant
	for _, w := range weakenings(p.using) {
		all = append(all, mutant{p, "USING without " + w.without, alter + " USING (" + w.expr + ")"})
	}
	for _, w := range weakenings(p.checks) {
		all = append(all, mutant{p, "WITH CHECK without " + w.without, alter + " WITH CHECK (" + w.expr + ")"})
	}
	if p.restrictive && len(p.roles) > 1 { // one role fewer is one that the restriction spares
		for i, role := range p.roles {
			rest := slices.Delete(slices.Clone(p.roles), i, i+1)
			all = append(all, mutant{p, "not for " + role, alter + " TO " + strings.Join(rest, ", ")})
		}
	}
	return all
}

// TestEveryConditionOfEveryPolicyIsNoticed takes every condition out of every policy once, however deep
// it stands, and expects a probe to give another answer. A mutant that survives is a condition that no
// test holds: add a probe to policy_changes_test.go or a row to policyWorld that tells it apart; or, where
// another policy or a grant already says the same, take the condition out of the policy.
func TestEveryConditionOfEveryPolicyIsNoticed(t *testing.T) {
	t.Parallel()
	d, owner := newPolicyWorld(t)
	probes := allProbes(t, owner)
	undo := tentatively(t, owner)
	for _, p := range probes {
		if got := p.run(t, d, owner); got != p.want {
			t.Errorf("%s: %s\n got %q\nwant %q", p.who, p.do, got, p.want)
		}
	}
	undo()
	if t.Failed() {
		t.FailNow()
	}
	policies := planePolicies(t, owner)
	mutants := policyFunctions(t, owner, policies)
	for _, p := range policies {
		mutants = append(mutants, p.mutants()...)
	}
	doors := maps.Clone(secondDoors())
	asked := 0
	try := func(m mutant, probes []probe, first ...string) bool {
		noticed, n := m.noticed(t, d, owner, probes, first)
		asked += n
		return noticed
	}
	reach := newReach(policies, mutants)
	for _, m := range mutants {
		relevant := reach.probes(m, probes)
		noticed := try(m, relevant)
		second, has := doors[m.String()]
		delete(doors, m.String())
		switch {
		case noticed && has:
			t.Errorf("%s\nis noticed while the second doors are closed: %q", m, second)
		case !noticed && !has:
			t.Errorf("%s\nno probe of %q notices it", m, m.roles)
		case has && !try(m, answersBehind(t, d, owner, relevant, second), second...):
			t.Errorf("%s\nno probe notices it with the second doors open: %q", m, second)
		}
	}
	for key := range doors {
		t.Errorf("second doors are named, but there is no such mutant: %s", key)
	}
	t.Logf("%d mutants noticed by %d probes in %d questions, %d of them behind a second door", len(mutants), len(probes), asked, len(secondDoors()))
}

// secondDoors are conditions that hold nothing today, because a policy of another table holds the same.
// They stay: they let an index find the row, and a wider policy there must not open anything here. So
// each is taken out with that other policy open, by these statements, and must be noticed then.
func secondDoors() map[string][]string {
	const (
		account = " = ( SELECT current_account() AS current_account))"
		export  = " = (SELECT current_account() AS current_account))" // as functions are deparsed
	)
	members := []string{"ALTER POLICY employer_own ON members USING (true)"}
	organizations := []string{"ALTER POLICY employer_own ON organizations USING (true)"}
	events := []string{"ALTER POLICY employer_own ON authorization_events USING (true)"}
	sessions := []string{"ALTER POLICY export_own ON sessions USING (true)"}
	atWork := []string{"ALTER POLICY worker_masks ON accounts USING (true)"}
	ingest := []string{"ALTER POLICY ingest_one ON sessions USING (true)"}
	exports := []string{"ALTER POLICY export_own ON exports USING (true)"}
	return map[string][]string{
		"authorizations.employer_live: USING without (m.account" + account:                                  members,
		"receipts.employer_own: USING without (m.account" + account:                                         members,
		"receipts.employer_own: USING without (org = ( SELECT current_org() AS current_org))":               events,
		"requests.employer_own: USING without (m.account" + account:                                         members,
		"invitations.employer_redeems: USING without (m.account" + account:                                  members,
		"authorizations.employer_asks: WITH CHECK without (m.account = authorizations.requested_by)":        members,
		"authorizations.employer_asks: WITH CHECK without (requested_by" + account:                          members,
		"invitations.employer_redeems: USING without (o.id = ( SELECT current_org() AS current_org))":       organizations,
		"authorizations.employer_live: USING without (o.id = authorizations.org)":                           organizations,
		"authorizations.employer_live: USING without (org = ( SELECT current_org() AS current_org))":        slices.Concat(organizations, events),
		"accounts.ingest_asks: USING without (s.id = ( SELECT current_session_id() AS current_session_id))": ingest,
		"evidence.worker_unobjected: WITH CHECK without ((s.candidate = a.id))":                             atWork,
		"evidence.worker_unobjected: WITH CHECK without (s.id = evidence.session)":                          atWork,
		"feedback.worker_unobjected: WITH CHECK without ((s.candidate = a.id))":                             atWork,
		"feedback.worker_unobjected: WITH CHECK without (s.id = feedback.session)":                          atWork,
		"ratings.worker_unobjected: WITH CHECK without ((s.candidate = a.id))":                              atWork,
		"ratings.worker_unobjected: WITH CHECK without (s.id = ratings.session)":                            atWork,
		"function.export_runs: without (e.account" + export:                                                 exports,
		"function.export_reads: without (s.candidate = e.account)":                                          sessions,
		"function.export_reads: without (e.account" + export:                                                slices.Concat(sessions, exports),
	}
}

// answersBehind returns the probes with the answers they give once the doors are open.
func answersBehind(t *testing.T, d *Database, owner *pgx.Conn, probes []probe, doors []string) []probe {
	t.Helper()
	defer tentatively(t, owner, doors...)()
	behind := slices.Clone(probes)
	for i, p := range behind {
		behind[i].want = p.run(t, d, owner)
	}
	return behind
}

// noticed makes the change behind the open doors, asks until an answer differs, and undoes all.
func (m mutant) noticed(t *testing.T, d *Database, owner *pgx.Conn, probes []probe, doors []string) (noticed bool, asked int) {
	t.Helper()
	defer tentatively(t, owner, append(slices.Clone(doors), m.alter)...)()
	for _, p := range probes {
		asked++
		if p.run(t, d, owner) != p.want {
			return true, asked
		}
	}
	return false, asked
}

// tentatively begins a transaction in which probes can be asked after these statements, and returns how to
// undo all of it.
func tentatively(t *testing.T, owner *pgx.Conn, statements ...string) func() {
	t.Helper()
	text := strings.Join(slices.Concat([]string{"BEGIN"}, statements, []string{"SAVEPOINT before"}), "; ")
	if _, err := owner.Exec(t.Context(), text); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return func() { _, _ = owner.Exec(context.WithoutCancel(t.Context()), "ROLLBACK") }
}

// A door of the owner's that restricts something must not stand beside one that does not.
func TestOwnersDoorsDoNotOverlap(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	rows, err := asOwner(t, d).Query(t.Context(), `SELECT tablename || ' ' || cmd || ': ' || string_agg(policyname, ', ') FROM pg_policies
		WHERE schemaname = 'public' AND permissive = 'PERMISSIVE' AND NOT EXISTS (SELECT FROM unnest(roles) r WHERE r LIKE 'greenroom\_%')
		GROUP BY tablename, cmd, roles HAVING count(*) > 1 ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	overlapping, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(overlapping) > 0 {
		t.Errorf("doors beside each other: %q, %v", overlapping, err)
	}
}
