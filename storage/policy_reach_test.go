package storage

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// policy is one as Postgres keeps it.
type policy struct {
	table, name   string
	command       string // ALL, or what it is for
	restrictive   bool
	roles         []string
	using, checks string
}

// planePolicies reads the policies that are for at least one of our roles. Those for the owner alone are
// left out: nobody but the set-up and the administration commands is the owner, and for them they open
// everything anyway.
func planePolicies(t *testing.T, owner *pgx.Conn) []policy {
	t.Helper()
	rows, err := owner.Query(t.Context(), `SELECT tablename, policyname, cmd, permissive = 'RESTRICTIVE', roles::text[],
		coalesce(qual, ''), coalesce(with_check, '') FROM pg_policies WHERE schemaname = 'public'
		AND EXISTS (SELECT FROM unnest(roles) r WHERE r LIKE 'greenroom\_%') ORDER BY tablename, policyname`)
	if err != nil {
		t.Fatal(err)
	}
	policies, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (p policy, err error) {
		return p, row.Scan(&p.table, &p.name, &p.command, &p.restrictive, &p.roles, &p.using, &p.checks)
	})
	if err != nil || len(policies) < 80 {
		t.Fatalf("%d policies, %v", len(policies), err)
	}
	return policies
}

// policyFunctions reads the functions that policies ask, each as if it were a policy of those policies'
// roles: what they say is part of what the policies say.
func policyFunctions(t *testing.T, owner *pgx.Conn, policies []policy) []mutant {
	t.Helper()
	rows, err := owner.Query(t.Context(), `SELECT p.proname, pg_get_functiondef(p.oid) FROM pg_proc p
		WHERE p.pronamespace = 'public'::regnamespace AND p.prorettype = 'boolean'::regtype AND p.prosqlbody IS NOT NULL ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	var all []mutant
	var name, text string
	if _, err := pgx.ForEachRow(rows, []any{&name, &text}, func() error {
		head, body, _ := strings.Cut(text, "RETURN ")
		p := policy{table: "function", name: name, command: "SELECT", using: body}
		for _, asking := range policies {
			if strings.Contains(asking.using+asking.checks, name+"(") {
				p.roles = append(p.roles, asking.roles...)
			}
		}
		for _, w := range weakenings(strings.TrimSpace(body)) {
			all = append(all, mutant{p, "without " + w.without, head + "RETURN " + w.expr})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// reach knows which policies a statement can meet: those of the tables it names, of the tables that these
// policies look at, and so on. Only those probes are asked about a mutant; the others cannot notice it.
type reach struct {
	names *regexp.Regexp                 // of tables and functions
	looks map[string]map[string][]string // by role and table or function: what its policies look at
	named map[string][]string            // what a statement names, once it was looked for
}

func newReach(policies []policy, functions []mutant) reach {
	names := make(map[string]bool)
	for _, p := range policies {
		names[p.table] = true
	}
	for _, f := range functions {
		names[f.name] = true
	}
	r := reach{regexp.MustCompile(`\b(` + strings.Join(slices.Collect(maps.Keys(names)), "|") + `)\b`), make(map[string]map[string][]string), make(map[string][]string)}
	add := func(p policy, at string) {
		for _, role := range p.roles {
			if r.looks[role] == nil {
				r.looks[role] = make(map[string][]string)
			}
			r.looks[role][at] = append(r.looks[role][at], r.names.FindAllString(p.using+" "+p.checks, -1)...)
			slices.Sort(r.looks[role][at])
			r.looks[role][at] = slices.Compact(r.looks[role][at])
		}
	}
	for _, p := range policies {
		add(p, p.table)
	}
	for _, f := range functions {
		add(f.policy, f.name)
	}
	return r
}

// meets reports whether a role comes by a table or function with a statement.
func (r reach) meets(role, statement, what string) bool {
	from, known := r.named[statement]
	if !known {
		from = r.names.FindAllString(statement, -1)
		r.named[statement] = from
	}
	seen := make(map[string]bool)
	for len(from) > 0 {
		next := from[0]
		from = from[1:]
		if !seen[next] {
			seen[next] = true
			from = append(slices.Clone(from), r.looks[role][next]...)
		}
	}
	return seen[what]
}

// probes returns those that can notice a mutant, the likeliest first.
func (r reach) probes(m mutant, all []probe) []probe {
	at := m.table
	if at == "function" {
		at = m.name
	}
	var relevant []probe
	for _, p := range all {
		role := p.plane().role.database()
		changes := m.command == "INSERT" || m.command == "UPDATE" || m.command == "DELETE"
		if !slices.Contains(m.roles, role) || !r.meets(role, p.do, at) || changes && !p.begins(m.command, at) {
			continue
		}
		relevant = append(relevant, p)
	}
	likely := func(p probe) int {
		n := 0
		if strings.Contains(p.do, " "+at+" ") {
			n += 4
		}
		if check := strings.HasPrefix(m.what, "WITH CHECK"); check == (p.want == "refused") {
			n += 2
		}
		if p.begins("SELECT", "") || p.want == "0 rows" {
			n++
		}
		return n
	}
	slices.SortStableFunc(relevant, func(a, b probe) int { return cmp.Compare(likely(b), likely(a)) })
	return relevant
}

// begins reports whether a probe is a statement of that kind, for that table.
func (p probe) begins(command, table string) bool {
	first, rest, _ := strings.Cut(p.do, " ")
	rest = strings.TrimPrefix(strings.TrimPrefix(rest, "INTO "), "FROM ")
	return first == command && (table == "" || strings.HasPrefix(rest, table+" ") || rest == table)
}
