-- What a page shows, once and within half a minute, when it opens the WebSocket of a room. It lives in
-- the database so that every node can take it.

-- +goose Up
CREATE TABLE room_tickets (
    ticket_sha256 bytea       PRIMARY KEY CHECK (length(ticket_sha256) = 32),
    log_in        bytea       NOT NULL REFERENCES log_ins (token_sha256) ON DELETE CASCADE,
    session       text        NOT NULL CHECK (length(session) = 26),
    expires_at    timestamptz NOT NULL
);
CREATE INDEX room_tickets_log_in ON room_tickets (log_in);
ALTER TABLE room_tickets ENABLE ROW LEVEL SECURITY;
ALTER TABLE room_tickets FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT, DELETE ON room_tickets TO greenroom_login;
CREATE POLICY login_all ON room_tickets TO greenroom_login USING (true) WITH CHECK (true);
