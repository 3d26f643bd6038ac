-- Levels given by people of an organization that the candidate let see the answers. A form is what one person
-- fills in for one session: until they closed it they see no other rating.

-- +goose Up
CREATE TABLE person_forms (
    id        text        PRIMARY KEY CHECK (length(id) = 26),
    session   text        NOT NULL REFERENCES sessions (id),
    org       text        NOT NULL REFERENCES organizations (id),
    account   text        NOT NULL, -- whose form it is; shown to nobody but themselves
    opened_at timestamptz NOT NULL DEFAULT statement_timestamp(),
    closed_at timestamptz, -- when it was saved or skipped
    UNIQUE (id, session),
    UNIQUE (session, org, account)
);

CREATE TABLE person_ratings (
    form       text        NOT NULL,
    session    text        NOT NULL REFERENCES sessions (id),
    question   int         NOT NULL,
    take       int         NOT NULL,
    competency text        NOT NULL,
    outcome    text        NOT NULL CHECK (outcome IN ('level', 'not_observed')),
    level      int         CHECK (level BETWEEN 1 AND 5),
    why        bytea, -- encrypted under the session's transcript key: it may quote
    at         timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (form, question, take, competency),
    FOREIGN KEY (form, session) REFERENCES person_forms (id, session),
    FOREIGN KEY (session, question, take) REFERENCES answers (session, question, take),
    CHECK ((outcome = 'level') = (level IS NOT NULL))
);
CREATE INDEX person_ratings_session ON person_ratings (session, question, take);

ALTER TABLE person_forms ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_forms FORCE ROW LEVEL SECURITY;
ALTER TABLE person_ratings ENABLE ROW LEVEL SECURITY;
ALTER TABLE person_ratings FORCE ROW LEVEL SECURITY;

-- Candidates and their exports are told which organization, not which of its people.
GRANT SELECT (id, session, org) ON person_forms TO greenroom_candidate, greenroom_export;
GRANT SELECT ON person_ratings TO greenroom_candidate, greenroom_export;
-- +goose StatementBegin
DO $$
DECLARE
    content text;
BEGIN
    FOREACH content IN ARRAY ARRAY['person_forms', 'person_ratings'] LOOP
        EXECUTE format('CREATE POLICY candidate_own ON %1$I FOR SELECT TO greenroom_candidate
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session AND s.state <> ''erased'' AND s.held_at IS NULL))', content);
        EXECUTE format('CREATE POLICY export_reads ON %1$I FOR SELECT TO greenroom_export USING (export_reads(session))', content);
        EXECUTE format('GRANT SELECT (session), DELETE ON %I TO greenroom_erasure', content);
        EXECUTE format('CREATE POLICY erasure_erases ON %1$I TO greenroom_erasure USING (EXISTS (SELECT FROM sessions s
            WHERE s.id = %1$I.session AND s.state = ''erased'' AND s.held_at IS NULL))', content);
    END LOOP;
END $$;
-- +goose StatementEnd

-- An organization sees what its own people gave, for as long as it may see ratings at all.
GRANT SELECT (id, session, org, account, closed_at), INSERT (id, session, org, account), UPDATE (closed_at)
    ON person_forms TO greenroom_employer;
GRANT SELECT, INSERT (form, session, question, take, competency, outcome, level, why), UPDATE (outcome, level, why, at)
    ON person_ratings TO greenroom_employer;
CREATE POLICY employer_own ON person_forms FOR SELECT TO greenroom_employer
    USING (org = (SELECT current_org())
        AND EXISTS (SELECT FROM authorizations a WHERE a.session = person_forms.session AND a.scopes @> ARRAY['ratings'])
        AND EXISTS (SELECT FROM sessions s WHERE s.id = person_forms.session));
CREATE POLICY employer_own ON person_ratings FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM person_forms f WHERE f.id = person_ratings.form));

-- A person rates what they may read, in their own form, until it is closed, which is for good.
CREATE POLICY employer_opens ON person_forms FOR INSERT TO greenroom_employer
    WITH CHECK (org = (SELECT current_org()) AND account = (SELECT current_account())
        AND EXISTS (SELECT FROM authorizations a WHERE a.session = person_forms.session AND a.scopes @> ARRAY['ratings', 'transcript'])
        AND EXISTS (SELECT FROM sessions s WHERE s.id = person_forms.session));
CREATE POLICY employer_closes ON person_forms FOR UPDATE TO greenroom_employer
    USING (account = (SELECT current_account())) WITH CHECK (closed_at IS NOT NULL);
CREATE POLICY employer_rates ON person_ratings FOR INSERT TO greenroom_employer
    WITH CHECK (EXISTS (SELECT FROM person_forms f JOIN authorizations a ON a.session = f.session
        WHERE f.id = person_ratings.form AND f.account = (SELECT current_account()) AND f.closed_at IS NULL
        AND a.scopes @> ARRAY['ratings', 'transcript']));
CREATE POLICY employer_rerates ON person_ratings FOR UPDATE TO greenroom_employer
    USING (EXISTS (SELECT FROM person_forms f JOIN authorizations a ON a.session = f.session
        WHERE f.id = person_ratings.form AND f.account = (SELECT current_account()) AND f.closed_at IS NULL
        AND a.scopes @> ARRAY['ratings', 'transcript']));
