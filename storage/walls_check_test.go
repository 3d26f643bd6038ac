package storage

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// Each fault is made inside a transaction of the owner, seen by the check there, and rolled back.
func TestCheckWallsRefusesUnsafeRolesAndTables(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := checkWalls(t.Context(), w.owner); err != nil {
		t.Fatalf("a fresh database is refused: %v", err)
	}
	for _, c := range []struct{ name, says, fault string }{
		{"superuser", "is superuser", `ALTER ROLE greenroom_candidate SUPERUSER`},
		{"bypass", "is superuser, BYPASSRLS", `ALTER ROLE greenroom_employer BYPASSRLS`},
		{"makes roles", "CREATEROLE", `ALTER ROLE greenroom_worker CREATEROLE`},
		{"makes databases", "CREATEDB", `ALTER ROLE greenroom_export CREATEDB`},
		{"replicates", "REPLICATION", `ALTER ROLE greenroom_audit REPLICATION`},
		{"member", "employer is a member of greenroom_keys", `GRANT greenroom_keys TO greenroom_employer`},
		{"reads everything", "is a member of pg_read_all_data", `GRANT pg_read_all_data TO greenroom_audit`},
		{"default isolation", "has the setting default_transaction_isolation", `ALTER ROLE greenroom_employer SET default_transaction_isolation = 'repeatable read'`},
		{"default context", "has the setting greenroom.context", `ALTER ROLE greenroom_employer SET greenroom.context = 'x'`},
		{"makes tables", "may make things in schema public", `GRANT CREATE ON SCHEMA public TO greenroom_worker`},
		{"makes schemas", "may make schemas", `DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO greenroom_worker', current_database()); END $$`},
		{"temporary tables", "temporary tables", `DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$`},
		{"reads files", "pg_read_file(text), which reads", `GRANT EXECUTE ON FUNCTION pg_read_file(text) TO greenroom_worker`},
		{"imports files", "lo_import(text), which reads", `GRANT EXECUTE ON FUNCTION lo_import(text) TO PUBLIC`},
		{"owner", "owns table lines", `ALTER TABLE lines OWNER TO greenroom_worker`},
		{"owner of a function", "owns function context_part", `ALTER FUNCTION context_part OWNER TO greenroom_employer`},
		{"owner of a schema", "owns schema own", `CREATE SCHEMA own AUTHORIZATION greenroom_employer`},
		{"not forced", "table lines lets", `ALTER TABLE lines NO FORCE ROW LEVEL SECURITY`},
		{"not enabled", "table ratings lets", `ALTER TABLE ratings DISABLE ROW LEVEL SECURITY`},
		{"table for all", "everybody may use leak", `CREATE TABLE leak (a int); GRANT SELECT (a) ON leak TO PUBLIC`},
		{"copy elsewhere", "table more.leak lets greenroom_export in", `CREATE SCHEMA more; CREATE TABLE more.leak AS SELECT * FROM lines; GRANT USAGE ON SCHEMA more TO greenroom_export; GRANT SELECT ON more.leak TO greenroom_export`},
		{"gated for all", "everybody may use lines", `GRANT SELECT ON lines TO PUBLIC`},
		{"column for all", "everybody may use ratings", `GRANT UPDATE (level) ON ratings TO PUBLIC`},
		{"truncate", "may truncate lines", `GRANT TRUNCATE ON lines TO greenroom_worker`},
		{"refers", "refer to it", `GRANT REFERENCES (session) ON lines TO greenroom_worker`},
		{"gives triggers", "give it triggers", `GRANT TRIGGER ON lines TO greenroom_worker`},
		{"policy for all", "policy leak on lines is for everybody", `CREATE POLICY leak ON lines FOR SELECT USING (true)`},
		{"view", "view leak reads", `CREATE VIEW leak AS SELECT * FROM lines; GRANT SELECT ON leak TO greenroom_employer`},
		{"view nobody reads", "view leak reads", `CREATE VIEW leak AS SELECT * FROM lines`},
		{"view turned", "view leak reads", `CREATE VIEW leak WITH (security_invoker) AS SELECT * FROM lines; ALTER VIEW leak SET (security_invoker = false)`},
		{"materialized view", "materialized view leak", `CREATE MATERIALIZED VIEW leak AS SELECT session FROM lines`},
		{"rule", "rule leak on lines", `CREATE RULE leak AS ON INSERT TO lines DO ALSO NOTHING`},
		{"trigger", "trigger leak on lines", `CREATE FUNCTION leak() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER leak AFTER INSERT ON lines FOR EACH ROW EXECUTE FUNCTION leak()`},
		{"definer function", "function leak() runs", `CREATE FUNCTION leak() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp RETURN 1; REVOKE ALL ON FUNCTION leak FROM PUBLIC`},
		{"definer elsewhere", "function more.context_part(integer) runs", `CREATE SCHEMA more; CREATE FUNCTION more.context_part(int) RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp RETURN 1`},
		{"unpinned path", `without "SET search_path`, `ALTER FUNCTION context_part RESET search_path`},
		{"path of others", `without "SET search_path`, `ALTER FUNCTION context_part SET search_path = public, pg_temp`},
		{"definer for all", "can be called by everybody", `GRANT EXECUTE ON FUNCTION context_part TO PUBLIC`},
		{"definer of another", "does not belong to the owner", `CREATE ROLE somebody; ALTER FUNCTION context_part OWNER TO somebody`},
		{"leakproof", "leak(text) is leakproof", `CREATE FUNCTION leak(text) RETURNS boolean LANGUAGE sql IMMUTABLE LEAKPROOF RETURN true`},
	} {
		t.Run(c.name, func(t *testing.T) {
			tx, err := w.owner.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = tx.Rollback(t.Context()) }()
			if _, err := tx.Exec(t.Context(), c.fault); err != nil {
				t.Fatal(err)
			}
			if err := checkWalls(t.Context(), tx); !errors.Is(err, ErrWalls) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want ErrWalls that says %q", c.fault, err, c.says)
			}
		})
	}
}

// What is not a fault must not be taken for one.
func TestCheckWallsAllowsWhatIsHarmless(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	tx, err := w.owner.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(t.Context())) }()
	for _, harmless := range []string{
		`CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM lines`, `GRANT SELECT ON v TO greenroom_employer`,
		`ALTER ROLE greenroom_audit SET statement_timeout = '5s'`, `CREATE SCHEMA operators`,
		`CREATE TABLE operators.notes (a int)`, `CREATE FUNCTION plain() RETURNS int LANGUAGE sql RETURN 1`,
	} {
		if _, err := tx.Exec(t.Context(), harmless); err != nil {
			t.Fatalf("%s: %v", harmless, err)
		}
		if err := checkWalls(t.Context(), tx); err != nil {
			t.Errorf("%s: %v", harmless, err)
		}
	}
}

func TestPostgresWithKnownLeaksIsRefused(t *testing.T) {
	t.Parallel()
	for number, safe := range map[int]bool{
		90624: false, 120022: false, 130021: false, 130023: false, 140018: false, 140019: true, 150013: false, 150014: true, 150018: true,
		160009: false, 160010: true, 170005: false, 170006: true, 170010: true, 180000: true, 190001: true,
	} {
		err := checkVersion(number)
		if (err == nil) != safe || (err != nil && !errors.Is(err, ErrWalls)) {
			t.Errorf("server_version_num %d: %v, want safe %t", number, err, safe)
		}
	}
	if text := checkVersion(160009).Error(); !strings.Contains(text, "16.9") || !strings.Contains(text, "16.10") {
		t.Errorf("%q does not say which version it is and which is needed", text)
	}
}
