-- People see where they are logged in and can end it; what must not happen with a stolen cookie asks for
-- a proof that is at most a few minutes old.

-- +goose Up

-- Log-ins from before know neither; their people log in once more.
TRUNCATE log_ins;
ALTER TABLE log_ins
    ADD COLUMN id text NOT NULL UNIQUE CHECK (length(id) = 26), -- to name it without its token
    ADD COLUMN device text NOT NULL DEFAULT '' CHECK (length(device) <= 60), -- kind of browser and system
    ADD COLUMN confirmed_at timestamptz NOT NULL DEFAULT statement_timestamp(); -- the last proof of who it is
