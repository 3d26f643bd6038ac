package storage

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ErrWalls says that the database would let a role step around row-level security. The server does
// not start on such a database.
var ErrWalls = errors.New("the database's roles or tables are not safe")

// definerFunctions are the functions that may run with their owner's rights. Each says where it is made
// why it needs them, reads nothing that its caller names, and may not be called by everybody.
func definerFunctions() []string {
	return []string{
		"context_part(int)",         // reads the key of row contexts
		"ledger_append(bytea,text)", // writes what no plane may write by itself
	}
}

// definerPath is the search path that each of them is pinned to: nothing of the caller's is in it.
const definerPath = "search_path=pg_catalog, pg_temp"

// triggerFunctions are the functions that triggers may call. A trigger sees rows past what its table's
// policies were written for, so each is listed.
func triggerFunctions() []string {
	return []string{
		"refuse_change()",    // keeps rows that are only ever added
		"epochs_only_rise()", // lets a wrapped key only be sealed anew
		"end_membership()",   // closing an account ends the membership that policies look at
	}
}

// safeMinors are, for each major version of Postgres that is still mended, the first release in which
// statistics no longer show values behind policies (CVE-2025-8713); the older holes that let rows past
// policies (CVE-2024-10976, CVE-2024-10978) were closed before. What comes after these is safe from
// its first release. Version 13, also mended, lacks the function bodies that our migrations use.
func safeMinors() map[int]int { return map[int]int{14: 19, 15: 14, 16: 10, 17: 6} }

// checkVersion refuses a Postgres whose policies are known to leak, given server_version_num.
func checkVersion(number int) error {
	major, minor := number/10000, number%10000
	minors := safeMinors()
	first, known := minors[major]
	if major >= 18 || known && minor >= first {
		return nil
	}
	if known {
		return fmt.Errorf("%w: Postgres %d.%d shows values behind row-level security to roles that may not see them "+
			"(CVE-2025-8713): update it to %d.%d or newer, which needs no change to the data", ErrWalls, major, minor, major, first)
	}
	return fmt.Errorf("%w: Postgres %d is too old: use version 18, or at least 14.19, 15.14, 16.10 or 17.6", ErrWalls, major)
}

// mostFaults is how many faults are named: one superuser makes hundreds.
const mostFaults = 12

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// checkWalls refuses a database whose roles could step around row-level security: owners, superusers
// and BYPASSRLS roles skip every policy, a table without forced policies has none, and a view or a
// function may read with somebody else's rights.
func checkWalls(ctx context.Context, owner querier) error {
	roles := make([]string, 0, len(rolePools()))
	for role := range rolePools() {
		roles = append(roles, role.database())
	}
	slices.Sort(roles)
	var faults []string
	for _, check := range wallChecks(roles) {
		rows, err := owner.Query(ctx, check.query, check.arguments...)
		if err != nil {
			return fmt.Errorf("check the roles and tables: %w", err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("check the roles and tables: %w", err)
		}
		faults = append(faults, found...)
	}
	if more := len(faults) - mostFaults; more > 0 {
		faults = append(faults[:mostFaults], fmt.Sprintf("and %d more", more))
	}
	if len(faults) > 0 {
		return fmt.Errorf("%w: %s", ErrWalls, strings.Join(faults, "; "))
	}
	return nil
}
