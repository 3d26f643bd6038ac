-- A candidate corrects what was written down, against the sound. The rows that everybody reads have the corrected
-- words; what stood there before is the candidate's own, and what was rated before stays beside what is rated anew.

-- +goose Up
ALTER TABLE answers
    ADD revision     int         NOT NULL DEFAULT 0 CHECK (revision >= 0), -- how often words of it were corrected
    ADD corrected_at timestamptz;
ALTER TABLE lines
    ADD revision     int         NOT NULL DEFAULT 0 CHECK (revision >= 0),
    ADD corrected_at timestamptz,
    ADD changed      int         NOT NULL DEFAULT 0 CHECK (changed >= 0); -- words that differ from what the engine wrote
ALTER TABLE evidence ADD superseded_by int CHECK (superseded_by >= 1); -- the revision of the line whose words it is not about; null: current
ALTER TABLE rating_notes ADD superseded_by int CHECK (superseded_by >= 1); -- likewise of the answer
ALTER TABLE ratings
    ADD revision int NOT NULL DEFAULT 0 CHECK (revision >= 0), -- of the answer's words that were rated
    ADD CONSTRAINT ratings_people_rate_none CHECK (rater_kind = 'model' OR revision = 0),
    DROP CONSTRAINT ratings_rater_once,
    ADD CONSTRAINT ratings_rater_once UNIQUE (session, question, take, competency, revision, rater_kind, model, pass, prompt_sha256);
CREATE INDEX answers_corrected ON answers (corrected_at) WHERE revision > 0 AND assessed_at IS NULL;

CREATE TABLE line_originals (
    session  text        NOT NULL REFERENCES sessions (id),
    epoch    int         NOT NULL,
    sequence int         NOT NULL,
    revision int         NOT NULL CHECK (revision >= 0), -- of the line while these were its words; 0: the engine's
    until    timestamptz NOT NULL DEFAULT statement_timestamp(),
    words    bytea       NOT NULL, -- encrypted under the session's feedback key; the candidate's own
    PRIMARY KEY (session, epoch, sequence, revision),
    FOREIGN KEY (session, epoch, sequence) REFERENCES lines (session, epoch, sequence) ON DELETE CASCADE
);
ALTER TABLE line_originals ENABLE ROW LEVEL SECURITY;
ALTER TABLE line_originals FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT (session, epoch, sequence, revision, words) ON line_originals TO greenroom_candidate;
GRANT SELECT ON line_originals TO greenroom_export;
GRANT SELECT (session), DELETE ON line_originals TO greenroom_erasure;
CREATE POLICY candidate_own ON line_originals FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = line_originals.session AND s.state <> 'erased' AND s.held_at IS NULL));
CREATE POLICY candidate_corrects ON line_originals FOR INSERT TO greenroom_candidate
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = line_originals.session
        AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));
CREATE POLICY export_reads ON line_originals FOR SELECT TO greenroom_export USING (export_reads(session));
CREATE POLICY erasure_erases ON line_originals TO greenroom_erasure USING (EXISTS (SELECT FROM sessions s
    WHERE s.id = line_originals.session AND s.state = 'erased' AND s.held_at IS NULL));

-- What a correction changes beside the words: what was found in the old ones is not about the new ones.
GRANT UPDATE (words, interpolated, revision, corrected_at, changed, evidence_at) ON lines TO greenroom_candidate;
GRANT UPDATE (revision, corrected_at, assessed_at) ON answers TO greenroom_candidate;
GRANT UPDATE (superseded_by) ON evidence, rating_notes TO greenroom_candidate;
GRANT DELETE ON feedback, measurements TO greenroom_candidate;
-- +goose StatementBegin
DO $$
DECLARE
    content text;
BEGIN
    FOREACH content IN ARRAY ARRAY['lines', 'answers', 'evidence', 'rating_notes'] LOOP
        EXECUTE format('CREATE POLICY candidate_corrects ON %1$I FOR UPDATE TO greenroom_candidate
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session
                AND s.state <> ''erased'' AND s.held_at IS NULL AND s.restricted_at IS NULL))', content);
    END LOOP;
    FOREACH content IN ARRAY ARRAY['feedback', 'measurements'] LOOP
        EXECUTE format('CREATE POLICY candidate_corrects ON %1$I FOR DELETE TO greenroom_candidate
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session
                AND s.state <> ''erased'' AND s.held_at IS NULL AND s.restricted_at IS NULL))', content);
    END LOOP;
END $$;
-- +goose StatementEnd

-- Employers see that words were corrected, when and how many; of what was said about the old ones only the levels.
GRANT SELECT (revision, corrected_at) ON answers TO greenroom_employer;
GRANT SELECT (revision, corrected_at, changed) ON lines TO greenroom_employer;
CREATE POLICY employer_current ON evidence AS RESTRICTIVE FOR SELECT TO greenroom_employer USING (superseded_by IS NULL);
CREATE POLICY employer_current ON rating_notes AS RESTRICTIVE FOR SELECT TO greenroom_employer USING (superseded_by IS NULL);

-- The worker looks for answers that were corrected and are to be assessed again.
CREATE POLICY worker_finds ON answers FOR SELECT TO greenroom_worker
    USING (revision > 0 AND assessed_at IS NULL AND EXISTS (SELECT FROM sessions s WHERE s.id = answers.session
        AND s.assessment AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));
