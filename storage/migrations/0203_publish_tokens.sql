-- What a program shows that sends a session's sound and picture in the page's place (WHIP): a ticket that is
-- good more than once, until it ends or a newer one is made. It ends with the log-in that made it.

-- +goose Up
ALTER TABLE room_tickets ADD publishes boolean NOT NULL DEFAULT false;
CREATE UNIQUE INDEX room_tickets_publishes ON room_tickets (session) WHERE publishes;
