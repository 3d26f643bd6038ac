-- Sessions, the notice a candidate answers, and what happens to both.

-- +goose Up
CREATE TABLE notices (
    sha256     text        PRIMARY KEY CHECK (length(sha256) = 64),
    version    text        NOT NULL,
    text       text        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT statement_timestamp()
);

CREATE TABLE sessions (
    id            text        PRIMARY KEY CHECK (length(id) = 26),
    candidate     text        NOT NULL REFERENCES accounts (id),
    state         text        NOT NULL DEFAULT 'scheduled' CHECK (state IN
        ('scheduled', 'consented', 'live', 'ended', 'assessed', 'abandoned', 'erased')),
    role          text        NOT NULL,
    role_title    text        NOT NULL,
    mode          text        NOT NULL CHECK (mode IN ('practice', 'exam')),
    plan          jsonb       NOT NULL,
    recording     boolean     NOT NULL DEFAULT false,
    transcription boolean     NOT NULL DEFAULT false,
    assessment    boolean     NOT NULL DEFAULT false,
    notice_sha256 text        REFERENCES notices (sha256),
    epoch         int         NOT NULL DEFAULT 0, -- counts the processes that have held the session
    event_seq     bigint      NOT NULL DEFAULT 0, -- the last number used in session_events
    created_at    timestamptz NOT NULL DEFAULT statement_timestamp(),
    state_at      timestamptz NOT NULL DEFAULT statement_timestamp(),
    media_start   timestamptz,                    -- wall time of media time zero
    ended_at      timestamptz,
    CHECK (transcription OR NOT assessment),
    CHECK (notice_sha256 IS NOT NULL OR NOT (recording OR transcription)),
    CHECK (state IN ('scheduled', 'abandoned', 'erased') OR notice_sha256 IS NOT NULL)
);
CREATE INDEX sessions_candidate ON sessions (candidate, created_at);
CREATE INDEX sessions_open ON sessions (state_at) WHERE state IN ('scheduled', 'consented', 'live');

CREATE TABLE consent_events (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session       text        NOT NULL REFERENCES sessions (id),
    account       text        NOT NULL REFERENCES accounts (id),
    at            timestamptz NOT NULL DEFAULT statement_timestamp(),
    kind          text        NOT NULL CHECK (kind IN ('answered', 'withdrawn')),
    withdrawn     text        CHECK (withdrawn IN ('recording', 'transcription', 'assessment')),
    recording     boolean     NOT NULL, -- the three consents after the event
    transcription boolean     NOT NULL,
    assessment    boolean     NOT NULL,
    notice_sha256 text        NOT NULL REFERENCES notices (sha256),
    CHECK ((kind = 'withdrawn') = (withdrawn IS NOT NULL))
);
CREATE INDEX consent_events_session ON consent_events (session, id);

CREATE TABLE session_events (
    session text        NOT NULL REFERENCES sessions (id),
    seq     bigint      NOT NULL,
    at      timestamptz NOT NULL DEFAULT statement_timestamp(),
    kind    text        NOT NULL,
    detail  jsonb       NOT NULL DEFAULT '{}', -- ids, numbers and names of states, never words
    PRIMARY KEY (session, seq)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON consent_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE notices ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices FORCE ROW LEVEL SECURITY;
ALTER TABLE sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE sessions FORCE ROW LEVEL SECURITY;
ALTER TABLE consent_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE consent_events FORCE ROW LEVEL SECURITY;
ALTER TABLE session_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE session_events FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON notices TO greenroom_candidate;
CREATE POLICY candidate_reads ON notices FOR SELECT TO greenroom_candidate USING (true);
CREATE POLICY candidate_adds ON notices FOR INSERT TO greenroom_candidate
    WITH CHECK (sha256 = encode(sha256(convert_to(text, 'UTF8')), 'hex'));

GRANT SELECT ON sessions TO greenroom_candidate, greenroom_ingest, greenroom_worker;
GRANT INSERT (id, candidate, role, role_title, mode, plan) ON sessions TO greenroom_candidate;
GRANT UPDATE (state, state_at, recording, transcription, assessment, notice_sha256, event_seq)
    ON sessions TO greenroom_candidate;
GRANT UPDATE (state, state_at, epoch, media_start, ended_at, event_seq) ON sessions TO greenroom_ingest;
GRANT UPDATE (state, state_at, event_seq) ON sessions TO greenroom_worker;
GRANT SELECT (state) ON sessions TO greenroom_audit;
CREATE POLICY candidate_own ON sessions TO greenroom_candidate
    USING (candidate = (SELECT current_account())) WITH CHECK (candidate = (SELECT current_account()));
CREATE POLICY ingest_one ON sessions TO greenroom_ingest
    USING (id = (SELECT current_session_id())) WITH CHECK (id = (SELECT current_session_id()));
-- The timer that abandons stale sessions looks at all of them.
CREATE POLICY worker_all ON sessions TO greenroom_worker USING (true) WITH CHECK (true);
CREATE POLICY audit_counts ON sessions FOR SELECT TO greenroom_audit USING (true);

GRANT SELECT, INSERT ON consent_events TO greenroom_candidate;
CREATE POLICY candidate_reads ON consent_events FOR SELECT TO greenroom_candidate
    USING (account = (SELECT current_account()));
CREATE POLICY candidate_adds ON consent_events FOR INSERT TO greenroom_candidate
    WITH CHECK (account = (SELECT current_account())
        AND EXISTS (SELECT FROM sessions s WHERE s.id = consent_events.session));

GRANT SELECT, INSERT ON session_events TO greenroom_candidate, greenroom_ingest, greenroom_worker;
CREATE POLICY candidate_own ON session_events TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = session_events.session))
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = session_events.session));
CREATE POLICY ingest_one ON session_events TO greenroom_ingest
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY worker_adds ON session_events TO greenroom_worker USING (true) WITH CHECK (true);
