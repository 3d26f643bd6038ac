-- An answer may end because nothing more was said, and be gone on with: then it is stored again.

-- +goose Up
ALTER TABLE answers DROP CONSTRAINT answers_ended_by_check,
    ADD CONSTRAINT answers_ended_by_check CHECK (ended_by IN ('done', 'limit', 'skip', 'finish', 'drop', 'silence'));
