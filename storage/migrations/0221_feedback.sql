-- What a model says to the candidate about one answer, sentence by sentence, with what each rests on. It may
-- quote, so it needs what a quote needs.

-- +goose Up
CREATE TABLE feedback (
    session       text        NOT NULL,
    question      int         NOT NULL,
    take          int         NOT NULL,
    model         text        NOT NULL CHECK (model <> ''),
    prompt_sha256 text        NOT NULL CHECK (prompt_sha256 <> ''),
    bank_sha256   text        NOT NULL,
    at            timestamptz NOT NULL,
    items         bytea       NOT NULL, -- encrypted under the session's feedback key
    PRIMARY KEY (session, question, take),
    FOREIGN KEY (session, question, take) REFERENCES answers (session, question, take)
);
ALTER TABLE feedback ENABLE ROW LEVEL SECURITY;
ALTER TABLE feedback FORCE ROW LEVEL SECURITY;

GRANT SELECT ON feedback TO greenroom_candidate, greenroom_employer, greenroom_export;
GRANT SELECT, INSERT, UPDATE, DELETE ON feedback TO greenroom_worker;
GRANT SELECT (session), DELETE ON feedback TO greenroom_erasure;
CREATE POLICY candidate_own ON feedback FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = feedback.session AND s.state <> 'erased' AND s.held_at IS NULL));
CREATE POLICY employer_feedback ON feedback FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = feedback.session
        AND a.scopes @> ARRAY['feedback', 'transcript']));
CREATE POLICY session_seen ON feedback AS RESTRICTIVE FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = feedback.session));
CREATE POLICY worker_one ON feedback TO greenroom_worker
    USING (session = (SELECT current_session_id()) AND EXISTS (SELECT FROM sessions s
        WHERE s.id = feedback.session AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));
CREATE POLICY worker_unobjected ON feedback AS RESTRICTIVE FOR INSERT TO greenroom_worker
    WITH CHECK (EXISTS (SELECT FROM accounts a JOIN sessions s ON s.candidate = a.id
        WHERE s.id = feedback.session AND a.ai_objected_at IS NULL));
CREATE POLICY export_reads ON feedback FOR SELECT TO greenroom_export USING (export_reads(session));
CREATE POLICY erasure_erases ON feedback TO greenroom_erasure USING (EXISTS (SELECT FROM sessions s
    WHERE s.id = feedback.session AND s.state = 'erased' AND s.held_at IS NULL));

ALTER TABLE ai_calls DROP CONSTRAINT ai_calls_purpose_check,
    ADD CONSTRAINT ai_calls_purpose_check CHECK (purpose IN ('evidence', 'rating', 'feedback'));
