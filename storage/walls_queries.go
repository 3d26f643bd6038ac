package storage

// wallCheck is a query that returns one line for each fault.
type wallCheck struct {
	query     string
	arguments []any
}

// Parts of the queries. Every schema but Postgres' own is looked at; roles are in $1. River's tables
// hold ids only, so they need no policies: migration 0006 says who may touch them.
const (
	ourSchemas = ` n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_(toast|temp)' `
	anyRight   = ` (has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE')
		OR has_any_column_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE')) AND has_schema_privilege(r.oid, n.oid, 'USAGE') `
	eachRole = ` JOIN pg_roles r ON r.rolname = ANY($1) `
	relation = ` pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace `
	function = ` pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace `
	listed   = ` IN (SELECT to_regprocedure('public.' || name) FROM unnest($1::text[]) name)`
)

func wallChecks(roles []string) []wallCheck {
	var checks []wallCheck
	add := func(argument any, queries ...string) {
		for _, query := range queries {
			checks = append(checks, wallCheck{query, []any{argument}})
		}
	}
	add(roles, roleQueries()...)
	add(roles, tableQueries()...)
	add(definerFunctions(), `SELECT format('function %s runs with its owner''s rights and is not one of those that may', p.oid::regprocedure)
		FROM `+function+` WHERE `+ourSchemas+` AND p.prosecdef AND p.oid NOT`+listed,
		`SELECT format('function %s runs with its owner''s rights, but can be called by everybody or does not belong to the owner of the tables', p.oid::regprocedure)
		FROM `+function+` WHERE p.oid`+listed+` AND (p.proowner <> (SELECT relowner FROM pg_class WHERE oid = 'public.context_keys'::regclass)
			OR EXISTS (SELECT FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) WHERE grantee = 0))`)
	add(definerPath, `SELECT format('function %s runs with its owner''s rights without "SET %s"', p.oid::regprocedure, $1::text)
		FROM `+function+` WHERE `+ourSchemas+` AND p.prosecdef AND p.proconfig IS DISTINCT FROM ARRAY[$1::text]`)
	add(triggerFunctions(), `SELECT format('trigger %s on %s calls %s, which is not one of those that may', t.tgname, c.oid::regclass, t.tgfoid::regprocedure)
		FROM pg_trigger t JOIN `+relation+` ON c.oid = t.tgrelid
		WHERE n.nspname = 'public' AND NOT t.tgisinternal AND t.tgfoid NOT`+listed)
	return checks
}

// roleQueries are about what the roles are and could become.
func roleQueries() []string {
	return []string{
		`SELECT format('role %s is superuser, BYPASSRLS, CREATEROLE, CREATEDB or REPLICATION', rolname)
			FROM pg_roles WHERE rolname = ANY($1)
			AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)`,
		`SELECT format('role %s is a member of %s', m.rolname, g.rolname)
			FROM pg_auth_members am JOIN pg_roles m ON m.oid = am.member JOIN pg_roles g ON g.oid = am.roleid
			WHERE m.rolname = ANY($1)`,
		`SELECT format('role %s owns %s', r.rolname, pg_describe_object(d.classid, d.objid, d.objsubid))
			FROM pg_shdepend d JOIN pg_database o ON o.datname = current_database() AND d.dbid IN (0, o.oid)` + eachRole + `
			WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'o'`,
		// A role may change its own settings. Our connections say what they need, but a default for
		// isolation or the search path has no good reason to be there.
		`SELECT format('role %s has the setting %s: ALTER ROLE %s RESET ALL', r.rolname, split_part(line, '=', 1), r.rolname)
			FROM pg_db_role_setting s` + eachRole + ` CROSS JOIN unnest(s.setconfig) line WHERE s.setrole = r.oid
			AND split_part(line, '=', 1) !~ '_timeout$|^log_|^work_mem$'`,
		`SELECT format('role %s may make things in schema %s', r.rolname, n.nspname)
			FROM pg_namespace n` + eachRole + ` WHERE has_schema_privilege(r.oid, n.oid, 'CREATE')`,
		`SELECT format('role %s may make schemas or temporary tables: REVOKE ALL ON DATABASE %I FROM PUBLIC', r.rolname, current_database())
			FROM pg_roles r WHERE r.rolname = ANY($1) AND has_database_privilege(r.oid, current_database(), 'CREATE, TEMPORARY')`,
		`SELECT format('role %s may call %s, which reads the server''s files', r.rolname, p.oid::regprocedure)
			FROM pg_proc p` + eachRole + ` WHERE p.pronamespace = 'pg_catalog'::regnamespace
			AND p.proname IN ('pg_read_file', 'pg_read_binary_file', 'pg_stat_file', 'pg_ls_dir', 'lo_import', 'lo_export')
			AND has_function_privilege(r.oid, p.oid, 'EXECUTE')`,
	}
}

// tableQueries are about everything that holds rows or could show them.
func tableQueries() []string {
	return []string{
		`SELECT format('table %s lets %s in without forced row-level security', c.oid::regclass, r.rolname)
			FROM ` + relation + eachRole + ` WHERE c.relkind IN ('r', 'p', 'f') AND ` + ourSchemas + `
			AND n.nspname <> 'river' AND NOT (c.relrowsecurity AND c.relforcerowsecurity) AND ` + anyRight,
		`SELECT format('view %s reads with its owner''s rights: ALTER VIEW %s SET (security_invoker = true)', c.oid::regclass, c.oid::regclass)
			FROM ` + relation + ` WHERE c.relkind = 'v' AND ` + ourSchemas + `
			AND NOT coalesce(c.reloptions::text[] && ARRAY['security_invoker=true', 'security_invoker=on', 'security_invoker=1'], false)
			AND (NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = c.oid AND e.classid = 'pg_class'::regclass AND e.deptype = 'e')
				OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = ANY($1) AND ` + anyRight + `))`,
		`SELECT format('materialized view %s keeps rows that no policy guards: DROP MATERIALIZED VIEW %s', c.oid::regclass, c.oid::regclass)
			FROM ` + relation + ` WHERE c.relkind = 'm' AND ` + ourSchemas + ` AND cardinality($1::text[]) > 0`,
		`SELECT format('rule %s on %s changes what statements do', w.rulename, c.oid::regclass)
			FROM pg_rewrite w JOIN ` + relation + ` ON c.oid = w.ev_class
			WHERE w.rulename <> '_RETURN' AND ` + ourSchemas + ` AND cardinality($1::text[]) > 0`,
		`SELECT format('role %s may truncate %s, refer to it or give it triggers', r.rolname, c.oid::regclass)
			FROM ` + relation + eachRole + ` WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
			AND (has_table_privilege(r.oid, c.oid, 'TRUNCATE, REFERENCES, TRIGGER') OR has_any_column_privilege(r.oid, c.oid, 'REFERENCES'))`,
		`SELECT format('everybody may use %s: REVOKE ALL ON %s FROM PUBLIC', c.oid::regclass, c.oid::regclass)
			FROM ` + relation + ` WHERE n.nspname IN ('public', 'river') AND cardinality($1::text[]) > 0
			AND (EXISTS (SELECT FROM aclexplode(c.relacl) WHERE grantee = 0)
				OR EXISTS (SELECT FROM pg_attribute a, aclexplode(a.attacl) WHERE a.attrelid = c.oid AND grantee = 0))`,
		`SELECT format('policy %s on %s is for everybody', p.polname, p.polrelid::regclass)
			FROM pg_policy p WHERE p.polroles = ARRAY[0::oid] AND cardinality($1::text[]) > 0`,
		`SELECT format('function %s is leakproof, so it sees rows before the policies do', p.oid::regprocedure)
			FROM ` + function + ` WHERE p.proleakproof AND ` + ourSchemas + ` AND cardinality($1::text[]) > 0`,
	}
}
