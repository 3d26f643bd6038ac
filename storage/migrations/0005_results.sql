-- What an interview leaves: answers, the transcript, and what was found in it.
-- Times are media times in nanoseconds since the session's media_start.

-- +goose Up
CREATE TABLE answers (
    session     text        NOT NULL REFERENCES sessions (id),
    question    int         NOT NULL CHECK (question >= 0),
    take        int         NOT NULL CHECK (take >= 1),
    start_ns    bigint      NOT NULL CHECK (start_ns >= 0),
    end_ns      bigint      NOT NULL CHECK (end_ns >= start_ns),
    limit_ns    bigint      NOT NULL,
    ended_by    text        NOT NULL CHECK (ended_by IN ('done', 'limit', 'skip', 'finish', 'drop')),
    assessed_at timestamptz, -- when the assessor had nothing left to do for it
    PRIMARY KEY (session, question, take)
);

CREATE TABLE lines (
    session      text    NOT NULL REFERENCES sessions (id),
    epoch        int     NOT NULL,
    sequence     int     NOT NULL,
    question     int     NOT NULL CHECK (question >= -1), -- -1: outside any answer
    take         int     NOT NULL,
    start_ns     bigint  NOT NULL,
    end_ns       bigint  NOT NULL CHECK (end_ns >= start_ns),
    engine       text    NOT NULL,
    interpolated boolean NOT NULL,
    words        bytea   NOT NULL, -- encrypted under the session's transcript key
    evidence_at  timestamptz,      -- when evidence was last looked for in it, also with nothing found
    PRIMARY KEY (session, epoch, sequence)
);
CREATE INDEX lines_answer ON lines (session, question, take);

CREATE TABLE evidence (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session       text   NOT NULL REFERENCES sessions (id),
    question      int    NOT NULL,
    take          int    NOT NULL,
    competency    text   NOT NULL,
    line_epoch    int    NOT NULL,
    line_sequence int    NOT NULL,
    first_word    int    NOT NULL CHECK (first_word >= 0),
    last_word     int    NOT NULL CHECK (last_word >= first_word),
    polarity      text   NOT NULL CHECK (polarity IN ('supports', 'contradicts')),
    part          text   NOT NULL CHECK (part IN ('situation', 'task', 'action', 'result', 'other')),
    rater         jsonb  NOT NULL CHECK (rater ->> 'kind' IN ('model', 'human')),
    FOREIGN KEY (session, line_epoch, line_sequence) REFERENCES lines (session, epoch, sequence) ON DELETE CASCADE
);
CREATE INDEX evidence_answer ON evidence (session, question, take);
CREATE INDEX evidence_line ON evidence (session, line_epoch, line_sequence);

-- A level without a rater cannot be stored. The sentences about a rating are elsewhere, because
-- they need another scope.
CREATE TABLE ratings (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    session       text        NOT NULL,
    question      int         NOT NULL,
    take          int         NOT NULL,
    competency    text        NOT NULL,
    rater_kind    text        NOT NULL CHECK (rater_kind IN ('self', 'model', 'human')),
    model         text        NOT NULL,
    prompt_sha256 text        NOT NULL,
    rubric_sha256 text        NOT NULL,
    outcome       text        NOT NULL CHECK (outcome IN ('level', 'not_observed', 'not_assessable')),
    level         int         CHECK (level BETWEEN 1 AND 5),
    at            timestamptz NOT NULL,
    UNIQUE (session, question, take, competency, rater_kind, model, prompt_sha256),
    FOREIGN KEY (session, question, take) REFERENCES answers (session, question, take),
    CHECK ((outcome = 'level') = (level IS NOT NULL)),
    CHECK ((rater_kind = 'model') = (model <> '')),
    CHECK (rater_kind <> 'model' OR (prompt_sha256 <> '' AND rubric_sha256 <> ''))
);

CREATE TABLE rating_notes (
    rating  bigint PRIMARY KEY REFERENCES ratings (id) ON DELETE CASCADE,
    session text   NOT NULL REFERENCES sessions (id),
    notes   bytea  NOT NULL -- encrypted under the session's feedback key
);
CREATE INDEX rating_notes_session ON rating_notes (session);

CREATE TABLE measurements (
    session  text             NOT NULL,
    question int              NOT NULL,
    take     int              NOT NULL,
    name     text             NOT NULL,
    value    double precision NOT NULL,
    unit     text             NOT NULL,
    counted  text             NOT NULL,
    valid    boolean          NOT NULL,
    invalid  text             NOT NULL,
    PRIMARY KEY (session, question, take, name),
    FOREIGN KEY (session, question, take) REFERENCES answers (session, question, take)
);

CREATE TABLE gaps (
    session  text   NOT NULL REFERENCES sessions (id),
    kind     text   NOT NULL CHECK (kind IN ('audio', 'video')),
    start_ns bigint NOT NULL,
    end_ns   bigint NOT NULL CHECK (end_ns >= start_ns),
    reason   text   NOT NULL,
    PRIMARY KEY (session, kind, start_ns)
);

ALTER TABLE answers ENABLE ROW LEVEL SECURITY;
ALTER TABLE answers FORCE ROW LEVEL SECURITY;
ALTER TABLE lines ENABLE ROW LEVEL SECURITY;
ALTER TABLE lines FORCE ROW LEVEL SECURITY;
ALTER TABLE evidence ENABLE ROW LEVEL SECURITY;
ALTER TABLE evidence FORCE ROW LEVEL SECURITY;
ALTER TABLE ratings ENABLE ROW LEVEL SECURITY;
ALTER TABLE ratings FORCE ROW LEVEL SECURITY;
ALTER TABLE rating_notes ENABLE ROW LEVEL SECURITY;
ALTER TABLE rating_notes FORCE ROW LEVEL SECURITY;
ALTER TABLE measurements ENABLE ROW LEVEL SECURITY;
ALTER TABLE measurements FORCE ROW LEVEL SECURITY;
ALTER TABLE gaps ENABLE ROW LEVEL SECURITY;
ALTER TABLE gaps FORCE ROW LEVEL SECURITY;

-- The candidate reads everything of their own sessions and writes their own ratings.
GRANT SELECT ON answers, lines, evidence, ratings, rating_notes, measurements, gaps TO greenroom_candidate;
GRANT INSERT, UPDATE (rubric_sha256, outcome, level, at) ON ratings TO greenroom_candidate;
CREATE POLICY candidate_own ON answers FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = answers.session));
CREATE POLICY candidate_own ON lines FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = lines.session));
CREATE POLICY candidate_own ON evidence FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = evidence.session));
CREATE POLICY candidate_own ON ratings FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session));
CREATE POLICY candidate_rates ON ratings FOR INSERT TO greenroom_candidate
    WITH CHECK (rater_kind = 'self' AND EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session));
CREATE POLICY candidate_rerates ON ratings FOR UPDATE TO greenroom_candidate
    USING (rater_kind = 'self' AND EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session))
    WITH CHECK (rater_kind = 'self');
CREATE POLICY candidate_own ON rating_notes FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = rating_notes.session));
CREATE POLICY candidate_own ON measurements FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = measurements.session));
CREATE POLICY candidate_own ON gaps FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = gaps.session));

-- An employer reads what one live authorization covers; self-ratings are never shared.
GRANT SELECT (session, question, take, start_ns, end_ns, limit_ns, ended_by) ON answers TO greenroom_employer;
GRANT SELECT (session, epoch, sequence, question, take, start_ns, end_ns, engine, interpolated, words)
    ON lines TO greenroom_employer;
GRANT SELECT ON evidence, ratings, rating_notes, measurements, gaps TO greenroom_employer;
CREATE POLICY employer_authorized ON answers FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = answers.session
        AND a.scopes && ARRAY['ratings', 'feedback', 'transcript', 'recording.audio', 'recording.video']));
CREATE POLICY employer_transcript ON lines FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = lines.session
        AND a.scopes @> ARRAY['transcript']));
CREATE POLICY employer_feedback ON evidence FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = evidence.session
        AND a.scopes @> ARRAY['feedback']));
CREATE POLICY employer_ratings ON ratings FOR SELECT TO greenroom_employer
    USING (rater_kind <> 'self' AND EXISTS (SELECT FROM authorizations a WHERE a.session = ratings.session
        AND a.scopes @> ARRAY['ratings']));
CREATE POLICY employer_feedback ON rating_notes FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = rating_notes.session
        AND a.scopes @> ARRAY['feedback']));
CREATE POLICY employer_feedback ON measurements FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = measurements.session
        AND a.scopes @> ARRAY['feedback']));
CREATE POLICY employer_media ON gaps FOR SELECT TO greenroom_employer
    USING (EXISTS (SELECT FROM authorizations a WHERE a.session = gaps.session
        AND a.scopes @> ARRAY['recording.' || gaps.kind]));

-- The live side writes answers, lines and gaps of the session it holds, and reads answers back.
GRANT SELECT, INSERT, UPDATE ON answers, gaps TO greenroom_ingest;
GRANT SELECT (session, epoch, sequence), INSERT ON lines TO greenroom_ingest; -- it cannot read words back
CREATE POLICY ingest_one ON answers TO greenroom_ingest
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY ingest_one ON lines TO greenroom_ingest
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY ingest_one ON gaps TO greenroom_ingest
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));

-- The assessor reads one session's transcript and writes what it found; never self-ratings.
GRANT SELECT ON answers, lines TO greenroom_worker;
GRANT UPDATE (assessed_at) ON answers TO greenroom_worker;
GRANT UPDATE (evidence_at) ON lines TO greenroom_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON evidence, ratings, rating_notes, measurements TO greenroom_worker;
CREATE POLICY worker_one ON answers TO greenroom_worker
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY worker_one ON lines TO greenroom_worker
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY worker_one ON evidence TO greenroom_worker
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY worker_one ON ratings TO greenroom_worker
    USING (session = (SELECT current_session_id()) AND rater_kind <> 'self')
    WITH CHECK (session = (SELECT current_session_id()) AND rater_kind <> 'self');
CREATE POLICY worker_one ON rating_notes TO greenroom_worker
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
CREATE POLICY worker_one ON measurements TO greenroom_worker
    USING (session = (SELECT current_session_id())) WITH CHECK (session = (SELECT current_session_id()));
