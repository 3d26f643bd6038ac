-- The wrapped data keys, one for each session and scope, and what the key service looks at before it
-- unwraps one. It repeats the question whether the reader may, in its own words, in its own query.

-- +goose Up
CREATE TABLE data_keys (
    session    text        NOT NULL REFERENCES sessions (id),
    scope      text        NOT NULL CHECK (scope IN
        ('recording.audio', 'recording.video', 'transcript', 'feedback')),
    wrapped    bytea       NOT NULL,
    master_key text        NOT NULL, -- short name of the master key that wrapped it
    created_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (session, scope)
);
ALTER TABLE data_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE data_keys FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT ON data_keys TO greenroom_keys;
CREATE POLICY keys_reads ON data_keys FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_adds ON data_keys FOR INSERT TO greenroom_keys WITH CHECK (true);

-- Erasing a session begins here. The eraser can destroy keys but not read them.
GRANT SELECT (session, scope), DELETE ON data_keys TO greenroom_erasure;
CREATE POLICY erasure_finds ON data_keys FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_destroys ON data_keys FOR DELETE TO greenroom_erasure USING (true);

GRANT SELECT (id, candidate, state, recording, transcription, assessment) ON sessions TO greenroom_keys;
GRANT SELECT (id, closed_at) ON accounts TO greenroom_keys;
GRANT SELECT (account, org, ended_at) ON members TO greenroom_keys;
GRANT SELECT (id, session, org, scopes, valid_from, valid_until) ON authorizations TO greenroom_keys;
GRANT SELECT (authorization_id, kind) ON authorization_events TO greenroom_keys;
CREATE POLICY keys_checks ON sessions FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_checks ON accounts FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_checks ON members FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_checks ON authorizations FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_checks ON authorization_events FOR SELECT TO greenroom_keys USING (true);
