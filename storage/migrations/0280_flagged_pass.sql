-- A model rates once more with words of the answer that the level which counts is given without. Of passes the
-- database knows those that there are, and refuses others.

-- +goose Up
ALTER TABLE ratings DROP CONSTRAINT IF EXISTS ratings_pass_named;
ALTER TABLE ratings ADD CONSTRAINT ratings_pass_known CHECK (pass IN ('first', 'second', 'third', 'contest', 'with_flagged'));
