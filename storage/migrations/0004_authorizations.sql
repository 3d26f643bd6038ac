-- What a candidate lets an organization see, and who looked.
--
-- The policy employer_live is the second wall: every other policy of the employer plane asks for an
-- authorization that this policy lets it see, so membership, time, withdrawal and supersession are
-- written once. It uses statement_timestamp(), because now() is when the transaction began.

-- +goose Up
CREATE TABLE authorizations (
    id          text        PRIMARY KEY CHECK (length(id) = 26),
    session     text        NOT NULL REFERENCES sessions (id),
    org         text        NOT NULL REFERENCES organizations (id),
    purpose     text        NOT NULL CHECK (purpose IN ('practice_review', 'hiring')),
    scopes      text[]      NOT NULL CHECK (cardinality(scopes) > 0 AND scopes <@ ARRAY[
        'ratings', 'feedback', 'transcript', 'recording.audio', 'recording.video', 'resume', 'profile']),
    valid_from  timestamptz NOT NULL DEFAULT statement_timestamp(),
    valid_until timestamptz NOT NULL, -- exclusive
    granted_at  timestamptz NOT NULL DEFAULT statement_timestamp(),
    CHECK (valid_until > valid_from AND valid_until <= valid_from + interval '180 days')
);
CREATE INDEX authorizations_session ON authorizations (session, org);
CREATE INDEX authorizations_org ON authorizations (org, session);

CREATE TABLE authorization_events (
    authorization_id text        NOT NULL REFERENCES authorizations (id),
    org              text        NOT NULL REFERENCES organizations (id), -- so that its policy needs no other table
    kind             text        NOT NULL CHECK (kind IN ('granted', 'withdrawn', 'superseded')),
    at               timestamptz NOT NULL DEFAULT statement_timestamp(),
    account          text        NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (authorization_id, kind)
);
-- A record ends once, and never begins again.
CREATE UNIQUE INDEX authorization_ends_once ON authorization_events (authorization_id) WHERE kind <> 'granted';

CREATE TABLE accesses (
    id       bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session  text        NOT NULL REFERENCES sessions (id),
    org      text        NOT NULL REFERENCES organizations (id),
    account  text        NOT NULL REFERENCES accounts (id),
    artefact text        NOT NULL,
    at       timestamptz NOT NULL DEFAULT statement_timestamp()
);
CREATE INDEX accesses_session ON accesses (session, id);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON authorizations
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON authorization_events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON accesses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE authorizations ENABLE ROW LEVEL SECURITY;
ALTER TABLE authorizations FORCE ROW LEVEL SECURITY;
ALTER TABLE authorization_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE authorization_events FORCE ROW LEVEL SECURITY;
ALTER TABLE accesses ENABLE ROW LEVEL SECURITY;
ALTER TABLE accesses FORCE ROW LEVEL SECURITY;

GRANT SELECT ON authorizations TO greenroom_candidate;
GRANT INSERT (id, session, org, purpose, scopes, valid_until) ON authorizations TO greenroom_candidate;
GRANT SELECT ON authorizations TO greenroom_employer;
CREATE POLICY candidate_own ON authorizations TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = authorizations.session))
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = authorizations.session));
CREATE POLICY employer_live ON authorizations FOR SELECT TO greenroom_employer USING (
    org = (SELECT current_org())
    AND statement_timestamp() >= valid_from
    AND statement_timestamp() < valid_until
    AND EXISTS (SELECT FROM members m WHERE m.account = (SELECT current_account())
        AND m.org = authorizations.org AND m.ended_at IS NULL)
    AND NOT EXISTS (SELECT FROM authorization_events e
        WHERE e.authorization_id = authorizations.id AND e.kind <> 'granted'));

GRANT SELECT, INSERT ON authorization_events TO greenroom_candidate;
GRANT SELECT (authorization_id, org, kind, at) ON authorization_events TO greenroom_employer;
CREATE POLICY candidate_own ON authorization_events TO greenroom_candidate
    USING (EXISTS (SELECT FROM authorizations a WHERE a.id = authorization_events.authorization_id))
    WITH CHECK (account = (SELECT current_account()) AND EXISTS (SELECT FROM authorizations a
        WHERE a.id = authorization_events.authorization_id AND a.org = authorization_events.org));
CREATE POLICY employer_own ON authorization_events FOR SELECT TO greenroom_employer
    USING (org = (SELECT current_org()));

GRANT SELECT (id, session, org, artefact, at) ON accesses TO greenroom_candidate;
GRANT INSERT (session, org, account, artefact) ON accesses TO greenroom_employer;
CREATE POLICY candidate_own ON accesses FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = accesses.session));
CREATE POLICY employer_notes ON accesses FOR INSERT TO greenroom_employer
    WITH CHECK (org = (SELECT current_org()) AND account = (SELECT current_account())
        AND EXISTS (SELECT FROM authorizations a WHERE a.session = accesses.session));

-- What any scope lets an employer see of the session itself.
GRANT SELECT (id, candidate, state, role, role_title, mode, plan, created_at, media_start, ended_at)
    ON sessions TO greenroom_employer;
CREATE POLICY employer_authorized ON sessions FOR SELECT TO greenroom_employer
    USING (state <> 'erased' AND EXISTS (SELECT FROM authorizations a WHERE a.session = sessions.id));

-- Its own account, and the names of candidates who share their profile.
CREATE POLICY employer_own ON accounts FOR SELECT TO greenroom_employer
    USING (id = (SELECT current_account()));
CREATE POLICY employer_profile ON accounts FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM sessions s JOIN authorizations a ON a.session = s.id
        WHERE s.candidate = accounts.id AND a.scopes @> ARRAY['profile']));
