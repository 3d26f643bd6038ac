-- The worker looks for answers that are open after their interview: corrected, or left by a job that was lost. In the
-- context of a session it sees that one's alone.

-- +goose Up
CREATE INDEX answers_open ON answers (session) WHERE assessed_at IS NULL;
DROP POLICY worker_finds ON answers;
CREATE POLICY worker_finds ON answers FOR SELECT TO greenroom_worker
    USING ((SELECT current_session_id()) IS NULL AND assessed_at IS NULL AND EXISTS (SELECT FROM sessions s
        WHERE s.id = answers.session AND s.state IN ('ended', 'assessed', 'abandoned')
        AND s.assessment AND s.held_at IS NULL AND s.restricted_at IS NULL));
