-- Who has something of a session open, on any node, and whom an end cut off, after how long.

-- +goose Up

-- One row for each person of an organization and kind of stream. A node that has such a stream open
-- writes seen_at every few seconds; a row that was not seen for a while is nobody.
CREATE TABLE viewers (
    session text        NOT NULL REFERENCES sessions (id),
    account text        NOT NULL REFERENCES accounts (id),
    stream  text        NOT NULL CHECK (stream IN ('media', 'events')),
    org     text        NOT NULL REFERENCES organizations (id),
    since   timestamptz NOT NULL DEFAULT statement_timestamp(),
    seen_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (session, account, stream)
);

CREATE TABLE cut_offs (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session  text        NOT NULL REFERENCES sessions (id),
    org      text        NOT NULL REFERENCES organizations (id),
    account  text        NOT NULL REFERENCES accounts (id),
    stream   text        NOT NULL CHECK (stream IN ('media', 'events')),
    cause    text        NOT NULL CHECK (cause IN ('withdrawn', 'revoked', 'superseded', 'expired', 'suspended', 'notice',
        'membership', 'role', 'organization', 'unknown')),
    ended_by bigint      REFERENCES authorization_events (id), -- where an event of the record ended it
    after_ms int         CHECK (after_ms >= 0), -- by the database's clock; NULL where the cause is unknown
    at       timestamptz NOT NULL DEFAULT statement_timestamp(),
    CHECK ((cause = 'unknown') = (after_ms IS NULL))
);
CREATE INDEX cut_offs_session ON cut_offs (session, id);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON cut_offs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE viewers ENABLE ROW LEVEL SECURITY;
ALTER TABLE viewers FORCE ROW LEVEL SECURITY;
ALTER TABLE cut_offs ENABLE ROW LEVEL SECURITY;
ALTER TABLE cut_offs FORCE ROW LEVEL SECURITY;

GRANT SELECT (session, stream, org, since, seen_at) ON viewers TO greenroom_candidate;
CREATE POLICY candidate_own ON viewers FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = viewers.session));
GRANT SELECT (id, session, org, stream, cause, after_ms, at) ON cut_offs TO greenroom_candidate;
CREATE POLICY candidate_own ON cut_offs FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = cut_offs.session));

-- The node that had the stream open writes both, about the one session and viewer of its transaction,
-- and looks for what ended the view: ids and times.
GRANT SELECT, INSERT (session, account, stream, org), UPDATE (org, since, seen_at), DELETE ON viewers TO greenroom_audit;
CREATE POLICY audit_one ON viewers TO greenroom_audit
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id())
        AND account = (SELECT current_account()) AND org = (SELECT current_org()));
GRANT INSERT (session, org, account, stream, cause, ended_by, after_ms) ON cut_offs TO greenroom_audit;
CREATE POLICY audit_one ON cut_offs FOR INSERT TO greenroom_audit
    WITH CHECK (session = (SELECT current_session_id()) AND account = (SELECT current_account()) AND org = (SELECT current_org()));
GRANT SELECT (id, session, org, valid_until, notice_version) ON authorizations TO greenroom_audit;
GRANT SELECT (id, authorization_id, kind, at) ON authorization_events TO greenroom_audit;
GRANT SELECT (id, suspended_at) ON organizations TO greenroom_audit;
GRANT SELECT (account, org, ended_at, role, role_at) ON members TO greenroom_audit;
GRANT SELECT (version, materiality, effective_at) ON notices TO greenroom_audit;
CREATE POLICY audit_one ON authorizations FOR SELECT TO greenroom_audit
    USING (session = (SELECT current_session_id()) AND org = (SELECT current_org()));
CREATE POLICY audit_one ON authorization_events FOR SELECT TO greenroom_audit
    USING (EXISTS (SELECT FROM authorizations a WHERE a.id = authorization_events.authorization_id));
CREATE POLICY audit_one ON organizations FOR SELECT TO greenroom_audit USING (id = (SELECT current_org()));
CREATE POLICY audit_one ON members FOR SELECT TO greenroom_audit USING (account = (SELECT current_account()));
CREATE POLICY audit_compares ON notices FOR SELECT TO greenroom_audit USING (true);

-- What was not seen for an hour is of no use to anybody.
GRANT SELECT (seen_at), DELETE ON viewers TO greenroom_worker;
CREATE POLICY worker_sweeps ON viewers TO greenroom_worker USING (seen_at < statement_timestamp() - interval '1 hour');
