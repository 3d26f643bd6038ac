-- How a model was asked for a rating, and the name that its server answered with: either may change behind the name
-- that is configured.

-- +goose Up
ALTER TABLE ratings
    ADD asked    text NOT NULL DEFAULT '' CHECK (asked IN ('', 'schema', 'object', 'words')), -- empty: nothing was asked, or before this was kept
    ADD answered text NOT NULL DEFAULT '' CHECK (length(answered) <= 100),                    -- empty: the configured name, or none
    ADD CONSTRAINT ratings_people_unasked CHECK (rater_kind = 'model' OR asked = '' AND answered = '');
GRANT UPDATE (asked, answered) ON ratings TO greenroom_candidate; -- a self-rating is written as any other, with empty ones
