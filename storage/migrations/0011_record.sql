-- The authorization record in full: what it was given under, the states it can take, and everything
-- that stands in the way of an employer or of any plane. docs/consent-record.md has the rules in words.

-- +goose Up

-- Notices are numbered, and say what they mean for what was agreed to before. The owner publishes
-- them when a server starts; nobody else adds any.
ALTER TABLE notices ALTER version TYPE int USING version::int;
ALTER TABLE notices ADD CHECK (version > 0),
    ADD materiality  text NOT NULL DEFAULT 'notice' CHECK (materiality IN ('editorial', 'notice', 'reconsent')),
    ADD effective_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    ADD UNIQUE (sha256, version);
CREATE INDEX notices_reconsent ON notices (effective_at) WHERE materiality = 'reconsent';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON notices
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
DROP POLICY candidate_adds ON notices;
REVOKE INSERT ON notices FROM greenroom_candidate;
CREATE POLICY owner_publishes ON notices TO CURRENT_USER USING (true) WITH CHECK (true);

ALTER TABLE organizations ADD suspended_at timestamptz;
ALTER TABLE members ADD role text NOT NULL DEFAULT 'reviewer' CHECK (role IN ('reviewer', 'billing'));

-- The policies of the employer plane cannot look at accounts (that table's own policy looks at
-- authorizations), so closing an employer's account ends the membership, which they do look at.
-- +goose StatementBegin
CREATE FUNCTION end_membership() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE members SET ended_at = NEW.closed_at WHERE account = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE TRIGGER closing_ends_membership AFTER UPDATE OF closed_at ON accounts
    FOR EACH ROW WHEN (NEW.kind = 'employer' AND NEW.closed_at IS NOT NULL) EXECUTE FUNCTION end_membership();

ALTER TABLE sessions
    ADD restricted_at timestamptz, -- by the candidate: kept, worked on by nobody, read by nobody else
    ADD held_at       timestamptz; -- legal hold: kept, read by nobody
GRANT UPDATE (restricted_at) ON sessions TO greenroom_candidate;

ALTER TABLE authorizations
    ADD notice_sha256  text,
    ADD notice_version int  NOT NULL DEFAULT 0, -- 0: given before notices were numbered
    ADD language       text NOT NULL DEFAULT 'en',
    ADD supersedes     text REFERENCES authorizations (id),
    ADD invitation     text,
    ADD requested_by   text REFERENCES accounts (id),
    ADD FOREIGN KEY (notice_sha256, notice_version) REFERENCES notices (sha256, version),
    ADD CHECK ((notice_sha256 IS NULL) = (notice_version = 0)),
    ADD CHECK ((invitation IS NULL) = (requested_by IS NULL)),
    ADD UNIQUE (id, org);
ALTER TABLE authorizations ALTER notice_version DROP DEFAULT;
GRANT INSERT (notice_sha256, notice_version, language, supersedes) ON authorizations TO greenroom_candidate;
-- Nothing is shared of a session that is held or restricted, and nothing without a notice.
DROP POLICY candidate_own ON authorizations;
CREATE POLICY candidate_reads ON authorizations FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = authorizations.session));
CREATE POLICY candidate_adds ON authorizations FOR INSERT TO greenroom_candidate
    WITH CHECK (notice_version > 0 AND EXISTS (SELECT FROM sessions s WHERE s.id = authorizations.session
        AND s.held_at IS NULL AND s.restricted_at IS NULL));

-- A record can be suspended more than once, so an event is known by its number. resumed ends one
-- suspended event of the same record and reason; everything else happens to a record at most once.
ALTER TABLE authorization_events DROP CONSTRAINT authorization_events_pkey,
    DROP CONSTRAINT authorization_events_kind_check,
    ALTER account DROP NOT NULL,
    ADD id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    ADD ends   bigint,
    ADD reason text CHECK (reason IN ('restricted', 'held')),
    ADD CHECK (kind IN ('requested', 'granted', 'refused', 'withdrawn', 'revoked', 'superseded', 'expired', 'suspended', 'resumed')),
    ADD CHECK ((kind = 'resumed') = (ends IS NOT NULL)),
    ADD CHECK ((kind IN ('suspended', 'resumed')) = (reason IS NOT NULL)),
    ADD CHECK (account IS NOT NULL OR kind IN ('revoked', 'expired', 'suspended', 'resumed')), -- by the operator, or by time
    ADD FOREIGN KEY (authorization_id, org) REFERENCES authorizations (id, org);
DROP INDEX authorization_ends_once;
ALTER TABLE authorization_events ADD UNIQUE (id, authorization_id, reason),
    ADD FOREIGN KEY (ends, authorization_id, reason) REFERENCES authorization_events (id, authorization_id, reason);
CREATE INDEX authorization_events_record ON authorization_events (authorization_id, kind);
CREATE UNIQUE INDEX authorization_requested_once ON authorization_events (authorization_id) WHERE kind = 'requested';
CREATE UNIQUE INDEX authorization_granted_once ON authorization_events (authorization_id) WHERE kind = 'granted';
CREATE UNIQUE INDEX authorization_ends_once ON authorization_events (authorization_id)
    WHERE kind IN ('refused', 'withdrawn', 'revoked', 'superseded', 'expired');
CREATE UNIQUE INDEX authorization_suspension_ends_once ON authorization_events (ends) WHERE ends IS NOT NULL;

-- A candidate adds what a candidate can do to a record, and nothing that others do.
DROP POLICY candidate_own ON authorization_events;
CREATE POLICY candidate_reads ON authorization_events FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM authorizations a WHERE a.id = authorization_events.authorization_id));
CREATE POLICY candidate_adds ON authorization_events FOR INSERT TO greenroom_candidate
    WITH CHECK (account = (SELECT current_account()) AND kind NOT IN ('requested', 'revoked', 'expired')
        AND reason IS DISTINCT FROM 'held'
        AND EXISTS (SELECT FROM authorizations a
            WHERE a.id = authorization_events.authorization_id AND a.org = authorization_events.org));

-- The second wall of the employer plane. All its other policies ask for a record that this one lets
-- them see, so what makes a record live is written once. It uses statement_timestamp(), because now()
-- is when the transaction began. Restriction and hold reach it as open suspensions, and are looked for
-- again where the session's rows are.
DROP POLICY employer_live ON authorizations;
CREATE POLICY employer_live ON authorizations FOR SELECT TO greenroom_employer USING (
    org = (SELECT current_org())
    AND statement_timestamp() >= valid_from
    AND statement_timestamp() < valid_until
    AND EXISTS (SELECT FROM members m WHERE m.account = (SELECT current_account())
        AND m.org = authorizations.org AND m.ended_at IS NULL AND m.role = 'reviewer')
    AND EXISTS (SELECT FROM organizations o WHERE o.id = authorizations.org AND o.suspended_at IS NULL)
    AND notice_version >= (SELECT coalesce(max(n.version), 0) FROM notices n
        WHERE n.materiality = 'reconsent' AND n.effective_at <= statement_timestamp())
    AND EXISTS (SELECT FROM authorization_events e
        WHERE e.authorization_id = authorizations.id AND e.kind = 'granted')
    AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = authorizations.id
        AND e.kind IN ('refused', 'withdrawn', 'revoked', 'superseded', 'expired'))
    AND NOT EXISTS (SELECT FROM authorization_events e WHERE e.authorization_id = authorizations.id
        AND e.kind = 'suspended' AND NOT EXISTS (SELECT FROM authorization_events r WHERE r.ends = e.id)));

GRANT SELECT (suspended_at) ON organizations TO greenroom_employer;
GRANT SELECT (role) ON members TO greenroom_employer;
GRANT SELECT (restricted_at, held_at) ON sessions TO greenroom_employer;
GRANT SELECT (id, ends) ON authorization_events TO greenroom_employer;
GRANT SELECT (version, materiality, effective_at) ON notices TO greenroom_employer; -- its policy is in 0021

-- What the key service asks about.
GRANT SELECT (restricted_at, held_at) ON sessions TO greenroom_keys;
GRANT SELECT (kind) ON accounts TO greenroom_keys;
GRANT SELECT (role) ON members TO greenroom_keys;
GRANT SELECT (id, suspended_at) ON organizations TO greenroom_keys;
GRANT SELECT (version, materiality, effective_at) ON notices TO greenroom_keys;
GRANT SELECT (notice_version) ON authorizations TO greenroom_keys;
GRANT SELECT (id, ends) ON authorization_events TO greenroom_keys;
CREATE POLICY keys_checks ON organizations FOR SELECT TO greenroom_keys USING (true);
CREATE POLICY keys_checks ON notices FOR SELECT TO greenroom_keys USING (true);

-- What a session holds is closed with it: to its own candidate too while it is held (the session's row
-- stays, so that the candidate can be told), to employers also while it is restricted, and nobody works
-- on it then. What was sealed before still reaches the object store: that is keeping, not working.
DROP POLICY employer_authorized ON sessions;
CREATE POLICY employer_authorized ON sessions FOR SELECT TO greenroom_employer
    USING (state <> 'erased' AND held_at IS NULL AND restricted_at IS NULL
        AND EXISTS (SELECT FROM authorizations a WHERE a.session = sessions.id));

-- +goose StatementBegin
DO $$
DECLARE
    content text;
BEGIN
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'evidence', 'ratings', 'rating_notes', 'measurements', 'gaps'] LOOP
        EXECUTE format('CREATE POLICY session_open ON %1$I AS RESTRICTIVE TO greenroom_candidate, greenroom_employer
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session AND s.state <> ''erased'' AND s.held_at IS NULL))', content);
        EXECUTE format('CREATE POLICY session_worked_on ON %1$I AS RESTRICTIVE TO greenroom_ingest, greenroom_worker
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session AND s.state <> ''erased''
                AND s.held_at IS NULL AND s.restricted_at IS NULL))', content);
    END LOOP;
END $$;
-- +goose StatementEnd
CREATE POLICY not_restricted ON ratings AS RESTRICTIVE FOR INSERT TO greenroom_candidate
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session AND s.restricted_at IS NULL));
CREATE POLICY not_restricted_again ON ratings AS RESTRICTIVE FOR UPDATE TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session AND s.restricted_at IS NULL));
