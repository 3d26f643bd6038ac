-- People, the organizations they work for, and how they log in.
--
-- Every table has row-level security, enabled and forced: a log-in role sees a row only through a
-- policy made for it. Policies read three settings that last one transaction; where one is missing
-- the comparison is NULL and no row is seen.

-- +goose Up
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO greenroom_login, greenroom_candidate, greenroom_employer,
    greenroom_ingest, greenroom_worker, greenroom_keys, greenroom_export, greenroom_erasure,
    greenroom_audit;

CREATE FUNCTION current_account() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('greenroom.account', true), '');
CREATE FUNCTION current_org() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('greenroom.org', true), '');
CREATE FUNCTION current_session_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('greenroom.session', true), '');

-- +goose StatementBegin
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd

CREATE TABLE organizations (
    id         text        PRIMARY KEY CHECK (length(id) = 26),
    name       text        NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp()
);

CREATE TABLE accounts (
    id            text        PRIMARY KEY CHECK (length(id) = 26),
    kind          text        NOT NULL CHECK (kind IN ('candidate', 'employer', 'ops')),
    email         text        NOT NULL UNIQUE CHECK (email = lower(email) AND length(email) BETWEEN 3 AND 320),
    display_name  text        NOT NULL CHECK (length(display_name) BETWEEN 1 AND 200),
    password_hash text        NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
    age_rule      text        NOT NULL DEFAULT '', -- the name of the rule that was passed, never a birth date
    created_at    timestamptz NOT NULL DEFAULT statement_timestamp(),
    closed_at     timestamptz,
    CHECK (kind <> 'candidate' OR age_rule <> '')
);

-- Which organization an employer's account acts for. Closing an account ends its membership too,
-- because the policies of the employer plane look here and nowhere else.
CREATE TABLE members (
    account    text        PRIMARY KEY REFERENCES accounts (id),
    org        text        NOT NULL REFERENCES organizations (id),
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    ended_at   timestamptz
);

CREATE TABLE log_ins (
    token_sha256   bytea       PRIMARY KEY CHECK (length(token_sha256) = 32),
    account        text        NOT NULL REFERENCES accounts (id),
    idle           interval    NOT NULL,
    idle_until     timestamptz NOT NULL,
    absolute_until timestamptz NOT NULL,
    created_at     timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE INDEX log_ins_account ON log_ins (account);

-- Keyed by a hash, so that addresses which people only tried are not collected.
CREATE TABLE log_in_failures (
    email_sha256 bytea       PRIMARY KEY CHECK (length(email_sha256) = 32),
    failures     int         NOT NULL,
    last_at      timestamptz NOT NULL,
    wait_until   timestamptz NOT NULL
);

ALTER TABLE organizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE organizations FORCE ROW LEVEL SECURITY;
ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
ALTER TABLE members ENABLE ROW LEVEL SECURITY;
ALTER TABLE members FORCE ROW LEVEL SECURITY;
ALTER TABLE log_ins ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_ins FORCE ROW LEVEL SECURITY;
ALTER TABLE log_in_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE log_in_failures FORCE ROW LEVEL SECURITY;

-- The administration commands run as the owner, which forced policies bind as well.
CREATE POLICY owner_administers ON organizations TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_administers ON accounts TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_administers ON members TO CURRENT_USER USING (true) WITH CHECK (true);

GRANT SELECT ON organizations TO greenroom_login, greenroom_candidate;
GRANT SELECT (id, name) ON organizations TO greenroom_employer;
CREATE POLICY login_reads ON organizations FOR SELECT TO greenroom_login USING (true);
CREATE POLICY candidate_chooses ON organizations FOR SELECT TO greenroom_candidate USING (true);
CREATE POLICY employer_own ON organizations FOR SELECT TO greenroom_employer
    USING (id = (SELECT current_org()));

GRANT SELECT ON accounts TO greenroom_login;
GRANT INSERT (id, kind, email, display_name, password_hash, age_rule) ON accounts TO greenroom_login;
GRANT SELECT (id, kind, display_name, closed_at) ON accounts TO greenroom_candidate, greenroom_employer;
CREATE POLICY login_reads ON accounts FOR SELECT TO greenroom_login USING (true);
CREATE POLICY login_signs_up ON accounts FOR INSERT TO greenroom_login WITH CHECK (kind = 'candidate');
CREATE POLICY candidate_own ON accounts FOR SELECT TO greenroom_candidate
    USING (id = (SELECT current_account()));

GRANT SELECT ON members TO greenroom_login;
GRANT SELECT (account, org, ended_at) ON members TO greenroom_employer;
CREATE POLICY login_reads ON members FOR SELECT TO greenroom_login USING (true);
CREATE POLICY employer_own ON members FOR SELECT TO greenroom_employer
    USING (account = (SELECT current_account()));

GRANT SELECT, INSERT, UPDATE, DELETE ON log_ins, log_in_failures TO greenroom_login;
CREATE POLICY login_all ON log_ins TO greenroom_login USING (true) WITH CHECK (true);
CREATE POLICY login_all ON log_in_failures TO greenroom_login USING (true) WITH CHECK (true);
