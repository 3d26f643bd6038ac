-- A second factor: codes by time (RFC 6238). Secrets are encrypted with a key outside the database, so
-- that a copy of it makes no codes.

-- +goose Up
CREATE TABLE second_factors (
    account       text        PRIMARY KEY REFERENCES accounts (id),
    secret        bytea,                           -- encrypted; empty until a first code was right
    last_step     bigint      NOT NULL DEFAULT 0,  -- of the last code that was taken: no step is taken twice
    since         timestamptz,
    offered       bytea,                           -- encrypted; a secret whose first code is awaited
    offered_until timestamptz,
    CHECK ((secret IS NULL) = (since IS NULL)),
    CHECK ((offered IS NULL) = (offered_until IS NULL))
);
ALTER TABLE second_factors ENABLE ROW LEVEL SECURITY;
ALTER TABLE second_factors FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_administers ON second_factors TO CURRENT_USER USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON second_factors TO greenroom_login;
CREATE POLICY login_all ON second_factors TO greenroom_login USING (true) WITH CHECK (true);

-- Whether the log-in was made with one.
ALTER TABLE log_ins ADD COLUMN second_factor boolean NOT NULL DEFAULT false;
