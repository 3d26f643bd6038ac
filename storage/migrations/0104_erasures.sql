-- Erasing a session: what was asked for, how far it is, and what it removed.
--
-- The request makes the session erased at once, which every plane respects; the work is the eraser's. Its
-- policies let it remove rows of sessions that are erased and not held, and of no others: a mistake in its
-- code cannot reach an interview that somebody still has.

-- +goose Up
CREATE TABLE erasures (
    id           text        PRIMARY KEY CHECK (length(id) = 26),
    session      text        NOT NULL UNIQUE REFERENCES sessions (id),
    account      text        NOT NULL REFERENCES accounts (id),
    cause        text        NOT NULL CHECK (cause IN ('request', 'expired', 'closed', 'child', 'restored')),
    state        text        NOT NULL CHECK (state IN ('paused', 'running', 'done')),
    fault        text        CHECK (fault IN ('objects', 'server')), -- what the last try failed at
    requested_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    finished_at  timestamptz,
    certificate  text        CHECK (length(certificate) <= 65536), -- a JWS
    CHECK ((state = 'done') = (finished_at IS NOT NULL)),
    CHECK ((state = 'done') = (certificate IS NOT NULL))
);
CREATE INDEX erasures_account ON erasures (account, requested_at);
CREATE INDEX erasures_open ON erasures (requested_at) WHERE state <> 'done';
CREATE INDEX sessions_erased ON sessions (id) WHERE state = 'erased';

-- What each step removed, counted in the transaction that removed it.
CREATE TABLE erasure_counts (
    erasure text        NOT NULL REFERENCES erasures (id),
    step    text        NOT NULL CHECK (step IN ('keys', 'spool', 'objects', 'rows', 'openings', 'verified')),
    what    text        NOT NULL, -- a scope, a table; never a name of anybody's
    amount  bigint      NOT NULL CHECK (amount >= 0),
    at      timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (erasure, step, what)
);

-- The object versions that are to be deleted, written down before they are, so that a crash between the
-- two changes no count. They go when the certificate has summed them up.
CREATE TABLE erasure_objects (
    erasure text NOT NULL REFERENCES erasures (id),
    name    text NOT NULL, -- key and version
    object  text NOT NULL,
    PRIMARY KEY (erasure, name)
);

ALTER TABLE erasures ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasures FORCE ROW LEVEL SECURITY;
ALTER TABLE erasure_counts ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_counts FORCE ROW LEVEL SECURITY;
ALTER TABLE erasure_objects ENABLE ROW LEVEL SECURITY;
ALTER TABLE erasure_objects FORCE ROW LEVEL SECURITY;

-- A candidate asks for the erasure of a session of their own, and watches it.
GRANT SELECT ON erasures, erasure_counts TO greenroom_candidate;
GRANT INSERT (id, session, account, cause, state) ON erasures TO greenroom_candidate;
CREATE POLICY candidate_reads ON erasures FOR SELECT TO greenroom_candidate
    USING (account = (SELECT current_account()));
CREATE POLICY candidate_asks ON erasures FOR INSERT TO greenroom_candidate
    WITH CHECK (account = (SELECT current_account()) AND cause = 'request' AND state <> 'done'
        AND EXISTS (SELECT FROM sessions s WHERE s.id = erasures.session));
CREATE POLICY candidate_reads ON erasure_counts FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM erasures e WHERE e.id = erasure_counts.erasure));

GRANT SELECT ON erasures, erasure_counts TO greenroom_erasure;
GRANT INSERT (id, session, account, cause, state), UPDATE (state, fault, finished_at, certificate) ON erasures TO greenroom_erasure;
GRANT INSERT, UPDATE (amount, at) ON erasure_counts TO greenroom_erasure;
GRANT SELECT, INSERT, DELETE ON erasure_objects TO greenroom_erasure;
CREATE POLICY erasure_all ON erasures TO greenroom_erasure USING (true) WITH CHECK (true);
CREATE POLICY erasure_all ON erasure_counts TO greenroom_erasure USING (true) WITH CHECK (true);
CREATE POLICY erasure_all ON erasure_objects TO greenroom_erasure USING (true) WITH CHECK (true);

-- What the eraser must know of a session, and what it leaves of it: ids and dates.
GRANT SELECT (id, candidate, state, state_at, created_at, ended_at, held_at, notice_sha256) ON sessions TO greenroom_erasure;
GRANT UPDATE (state, state_at, role, role_title, plan, recording, transcription, assessment, media_start) ON sessions TO greenroom_erasure;
CREATE POLICY erasure_finds ON sessions FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_erases ON sessions FOR UPDATE TO greenroom_erasure
    USING (held_at IS NULL) WITH CHECK (state = 'erased' AND held_at IS NULL);

-- What ends with a session that goes by itself; and whom the certificate names: who could see something,
-- and what had been agreed to.
GRANT SELECT ON authorizations, authorization_events TO greenroom_erasure;
GRANT INSERT (authorization_id, org, kind, account) ON authorization_events TO greenroom_erasure;
GRANT SELECT (id, name) ON organizations TO greenroom_erasure;
GRANT SELECT (session, transcription, assessment) ON consent_events TO greenroom_erasure;
GRANT SELECT (sha256, version, materiality, effective_at) ON notices TO greenroom_erasure;
CREATE POLICY erasure_tells ON authorizations FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_tells ON authorization_events FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_ends ON authorization_events FOR INSERT TO greenroom_erasure WITH CHECK (kind = 'revoked' AND account IS NULL);
CREATE POLICY erasure_tells ON organizations FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_tells ON consent_events FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_reads ON notices FOR SELECT TO greenroom_erasure USING (true);

-- Every table that holds something of an interview. consent/catalogue.go lists them; a table that is new
-- there needs these three lines in its own migration.
-- +goose StatementBegin
DO $$
DECLARE
    content text;
BEGIN
    DROP POLICY erasure_all ON segments;
    DROP POLICY erasure_finds ON data_keys;
    DROP POLICY erasure_destroys ON data_keys;
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'evidence', 'ratings', 'rating_notes', 'measurements', 'gaps',
        'segments', 'data_keys', 'session_events'] LOOP
        EXECUTE format('GRANT SELECT (session), DELETE ON %I TO greenroom_erasure', content);
        EXECUTE format('CREATE POLICY erasure_erases ON %1$I TO greenroom_erasure USING (EXISTS (SELECT FROM sessions s
            WHERE s.id = %1$I.session AND s.state = ''erased'' AND s.held_at IS NULL))', content);
    END LOOP;
END $$;
-- +goose StatementEnd

-- What was on its way when a session was erased comes to nothing: the eraser waits for writers that had
-- begun, and these refuse all that begin later.
CREATE POLICY erased_stays ON sessions AS RESTRICTIVE FOR UPDATE TO greenroom_candidate, greenroom_ingest, greenroom_worker
    USING (state <> 'erased') WITH CHECK (true);
CREATE POLICY erased_stays ON session_events AS RESTRICTIVE FOR INSERT TO greenroom_candidate, greenroom_ingest, greenroom_worker
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = session_events.session AND s.state <> 'erased'));
CREATE POLICY erased_stays ON segments AS RESTRICTIVE FOR INSERT TO greenroom_ingest
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = segments.session AND s.state <> 'erased'));
CREATE POLICY erased_stays ON data_keys AS RESTRICTIVE FOR INSERT TO greenroom_keys
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = data_keys.session AND s.state <> 'erased'));
