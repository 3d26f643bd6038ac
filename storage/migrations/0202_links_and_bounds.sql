-- What a confirmed request took the place of; and indexes of what is looked for again and again.

-- +goose Up

-- A request that is confirmed may take the place of another record, which nobody knew when the request was
-- made. A row of authorizations never changes, so the grant says it.
ALTER TABLE authorization_events ADD supersedes text REFERENCES authorizations (id),
    ADD CHECK (supersedes IS NULL OR kind = 'granted');
CREATE INDEX authorization_events_supersedes ON authorization_events (supersedes) WHERE supersedes IS NOT NULL;
GRANT SELECT (supersedes) ON authorization_events TO greenroom_employer, greenroom_worker; -- the others may read all of it

-- The owner's doors of 0012 are wide open beside those of 0022: what they seem to restrict is allowed there.
DROP POLICY owner_finds ON sessions;
DROP POLICY owner_holds ON sessions;
DROP POLICY owner_finds ON authorizations;
DROP POLICY owner_finds ON authorization_events;
DROP POLICY owner_ends ON authorization_events;

-- What ended, and was not noted yet, is looked for every minute.
CREATE INDEX authorizations_valid_until ON authorizations (valid_until);
CREATE INDEX authorization_events_revoked ON authorization_events (authorization_id) WHERE kind = 'revoked';
