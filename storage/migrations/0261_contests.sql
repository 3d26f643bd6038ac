-- What a candidate contests: the levels that one competency of one answer was given. The levels stay; a model
-- rates once more, in a pass of its own, and people who may rate see that they were asked.

-- +goose Up
CREATE TABLE contests (
    session    text        NOT NULL REFERENCES sessions (id),
    question   int         NOT NULL,
    take       int         NOT NULL,
    competency text        NOT NULL,
    at         timestamptz NOT NULL DEFAULT statement_timestamp(),
    at_ns      bigint      CHECK (at_ns >= 0), -- the moment that it is about, in media time; null: the whole answer
    words      bytea, -- encrypted under the session's feedback key; the candidate's own
    by_model   boolean     NOT NULL, -- a model is to rate again
    looked_at  timestamptz, -- when that was done, or could not be
    PRIMARY KEY (session, question, take, competency), -- one for each
    FOREIGN KEY (session, question, take) REFERENCES answers (session, question, take)
);
CREATE INDEX contests_open ON contests (at) WHERE by_model AND looked_at IS NULL;
ALTER TABLE contests ENABLE ROW LEVEL SECURITY;
ALTER TABLE contests FORCE ROW LEVEL SECURITY;

GRANT SELECT, INSERT (session, question, take, competency, at_ns, words, by_model) ON contests TO greenroom_candidate;
CREATE POLICY candidate_own ON contests FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = contests.session AND s.state <> 'erased' AND s.held_at IS NULL));
CREATE POLICY candidate_contests ON contests FOR INSERT TO greenroom_candidate
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = contests.session
        AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));

-- Whoever sees the levels sees that they are contested; not in which words, nor about which moment.
GRANT SELECT (session, question, take, competency, at, by_model, looked_at) ON contests TO greenroom_employer;
CREATE POLICY employer_ratings ON contests FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = contests.session AND a.scopes @> ARRAY['ratings'])
        AND EXISTS (SELECT FROM sessions s WHERE s.id = contests.session));

-- The worker finds what is to be looked at, and is not told what the candidate said.
GRANT SELECT (session, question, take, competency, at, by_model, looked_at), UPDATE (looked_at) ON contests TO greenroom_worker;
CREATE POLICY worker_finds ON contests TO greenroom_worker USING (true);

GRANT SELECT ON contests TO greenroom_export;
CREATE POLICY export_reads ON contests FOR SELECT TO greenroom_export USING (export_reads(session));
GRANT SELECT (session), DELETE ON contests TO greenroom_erasure;
CREATE POLICY erasure_erases ON contests TO greenroom_erasure
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = contests.session AND s.state = 'erased' AND s.held_at IS NULL));

-- The pass of a contest. Which passes there are is said by the program, which refuses others.
ALTER TABLE ratings DROP CONSTRAINT IF EXISTS ratings_pass_check;
ALTER TABLE ratings ADD CONSTRAINT ratings_pass_named CHECK (length(pass) BETWEEN 1 AND 40);
