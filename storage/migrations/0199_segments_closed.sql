-- The recording is closed with its session, as 0011 says of everything else; in a new database that is
-- older than this table.

-- +goose Up
CREATE POLICY session_open ON segments AS RESTRICTIVE TO greenroom_candidate, greenroom_employer
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = segments.session AND s.state <> 'erased' AND s.held_at IS NULL));
