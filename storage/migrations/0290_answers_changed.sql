-- An answer that silence closed may be gone on with. What models rated before that is not about what it is now.

-- +goose Up
ALTER TABLE answers ADD changed_at timestamptz NOT NULL DEFAULT '-infinity'; -- when its end was last moved

-- Which passes there are is said here too, so that no rating can be of one that nobody knows.
ALTER TABLE ratings DROP CONSTRAINT ratings_pass_named,
    ADD CONSTRAINT ratings_pass_known CHECK (pass IN ('first', 'second', 'third', 'with_flagged', 'contest'));
