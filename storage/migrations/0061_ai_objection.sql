-- A candidate may object to AI for everything that is theirs: from then on no session of theirs is sent to
-- a model, here or elsewhere.

-- +goose Up
ALTER TABLE accounts ADD COLUMN ai_objected_at timestamptz;

GRANT SELECT (ai_objected_at), UPDATE (ai_objected_at) ON accounts TO greenroom_candidate;
CREATE POLICY candidate_objects ON accounts FOR UPDATE TO greenroom_candidate
    USING (id = (SELECT current_account()) AND kind = 'candidate' AND closed_at IS NULL)
    WITH CHECK (id = (SELECT current_account()) AND closed_at IS NULL); -- closing is another policy's

-- The assessor and the scribe ask before anything leaves, each about the candidate of its one session. A
-- row that they do not see counts as an objection.
GRANT SELECT (ai_objected_at) ON accounts TO greenroom_worker;
GRANT SELECT (id, ai_objected_at) ON accounts TO greenroom_ingest;
CREATE POLICY ingest_asks ON accounts FOR SELECT TO greenroom_ingest
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = (SELECT current_session_id()) AND s.candidate = accounts.id));

-- What a model says is not written either.
CREATE POLICY worker_unobjected ON ratings AS RESTRICTIVE FOR INSERT TO greenroom_worker
    WITH CHECK (rater_kind <> 'model' OR EXISTS (SELECT FROM accounts a JOIN sessions s ON s.candidate = a.id
        WHERE s.id = ratings.session AND a.ai_objected_at IS NULL));
CREATE POLICY worker_unobjected ON evidence AS RESTRICTIVE FOR INSERT TO greenroom_worker
    WITH CHECK (rater ->> 'kind' <> 'model' OR EXISTS (SELECT FROM accounts a JOIN sessions s ON s.candidate = a.id
        WHERE s.id = evidence.session AND a.ai_objected_at IS NULL));
