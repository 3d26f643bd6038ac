-- What the assessor masks before anything leaves this server: the name and the mail address of the
-- candidate of the one session that it works on, and of nobody else.

-- +goose Up
GRANT SELECT (id, display_name, email) ON accounts TO greenroom_worker;
CREATE POLICY worker_masks ON accounts FOR SELECT TO greenroom_worker
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = (SELECT current_session_id()) AND s.candidate = accounts.id));
