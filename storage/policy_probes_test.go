package storage

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

// probe is one question to the policies: who does what, and what must come of it. Reads answer with the
// rows that are seen, changes with "n rows", both with "refused" where a policy or a grant says no.
type probe struct{ who, do, want string }

// planes are those who ask. The words are ids of policyWorld.
var planes = sync.OnceValue(func() map[string]attacker {
	candidate := func(account string) attacker { return attacker{RoleCandidate, rowContext{account: word(account)}} }
	employer := func(account, org string) attacker {
		return attacker{RoleEmployer, rowContext{account: word(account), org: word(org)}}
	}
	part := func(role Role, session string) attacker { return attacker{role, rowContext{session: word(session)}} }
	invited := func(account, org, invitation string) attacker {
		sum := sha256.Sum256([]byte(invitation))
		return attacker{RoleEmployer, rowContext{account: word(account), org: word(org), invitation: hex.EncodeToString(sum[:])}}
	}
	return map[string]attacker{
		"rita, invited": invited("rita", "acme", "good"), "bill, invited": invited("bill", "acme", "good"), "ella, invited": invited("ella", "acme", "good"),
		"susi, invited": invited("susi", "sus", "good"), "zoe for acme, invited": invited("zoe", "acme", "good"),
		"rita for zenith, invited": invited("rita", "zenith", "good"),
		"rita, cancelled":          invited("rita", "acme", "cancelled"), "rita, expired": invited("rita", "acme", "expired"),
		"rita, overdue": invited("rita", "acme", "overdue"), "rita, redeemed": invited("rita", "acme", "redeemed"),
		"node":         {RoleAudit, rowContext{session: word("zeniths"), account: word("zoe"), org: word("zenith")}},
		"node of acme": {RoleAudit, rowContext{session: word("live"), account: word("rita"), org: word("acme")}},

		"alice": candidate("alice"), "bob": candidate("bob"), "carol": candidate("carol"), "no candidate": candidate("stranger"),
		"rita": employer("rita", "acme"), "bill": employer("bill", "acme"), "ella": employer("ella", "acme"),
		"zoe": employer("zoe", "zenith"), "susi": employer("susi", "sus"),
		"zoe for acme": employer("zoe", "acme"), "rita for zenith": employer("rita", "zenith"),
		"scribe": part(RoleIngest, "live"), "scribe of held": part(RoleIngest, "held"),
		"scribe of restricted": part(RoleIngest, "restricted"), "scribe of erased": part(RoleIngest, "erased"),
		"assessor": part(RoleWorker, "live"), "assessor of held": part(RoleWorker, "held"),
		"assessor of restricted": part(RoleWorker, "restricted"), "assessor of erased": part(RoleWorker, "erased"),
		"worker": {role: RoleWorker}, "login": {role: RoleLogin}, "login of dan": {RoleLogin, rowContext{account: word("dan")}},
		"dan": candidate("dan"), "rita as a candidate": candidate("rita"), "assessor of otto": part(RoleWorker, "ottos"),
		"keys": {role: RoleKeys}, "export": {role: RoleExport},
		"export of alice": {RoleExport, rowContext{account: word("alice")}}, "export of bob": {RoleExport, rowContext{account: word("bob")}},
		"export of carol": {RoleExport, rowContext{account: word("carol")}},
		"erasure":         {role: RoleErasure}, "audit": {role: RoleAudit},
	}
})

func (p probe) plane() attacker { return planes()[p.who] }

// run asks as the role, with a genuine context, and returns the answer: what the rows say, how many rows a
// statement changed, or with which code it was refused. It first undoes what was done since [tentatively].
// The superuser becomes the role by SET SESSION AUTHORIZATION, which session_user, and so the check of the
// context, follows.
func (p probe) run(t *testing.T, d *Database, owner *pgx.Conn) string {
	t.Helper()
	plane := p.plane()
	text := fmt.Sprintf(`ROLLBACK TO before; SET LOCAL search_path = public; SET LOCAL SESSION AUTHORIZATION %s;
		SELECT set_config('greenroom.context', '%s', true); %s`, plane.role.database(), signed(t, d, plane.role, plane.about), p.do)
	results, err := owner.PgConn().Exec(t.Context(), text).ReadAll()
	if err != nil {
		code := serverError(err).Code
		if code == "" {
			t.Fatalf("%s: %s: %v", p.who, p.do, err)
		}
		if code == policyViolation {
			return "refused"
		}
		return "error " + code
	}
	last := results[len(results)-1]
	if !last.CommandTag.Select() {
		return fmt.Sprintf("%d rows", last.CommandTag.RowsAffected())
	}
	var words []string
	for _, row := range last.Rows {
		words = append(words, string(row[0]))
	}
	return strings.Join(words, " ")
}

// allProbes returns every probe, with the reads of each table that each role may read at all.
func allProbes(t *testing.T, owner *pgx.Conn) []probe {
	t.Helper()
	all := changeProbes()
	for who, plane := range planes() {
		seen, ok := sights()[who]
		if !ok {
			t.Fatalf("it is not said what %q sees", who)
		}
		rows := make(map[string]string)
		for tables, what := range seen {
			for table := range strings.FieldsSeq(tables) {
				if _, twice := rows[table]; twice {
					t.Fatalf("it is said twice what %q sees of %s", who, table)
				}
				rows[table] = what
			}
		}
		for table, columns := range columnsOf(t, owner, plane.role) {
			read := "SELECT coalesce(string_agg(w, ' ' ORDER BY w COLLATE \"C\"), '') FROM (SELECT " + rowWord(columns) + " AS w FROM " + table + " %s) rows"
			want := rows[table]
			if strings.HasPrefix(want, "where ") {
				if err := owner.QueryRow(t.Context(), withWords(fmt.Sprintf(read, want))).Scan(&want); err != nil {
					t.Fatalf("%s sees of %s: %v", who, table, err)
				}
			}
			words := strings.Fields(want)
			slices.Sort(words)
			all = append(all, probe{who, fmt.Sprintf(read, ""), strings.Join(words, " ")})
			delete(rows, table)
		}
		for table, what := range rows {
			t.Errorf("%s should see %q of %s, which its role may not read", who, what, table)
		}
	}
	for i := range all {
		all[i].do = withWords(all[i].do)
	}
	return all
}

// rowWord is how a row is told apart, by the first of these pairs of columns that may be read.
func rowWord(columns []string) string {
	for _, pair := range [][]string{
		{"side", "session"}, {"authorization_id", "kind"}, {"session", "rater_kind"}, {"session", "kind"}, {"session"}, {"authorization_id"}, {"erasure"}, {"id"}, {"account"}, {"version"},
	} {
		if !slices.ContainsFunc(pair, func(c string) bool { return !slices.Contains(columns, c) }) {
			return "concat_ws('/', rtrim(" + strings.Join(pair, "::text, '-'), rtrim(") + "::text, '-'))"
		}
	}
	return "'row' || left(" + columns[0] + "::text, 0)"
}

var wordPattern = regexp.MustCompile(`@[a-z.]+`)

// withWords writes the ids out.
func withWords(text string) string {
	return wordPattern.ReplaceAllStringFunc(text, func(found string) string {
		if strings.HasPrefix(found, "@example") {
			return found
		}
		return "'" + word(found[1:]) + "'"
	})
}
