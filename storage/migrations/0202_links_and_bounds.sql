-- What a confirmed request took the place of; what an invitation must be to ask with it; and indexes of what is
-- looked for again and again.

-- +goose Up

-- A request that is confirmed may take the place of another record, which nobody knew when the request was
-- made. A row of authorizations never changes, so the grant says it.
ALTER TABLE authorization_events ADD supersedes text REFERENCES authorizations (id),
    ADD CHECK (supersedes IS NULL OR kind = 'granted');
CREATE INDEX authorization_events_supersedes ON authorization_events (supersedes) WHERE supersedes IS NOT NULL;
GRANT SELECT (supersedes) ON authorization_events TO greenroom_employer, greenroom_worker; -- the others may read all of it

-- A record is only asked for with an invitation that is still good, and asks that itself, because it is stored
-- before the invitation is claimed. That it is not too old for its own terms
-- follows from the record's: they may not be over when it is made.
ALTER POLICY employer_asks ON authorizations
    WITH CHECK (org = (SELECT current_org()) AND requested_by = (SELECT current_account())
        AND EXISTS (SELECT FROM members m WHERE m.account = requested_by AND m.org = authorizations.org
            AND m.ended_at IS NULL AND m.role = 'reviewer')
        AND EXISTS (SELECT FROM invitations i WHERE i.id = authorizations.invitation AND i.session = authorizations.session
            AND i.purpose = authorizations.purpose AND i.scopes = authorizations.scopes AND i.valid_until = authorizations.valid_until
            AND i.notice_sha256 = authorizations.notice_sha256 AND i.cancelled_at IS NULL AND i.redeemed_at IS NULL
            AND statement_timestamp() < i.expires_at));

-- The owner's doors of 0012 are wide open beside those of 0022: what they seem to restrict is allowed there.
DROP POLICY owner_finds ON sessions;
DROP POLICY owner_holds ON sessions;
DROP POLICY owner_finds ON authorizations;
DROP POLICY owner_finds ON authorization_events;
DROP POLICY owner_ends ON authorization_events;

-- What ended, and was not noted yet, is looked for every minute.
CREATE INDEX authorizations_valid_until ON authorizations (valid_until);
CREATE INDEX authorization_events_revoked ON authorization_events (authorization_id) WHERE kind = 'revoked';
