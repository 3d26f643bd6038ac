package storage

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// T46: what Postgres tells beside rows: plans, statistics, errors, and what others are running.
func TestPlansAndErrorsShowNoForeignValues(t *testing.T) {
	t.Parallel()
	a := newAttacked(t)
	a.ownerExec(t, `ANALYZE`)
	// The probe must be able to find something: Alice's own value is in the error it provokes.
	own := attacker{RoleCandidate, rowContext{account: string(a.alice.ID)}}
	const provoke = `SELECT count(*) FROM %s WHERE %s::text::int = 0`
	if err := a.try(t, own, fmt.Sprintf(provoke, "sessions", "id")); err == nil || len(a.leaked(err.Error())) == 0 {
		t.Fatalf("a cast in Alice's own plane says %v, want it to quote her session", err)
	}
	for _, by := range a.attackers() {
		for table, columns := range columnsOf(t, a.owner, by.role) {
			plan := a.explained(t, by, fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, ", "), table))
			if found := a.leaked(plan); len(found) > 0 {
				t.Errorf("%s explains %s and finds %q:\n%s", by.role, table, found, plan)
			}
			for _, column := range columns {
				err := a.try(t, by, fmt.Sprintf(provoke, table, column))
				if err != nil && len(a.leaked(fmt.Sprintf("%+v %+v", err, serverError(err)))) > 0 {
					t.Errorf("%s casts %s.%s and is told %v", by.role, table, column, err)
				}
			}
		}
	}
}

func (a *attacked) explained(t *testing.T, by attacker, query string) string {
	t.Helper()
	var lines []string
	err := a.database.in(t.Context(), by.role, by.about, func(tx pgx.Tx) error {
		rows, err := tx.Query(t.Context(), "EXPLAIN (ANALYZE, VERBOSE, COSTS) "+query)
		if err != nil {
			return err
		}
		lines, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	if err != nil || len(lines) < 2 {
		t.Fatalf("%s explains %s: %d lines, %v", by.role, query, len(lines), err)
	}
	return strings.Join(lines, "\n")
}

// T46: a key that is taken says so, but not with what it is next to.
func TestTakenKeysSayNothingAboutTheRow(t *testing.T) {
	t.Parallel()
	a := newAttacked(t)
	err := a.try(t, a.attackers()[0], `INSERT INTO sessions (id, candidate, role, role_title, mode, plan) VALUES ($1, $2, 'x', 'x', 'exam', '{}')`,
		a.session, string(a.bob.ID))
	if from, ok := errors.AsType[*pgconn.PgError](err); !ok || from.Code != uniqueViolation || from.Detail != "" {
		t.Errorf("taking a session's id: %+v; want a unique violation without details", from)
	}
}

// T46: statistics of columns hold values, and so do the statements that others run.
func TestStatisticsAndActivityShowNoForeignValues(t *testing.T) {
	t.Parallel()
	a := newAttacked(t)
	a.ownerExec(t, `ANALYZE`)
	if n := a.ownerCount(t, `SELECT count(*) FROM pg_stats WHERE schemaname = 'public'`); n == 0 {
		t.Fatal("there are no statistics to hide")
	}
	err := a.database.in(t.Context(), RoleCandidate, rowContext{account: string(a.alice.ID)}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `SELECT id FROM sessions WHERE id = $1`, a.session); err != nil {
			return err
		}
		for role := range rolePools() {
			var rows, extended, seen int
			var texts string
			const read = `SELECT (SELECT count(*) FROM pg_stats WHERE schemaname = 'public'), (SELECT count(*) FROM pg_stats_ext),
				(SELECT count(*) FROM pg_stat_activity WHERE usename = 'greenroom_candidate'),
				(SELECT coalesce(string_agg(query, ' '), '') FROM pg_stat_activity)`
			if err := a.database.Pool(role).QueryRow(t.Context(), read).Scan(&rows, &extended, &seen, &texts); err != nil {
				return err
			}
			if found := a.leaked(texts); rows != 0 || extended != 0 || len(found) > 0 || strings.Contains(texts, "v1|") {
				t.Errorf("role %s sees %d statistics, %d more, and %q of what others run", role, rows, extended, found)
			}
			if seen == 0 {
				t.Errorf("role %s sees no activity at all: the test looks at nothing", role)
			}
			for _, table := range []string{"pg_statistic", "pg_statistic_ext_data", "pg_authid", "pg_shadow", "pg_largeobject", "pg_hba_file_rules"} {
				if _, err := a.database.Pool(role).Exec(t.Context(), `SELECT * FROM `+table); !hasCode(err, policyViolation) {
					t.Errorf("role %s reads %s: %v, want permission denied", role, table, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// T47: replicas, backups, files, other databases and other roles.
func TestRolesReachNothingOutsideTheirTables(t *testing.T) {
	t.Parallel()
	d := newTestDatabase(t)
	for role := range rolePools() {
		for _, statement := range []string{
			`SELECT pg_create_physical_replication_slot('s')`, `SELECT pg_create_logical_replication_slot('s', 'pgoutput')`,
			`SELECT pg_logical_slot_peek_changes('s', NULL, NULL)`, `SELECT pg_backup_start('b')`, `SELECT pg_switch_wal()`,
			`SELECT pg_read_file('PG_VERSION')`, `SELECT pg_read_binary_file('global/pg_control')`, `SELECT pg_ls_dir('.')`,
			`SELECT pg_ls_waldir()`, `SELECT pg_stat_file('PG_VERSION')`, `SELECT lo_import('/etc/passwd')`,
			`COPY (SELECT 1) TO '/tmp/greenroom-stolen'`, `COPY (SELECT 1) TO PROGRAM 'cat'`,
			`CREATE EXTENSION dblink`, `CREATE EXTENSION postgres_fdw`, `CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw`,
			`CREATE PUBLICATION p FOR TABLE lines`, `CREATE SUBSCRIPTION s CONNECTION 'dbname=x' PUBLICATION p`,
			`CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION refuse_change()`, `CREATE TRIGGER t BEFORE INSERT ON lines EXECUTE FUNCTION refuse_change()`,
			`CREATE TABLE mine (a int)`, `CREATE SCHEMA mine`, `CREATE VIEW mine AS SELECT 1`, `CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql RETURN 1`,
			`CREATE DATABASE mine`, `CREATE ROLE mine`, `ALTER ROLE CURRENT_USER BYPASSRLS`, `ALTER ROLE CURRENT_USER SUPERUSER`,
			`ALTER SYSTEM SET log_statement = 'all'`, `SET log_parameter_max_length = 100`, `LOAD 'auto_explain'`,
			`ALTER TABLE lines DISABLE ROW LEVEL SECURITY`, `ALTER TABLE lines NO FORCE ROW LEVEL SECURITY`, `DROP POLICY employer_transcript ON lines`,
			`ALTER POLICY employer_transcript ON lines USING (true)`, `CREATE POLICY mine ON lines USING (true)`,
			`GRANT greenroom_keys TO CURRENT_USER`, `SET ROLE ` + embeddedOwner, `COMMENT ON TABLE lines IS 'x'`,
			`TRUNCATE lines`, `SELECT * FROM goose_db_version`,
		} {
			_, err := d.Pool(role).Exec(t.Context(), statement)
			if err == nil {
				t.Errorf("role %s: %s is allowed", role, statement)
				continue
			}
			if from := serverError(err); from.Code != policyViolation && !acceptable(from.Code) {
				t.Errorf("role %s: %s: %v, want permission denied", role, statement, err)
			}
		}
		if _, err := connectAs(t, d, role, func(c *pgx.ConnConfig) { c.RuntimeParams["replication"] = "database" }); err == nil {
			t.Errorf("role %s may replicate", role)
		}
		for _, database := range []string{"postgres", "template1"} {
			if _, err := connectAs(t, d, role, func(c *pgx.ConnConfig) { c.Database = database }); err == nil {
				t.Errorf("role %s may connect to database %s", role, database)
			}
		}
		// Postgres only warns that this grants nothing; that it did not is looked at below.
		_, _ = d.Pool(role).Exec(t.Context(), `GRANT ALL ON lines, data_keys, sessions TO PUBLIC`)
	}
	if err := checkWalls(t.Context(), asOwner(t, d)); err != nil {
		t.Errorf("after all this: %v", err)
	}
}

// acceptable are codes of statements that fail for another reason before permission is asked: a slot, an
// extension or a wrapper that is not there.
func acceptable(code string) bool {
	return code == "42704" || code == "0A000" || code == "58P01" || code == "55000"
}

func connectAs(t *testing.T, d *Database, role Role, change func(*pgx.ConnConfig)) (string, error) {
	t.Helper()
	config := d.Pool(role).Config().ConnConfig.Copy()
	change(config)
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var name string
	return name, conn.QueryRow(t.Context(), `SELECT current_database()`).Scan(&name)
}
