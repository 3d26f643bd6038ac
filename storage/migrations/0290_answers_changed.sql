-- An answer that silence closed may be gone on with. What models rated before that is not about what it is now.

-- +goose Up
ALTER TABLE answers ADD changed_at timestamptz NOT NULL DEFAULT '-infinity'; -- when its end was last moved
