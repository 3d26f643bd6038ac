-- How an organization comes to ask for a session, who may end or pause what, and what is noted about it.

-- +goose Up

-- An invitation opens nothing. Its secret lets one employer ask once; what was asked for is a record in
-- state requested, of which the organization sees nothing until the candidate confirms it.
CREATE TABLE invitations (
    id               text        PRIMARY KEY CHECK (length(id) = 26),
    session          text        NOT NULL REFERENCES sessions (id),
    secret_sha256    text        NOT NULL UNIQUE CHECK (secret_sha256 ~ '^[0-9a-f]{64}$'),
    purpose          text        NOT NULL CHECK (purpose IN ('practice_review', 'hiring')),
    scopes           text[]      NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY[
        'ratings', 'feedback', 'transcript', 'recording.audio', 'recording.video', 'resume', 'profile']),
    valid_until      timestamptz NOT NULL, -- of the record
    notice_sha256    text        NOT NULL,
    notice_version   int         NOT NULL,
    created_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
    expires_at       timestamptz NOT NULL DEFAULT statement_timestamp() + interval '14 days', -- of the invitation
    cancelled_at     timestamptz,
    redeemed_at      timestamptz,
    authorization_id text        REFERENCES authorizations (id) DEFERRABLE INITIALLY DEFERRED, -- it is claimed first
    FOREIGN KEY (notice_sha256, notice_version) REFERENCES notices (sha256, version),
    CHECK (valid_until > created_at AND valid_until <= created_at + interval '180 days'),
    CHECK ((redeemed_at IS NULL) = (authorization_id IS NULL)),
    CHECK (cancelled_at IS NULL OR redeemed_at IS NULL)
);
CREATE INDEX invitations_session ON invitations (session, created_at);
CREATE UNIQUE INDEX authorizations_invitation ON authorizations (invitation) WHERE invitation IS NOT NULL;
ALTER TABLE authorizations ADD FOREIGN KEY (invitation) REFERENCES invitations (id);

ALTER TABLE invitations ENABLE ROW LEVEL SECURITY;
ALTER TABLE invitations FORCE ROW LEVEL SECURITY;
GRANT SELECT (id, session, purpose, scopes, valid_until, created_at, expires_at, cancelled_at, redeemed_at, authorization_id)
    ON invitations TO greenroom_candidate;
GRANT INSERT (id, session, secret_sha256, purpose, scopes, valid_until, notice_sha256, notice_version) ON invitations TO greenroom_candidate;
GRANT UPDATE (cancelled_at) ON invitations TO greenroom_candidate;
CREATE POLICY candidate_reads ON invitations FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = invitations.session));
CREATE POLICY candidate_adds ON invitations FOR INSERT TO greenroom_candidate
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = invitations.session
        AND s.held_at IS NULL AND s.restricted_at IS NULL));
CREATE POLICY candidate_cancels ON invitations FOR UPDATE TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = invitations.session));

-- An employer sees an invitation only while it holds the secret, and only one that is still good.
GRANT SELECT (id, session, purpose, scopes, valid_until, notice_sha256, notice_version, secret_sha256, expires_at, cancelled_at, redeemed_at)
    ON invitations TO greenroom_employer;
GRANT UPDATE (redeemed_at, authorization_id) ON invitations TO greenroom_employer;
CREATE POLICY employer_holds_secret ON invitations FOR SELECT TO greenroom_employer
    USING (secret_sha256 = (SELECT current_invitation()));
CREATE POLICY employer_redeems ON invitations FOR UPDATE TO greenroom_employer
    USING (secret_sha256 = (SELECT current_invitation()) AND redeemed_at IS NULL AND cancelled_at IS NULL
        AND statement_timestamp() < expires_at AND statement_timestamp() < valid_until
        AND EXISTS (SELECT FROM members m WHERE m.account = (SELECT current_account()) AND m.org = (SELECT current_org())
            AND m.ended_at IS NULL AND m.role = 'reviewer')
        AND EXISTS (SELECT FROM organizations o WHERE o.id = (SELECT current_org()) AND o.suspended_at IS NULL))
    WITH CHECK (secret_sha256 = (SELECT current_invitation()));

-- The record it makes has the invitation's terms and no others, and is only asked for.
GRANT INSERT (id, session, org, purpose, scopes, valid_until, notice_sha256, notice_version, invitation, requested_by)
    ON authorizations TO greenroom_employer;
CREATE POLICY employer_asks ON authorizations FOR INSERT TO greenroom_employer
    WITH CHECK (org = (SELECT current_org()) AND requested_by = (SELECT current_account())
        AND EXISTS (SELECT FROM members m WHERE m.account = requested_by AND m.org = authorizations.org
            AND m.ended_at IS NULL AND m.role = 'reviewer')
        AND EXISTS (SELECT FROM invitations i WHERE i.id = authorizations.invitation AND i.session = authorizations.session
            AND i.purpose = authorizations.purpose AND i.scopes = authorizations.scopes AND i.valid_until = authorizations.valid_until
            AND i.notice_sha256 = authorizations.notice_sha256));
GRANT INSERT (authorization_id, org, kind, account) ON authorization_events TO greenroom_employer;
CREATE POLICY employer_asks ON authorization_events FOR INSERT TO greenroom_employer
    WITH CHECK (kind = 'requested' AND org = (SELECT current_org()) AND account = (SELECT current_account()));

-- What an organization asked for, for its own list. It cannot be read out of authorizations: a record
-- that an employer could see there would open the session. So this says nothing of the session.
CREATE TABLE requests (
    authorization_id text        PRIMARY KEY REFERENCES authorizations (id),
    org              text        NOT NULL REFERENCES organizations (id),
    account          text        NOT NULL REFERENCES accounts (id),
    purpose          text        NOT NULL,
    scopes           text[]      NOT NULL,
    valid_until      timestamptz NOT NULL,
    at               timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE INDEX requests_org ON requests (org, at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON requests
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE requests ENABLE ROW LEVEL SECURITY;
ALTER TABLE requests FORCE ROW LEVEL SECURITY;
GRANT SELECT, INSERT (authorization_id, org, account, purpose, scopes, valid_until) ON requests TO greenroom_employer;
CREATE POLICY employer_own ON requests FOR SELECT TO greenroom_employer
    USING (org = (SELECT current_org()) AND EXISTS (SELECT FROM members m
        WHERE m.account = (SELECT current_account()) AND m.org = requests.org AND m.ended_at IS NULL AND m.role = 'reviewer'));
CREATE POLICY employer_adds ON requests FOR INSERT TO greenroom_employer
    WITH CHECK (org = (SELECT current_org()) AND account = (SELECT current_account()));

-- The candidate sees the name of who asked.
CREATE POLICY candidate_asked ON accounts FOR SELECT TO greenroom_candidate
    USING (kind = 'employer' AND EXISTS (SELECT FROM authorizations a WHERE a.requested_by = accounts.id));

GRANT SELECT (reason) ON authorization_events TO greenroom_employer;

ALTER TABLE members ADD role_at timestamptz; -- of its last change

-- Legal holds, for the operator alone.
CREATE TABLE holds (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session       text        NOT NULL REFERENCES sessions (id),
    reason        text        NOT NULL CHECK (length(reason) BETWEEN 1 AND 1000),
    authority     text        NOT NULL CHECK (length(authority) BETWEEN 1 AND 1000),
    placed_at     timestamptz NOT NULL DEFAULT statement_timestamp(),
    lifted_at     timestamptz,
    lifted_reason text        CHECK (length(lifted_reason) BETWEEN 1 AND 1000),
    CHECK ((lifted_at IS NULL) = (lifted_reason IS NULL))
);
CREATE UNIQUE INDEX holds_one ON holds (session) WHERE lifted_at IS NULL;
ALTER TABLE holds ENABLE ROW LEVEL SECURITY;
ALTER TABLE holds FORCE ROW LEVEL SECURITY;

-- What the administration commands touch. None of it is what somebody said, showed or was told.
CREATE POLICY owner_administers ON holds TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_finds ON sessions FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_holds ON sessions FOR UPDATE TO CURRENT_USER USING (true);
CREATE POLICY owner_notes ON session_events FOR INSERT TO CURRENT_USER WITH CHECK (true);
CREATE POLICY owner_finds ON authorizations FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_finds ON authorization_events FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_ends ON authorization_events FOR INSERT TO CURRENT_USER
    WITH CHECK (account IS NULL AND kind IN ('revoked', 'suspended', 'resumed') AND reason IS DISTINCT FROM 'restricted');

-- The job that notes what ended by itself or by the operator, and gives the receipts.
GRANT SELECT ON authorizations TO greenroom_worker;
GRANT SELECT (id, authorization_id, org, kind, at, ends, reason) ON authorization_events TO greenroom_worker;
GRANT INSERT (authorization_id, org, kind) ON authorization_events TO greenroom_worker;
GRANT SELECT (id, name) ON organizations TO greenroom_worker;
GRANT SELECT (sha256, version, materiality, effective_at) ON notices TO greenroom_worker;
CREATE POLICY worker_ends ON authorizations FOR SELECT TO greenroom_worker USING (true);
CREATE POLICY worker_reads ON authorization_events FOR SELECT TO greenroom_worker USING (true);
CREATE POLICY worker_expires ON authorization_events FOR INSERT TO greenroom_worker
    WITH CHECK (kind = 'expired' AND account IS NULL AND EXISTS (SELECT FROM authorizations a
        WHERE a.id = authorization_events.authorization_id AND statement_timestamp() >= a.valid_until));
CREATE POLICY worker_names ON organizations FOR SELECT TO greenroom_worker USING (true);
CREATE POLICY worker_compares ON notices FOR SELECT TO greenroom_worker USING (true);
