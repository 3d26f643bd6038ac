-- Beside each rating by a model whether all of the answer was looked through for evidence: where no reply about a line
-- could be used, nobody knows what it shows.

-- +goose Up
ALTER TABLE ratings
    ADD partly_read boolean NOT NULL DEFAULT false,
    ADD CONSTRAINT ratings_people_read_all CHECK (rater_kind = 'model' OR NOT partly_read);
GRANT UPDATE (partly_read) ON ratings TO greenroom_candidate; -- a self-rating is written as any other, with false
