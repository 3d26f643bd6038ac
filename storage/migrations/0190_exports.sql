-- Copies of a candidate's data that they asked for.
--
-- Who does what: the export plane takes the request and reads what goes into the file, each time for the
-- account in its context, and content only while that account's export is being made. The worker plane
-- keeps the books: whose turn it is, how far it came. The key service gives the key of the file.

-- +goose Up
CREATE TABLE exports (
    id           text        PRIMARY KEY CHECK (length(id) = 26),
    account      text        NOT NULL REFERENCES accounts (id),
    whole        boolean     NOT NULL, -- everything of the account; otherwise one session
    state        text        NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'ready', 'failed', 'gone')),
    fault        text        CHECK (fault IN ('erased', 'held', 'live', 'closed', 'server')),
    requested_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    beat_at      timestamptz NOT NULL DEFAULT statement_timestamp(), -- when whoever makes it was last heard of
    finished_at  timestamptz,
    gone_at      timestamptz, -- exclusive
    attempt      int         NOT NULL DEFAULT 0 CHECK (attempt >= 0), -- each begins its file anew
    bytes        bigint      NOT NULL DEFAULT 0 CHECK (bytes >= 0),
    kept         boolean     NOT NULL DEFAULT false, -- the store may have something of it
    CHECK ((state = 'failed') = (fault IS NOT NULL)),
    CHECK (state NOT IN ('ready', 'failed') OR finished_at IS NOT NULL),
    CHECK (state <> 'ready' OR gone_at > finished_at)
);
CREATE INDEX exports_account ON exports (account, requested_at);
-- One at a time: it is work, and a second copy.
CREATE UNIQUE INDEX exports_one_open ON exports (account) WHERE state IN ('queued', 'running');

CREATE TABLE export_sessions (
    export  text    NOT NULL REFERENCES exports (id) ON DELETE CASCADE,
    session text    NOT NULL, -- no reference: that it was left out is told when it is long erased
    done    boolean NOT NULL DEFAULT false,
    fault   text    CHECK (fault IN ('erased', 'held', 'live')), -- why it is not in the file
    PRIMARY KEY (export, session),
    CHECK (NOT (done AND fault IS NOT NULL))
);
CREATE INDEX export_sessions_session ON export_sessions (session);

-- The key of each file, wrapped like the data keys, and like them never in a backup of the data.
CREATE TABLE export_keys (
    export     text        PRIMARY KEY REFERENCES exports (id) ON DELETE CASCADE,
    wrapped    bytea       NOT NULL,
    master_key text        NOT NULL,
    epoch      int         NOT NULL CHECK (epoch > 0), -- never sealed anew: the file is gone long before its epoch ends
    created_at timestamptz NOT NULL DEFAULT statement_timestamp()
);

ALTER TABLE exports ENABLE ROW LEVEL SECURITY;
ALTER TABLE exports FORCE ROW LEVEL SECURITY;
ALTER TABLE export_sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE export_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE export_keys FORCE ROW LEVEL SECURITY;

-- The request, and the list of what was asked for.
GRANT SELECT ON exports, export_sessions TO greenroom_export;
GRANT INSERT (id, account, whole) ON exports TO greenroom_export;
GRANT INSERT (export, session) ON export_sessions TO greenroom_export;
CREATE POLICY export_own ON exports TO greenroom_export
    USING (account = (SELECT current_account())) WITH CHECK (account = (SELECT current_account()) AND state = 'queued');
CREATE POLICY export_own ON export_sessions TO greenroom_export
    USING (EXISTS (SELECT FROM exports e WHERE e.id = export_sessions.export))
    WITH CHECK (EXISTS (SELECT FROM exports e WHERE e.id = export_sessions.export AND e.state = 'queued')
        AND EXISTS (SELECT FROM sessions s WHERE s.id = export_sessions.session));
GRANT USAGE ON SCHEMA river TO greenroom_export;
GRANT SELECT, INSERT, UPDATE ON river.river_job TO greenroom_export;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO greenroom_export;

-- The books.
GRANT SELECT ON exports, export_sessions TO greenroom_worker;
GRANT UPDATE (state, fault, beat_at, finished_at, gone_at, attempt, bytes, kept) ON exports TO greenroom_worker;
GRANT UPDATE (done, fault) ON export_sessions TO greenroom_worker;
CREATE POLICY worker_keeps ON exports TO greenroom_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_keeps ON export_sessions TO greenroom_worker USING (true) WITH CHECK (true);

-- The keys.
GRANT SELECT (id, account, state, gone_at) ON exports TO greenroom_keys;
GRANT SELECT (export, session, done) ON export_sessions TO greenroom_keys;
GRANT SELECT, INSERT, DELETE ON export_keys TO greenroom_keys;
CREATE POLICY keys_checks ON exports FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_checks ON export_sessions FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_keeps ON export_keys TO greenroom_keys USING (true) WITH CHECK (true);

-- The eraser finds what is over, or has something in it that was erased, and takes it away.
GRANT SELECT ON exports, export_sessions TO greenroom_erasure;
GRANT UPDATE (state, kept), DELETE ON exports TO greenroom_erasure;
GRANT SELECT (export), DELETE ON export_keys TO greenroom_erasure;
CREATE POLICY erasure_ends ON exports TO greenroom_erasure USING (true) WITH CHECK (state IN ('queued', 'failed', 'gone'));
CREATE POLICY erasure_finds ON export_sessions FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_destroys ON export_keys TO greenroom_erasure USING (true);

-- What an export may read of a session now: it is of the account in the context, and named by an export
-- of that account that is being made. It runs with its caller's rights, under the policies above.
CREATE FUNCTION export_reads(wanted text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (SELECT FROM export_sessions x JOIN exports e ON e.id = x.export JOIN sessions s ON s.id = x.session
        WHERE x.session = wanted AND e.account = (SELECT current_account()) AND e.state = 'running'
        AND s.candidate = e.account AND s.state NOT IN ('live', 'erased') AND s.held_at IS NULL);

CREATE FUNCTION export_runs() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
    RETURN EXISTS (SELECT FROM exports e WHERE e.account = (SELECT current_account()) AND e.state = 'running');

-- Of sessions it always sees its account's: also that one is erased or held, to say why it is left out.
GRANT SELECT (id, candidate, state, role, role_title, mode, plan, recording, transcription, assessment, notice_sha256,
    created_at, media_start, ended_at, restricted_at, held_at) ON sessions TO greenroom_export;
CREATE POLICY export_own ON sessions FOR SELECT TO greenroom_export USING (candidate = (SELECT current_account()));
GRANT SELECT (id, kind, email, display_name, age_rule, created_at, closed_at) ON accounts TO greenroom_export;
CREATE POLICY export_own ON accounts FOR SELECT TO greenroom_export USING (id = (SELECT current_account()));
GRANT SELECT (account, created_at, absolute_until) ON log_ins TO greenroom_export;
CREATE POLICY export_own ON log_ins FOR SELECT TO greenroom_export USING (account = (SELECT current_account()) AND (SELECT export_runs()));

GRANT SELECT (id, seq, session, account, side, notice_sha256, jws) ON receipts TO greenroom_export;
CREATE POLICY export_own ON receipts FOR SELECT TO greenroom_export
    USING (side = 'candidate' AND account = (SELECT current_account()) AND (SELECT export_runs()));
GRANT SELECT ON ledger_openings TO greenroom_export;
CREATE POLICY export_own ON ledger_openings FOR SELECT TO greenroom_export
    USING (account = (SELECT current_account()) AND (SELECT export_runs()));

GRANT SELECT ON answers, lines, evidence, ratings, rating_notes, measurements, gaps, segments, consent_events, session_events,
    authorizations, authorization_events TO greenroom_export;
GRANT SELECT (id, session, org, artefact, at) ON accesses TO greenroom_export; -- not which of their people looked
GRANT SELECT (id, name) ON organizations TO greenroom_export;
GRANT SELECT ON notices TO greenroom_export;
CREATE POLICY export_reads ON notices FOR SELECT TO greenroom_export USING (true);
CREATE POLICY export_names ON organizations FOR SELECT TO greenroom_export
    USING (EXISTS (SELECT FROM authorizations a WHERE a.org = organizations.id));
CREATE POLICY export_reads ON authorization_events FOR SELECT TO greenroom_export
    USING (EXISTS (SELECT FROM authorizations a WHERE a.id = authorization_events.authorization_id));
-- +goose StatementBegin
DO $$
DECLARE
    content text;
BEGIN
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'evidence', 'ratings', 'rating_notes', 'measurements', 'gaps', 'segments',
        'consent_events', 'session_events', 'authorizations', 'accesses'] LOOP
        EXECUTE format('CREATE POLICY export_reads ON %1$I FOR SELECT TO greenroom_export USING (export_reads(session))', content);
    END LOOP;
END $$;
-- +goose StatementEnd
