-- What the owner may touch when it makes endings true again that a restored backup has forgotten
-- (storage/replay.go). Forced policies bind the owner as well.

-- +goose Up
CREATE POLICY owner_replays ON sessions FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_replays_end ON sessions FOR UPDATE TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_replays ON authorizations FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_replays ON authorization_events FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_replays_end ON authorization_events FOR INSERT TO CURRENT_USER WITH CHECK (kind <> 'granted');
