-- The index of recorded segments: a row exists once the object store has the object.

-- +goose Up
CREATE TABLE segments (
    idx        bigint      GENERATED ALWAYS AS IDENTITY UNIQUE, -- rises within a session in the order rows become visible
    session    text        NOT NULL REFERENCES sessions (id),
    kind       text        NOT NULL CHECK (kind IN ('audio', 'video')),
    epoch      int         NOT NULL CHECK (epoch >= 0),
    sequence   int         NOT NULL CHECK (sequence >= 0),
    object_key text        NOT NULL UNIQUE,
    size       bigint      NOT NULL CHECK (size > 0),  -- of the object, in bytes
    sha256     bytea       NOT NULL CHECK (length(sha256) = 32),
    start_us   bigint      NOT NULL CHECK (start_us >= 0), -- media time
    end_us     bigint      NOT NULL CHECK (end_us >= start_us),
    width      int         NOT NULL,
    height     int         NOT NULL,
    codec      text        NOT NULL CHECK (codec IN ('opus', 'vp8', 'vp9')),
    forced     boolean     NOT NULL,
    blocks     bytea       NOT NULL, -- where every frame lies, encrypted under the scope's key
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (session, kind, epoch, sequence)
);
ALTER TABLE segments ENABLE ROW LEVEL SECURITY;
ALTER TABLE segments FORCE ROW LEVEL SECURITY;

GRANT SELECT ON segments TO greenroom_candidate, greenroom_employer;
CREATE POLICY candidate_own ON segments FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = segments.session));
CREATE POLICY employer_recording ON segments FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = segments.session
        AND a.scopes @> ARRAY['recording.' || segments.kind]));

GRANT SELECT (session, kind, epoch, sequence), INSERT ON segments TO greenroom_ingest;
CREATE POLICY ingest_one ON segments TO greenroom_ingest
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));

GRANT SELECT (size) ON segments TO greenroom_audit;
CREATE POLICY audit_counts ON segments FOR SELECT TO greenroom_audit USING (true);

GRANT SELECT (session), DELETE ON segments TO greenroom_erasure;
CREATE POLICY erasure_all ON segments TO greenroom_erasure USING (true);
