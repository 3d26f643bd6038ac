-- Which model was asked about a session, in which words of ours, and when: also where nothing came of it.
-- What was sent is the session's own transcript and is not here.
--
-- And what a candidate may count of what is held about them, and correct.

-- +goose Up
CREATE TABLE ai_calls (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session       text        NOT NULL, -- no reference: who was asked is told when the session is long erased
    at            timestamptz NOT NULL DEFAULT statement_timestamp(),
    purpose       text        NOT NULL CHECK (purpose IN ('evidence', 'rating')),
    model         text        NOT NULL,
    place         text        NOT NULL, -- the host that was sent the words
    prompt_sha256 text        NOT NULL
);
CREATE INDEX ai_calls_session ON ai_calls (session, id);
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON ai_calls FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE ai_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE ai_calls FORCE ROW LEVEL SECURITY;

GRANT INSERT (session, purpose, model, place, prompt_sha256) ON ai_calls TO greenroom_worker;
CREATE POLICY worker_notes ON ai_calls FOR INSERT TO greenroom_worker WITH CHECK (session = (SELECT current_session_id()));
GRANT SELECT ON ai_calls TO greenroom_candidate, greenroom_export;
CREATE POLICY candidate_own ON ai_calls FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = ai_calls.session));
CREATE POLICY export_reads ON ai_calls FOR SELECT TO greenroom_export USING (export_reads(session));
GRANT SELECT (id, session, at), DELETE ON ai_calls TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON ai_calls TO greenroom_erasure USING (true);

GRANT SELECT (account, created_at, absolute_until) ON log_ins TO greenroom_candidate;
CREATE POLICY candidate_counts ON log_ins FOR SELECT TO greenroom_candidate USING (account = (SELECT current_account()));
GRANT SELECT (id, account, state, bytes, requested_at, gone_at) ON exports TO greenroom_candidate;
CREATE POLICY candidate_counts ON exports FOR SELECT TO greenroom_candidate USING (account = (SELECT current_account()));
GRANT SELECT (created_at) ON accounts TO greenroom_candidate;

GRANT UPDATE (email) ON accounts TO greenroom_login;
INSERT INTO ledger_writers (role, kind) VALUES ('greenroom_login', 'correction');
