-- A question that a model asked about an answer, in the place of a probe of the bank. It is made of what was said,
-- and so it is seen by whoever sees the transcript.

-- +goose Up
CREATE TABLE follow_ups (
    session       text        NOT NULL REFERENCES sessions (id),
    question      int         NOT NULL,
    take          int         NOT NULL, -- of an answer that may not be over yet: no reference
    model         text        NOT NULL CHECK (model <> ''),
    prompt_sha256 text        NOT NULL CHECK (prompt_sha256 <> ''),
    bank_sha256   text        NOT NULL,
    at            timestamptz NOT NULL,
    words         bytea       NOT NULL, -- encrypted under the session's transcript key
    PRIMARY KEY (session, question, take) -- one for each
);
ALTER TABLE follow_ups ENABLE ROW LEVEL SECURITY;
ALTER TABLE follow_ups FORCE ROW LEVEL SECURITY;

-- The live side writes down what it asked, once more after a restart in the middle of an answer, and cannot read
-- the words back.
GRANT SELECT (session, question, take), INSERT, UPDATE (model, prompt_sha256, bank_sha256, at, words) ON follow_ups TO greenroom_ingest;
CREATE POLICY ingest_one ON follow_ups TO greenroom_ingest
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = follow_ups.session AND s.state <> 'erased'
        AND s.held_at IS NULL AND s.restricted_at IS NULL));

GRANT SELECT ON follow_ups TO greenroom_candidate, greenroom_employer, greenroom_worker, greenroom_export;
CREATE POLICY candidate_own ON follow_ups FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = follow_ups.session AND s.state <> 'erased' AND s.held_at IS NULL));
CREATE POLICY employer_transcript ON follow_ups FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = follow_ups.session AND a.scopes @> ARRAY['transcript']));
CREATE POLICY session_seen ON follow_ups AS RESTRICTIVE FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = follow_ups.session));
CREATE POLICY worker_one ON follow_ups FOR SELECT TO greenroom_worker
    USING (session = (SELECT current_session_id()) AND EXISTS (SELECT FROM sessions s
        WHERE s.id = follow_ups.session AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));
CREATE POLICY export_reads ON follow_ups FOR SELECT TO greenroom_export USING (export_reads(session));
GRANT SELECT (session), DELETE ON follow_ups TO greenroom_erasure;
CREATE POLICY erasure_erases ON follow_ups TO greenroom_erasure USING (EXISTS (SELECT FROM sessions s
    WHERE s.id = follow_ups.session AND s.state = 'erased' AND s.held_at IS NULL));

ALTER TABLE ai_calls DROP CONSTRAINT ai_calls_purpose_check,
    ADD CONSTRAINT ai_calls_purpose_check CHECK (purpose IN ('evidence', 'rating', 'feedback', 'follow_up'));
