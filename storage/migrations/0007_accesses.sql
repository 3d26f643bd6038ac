-- One access for each minute in which a person looked at a part, however often the player asked.

-- +goose Up
CREATE UNIQUE INDEX accesses_once_a_minute
    ON accesses (session, account, artefact, date_trunc('minute', at AT TIME ZONE 'UTC'));
