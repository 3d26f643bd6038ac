-- Who may touch the job library's tables. Jobs carry ids only, so they need no policies.

-- +goose Up
GRANT USAGE ON SCHEMA river TO greenroom_ingest, greenroom_worker, greenroom_audit;

-- The live side adds jobs in the transaction that stores what they are about; the library's insert
-- returns the row, and updates a column of it when a unique job exists already.
GRANT SELECT, INSERT, UPDATE ON river.river_job TO greenroom_ingest;
GRANT USAGE ON SEQUENCE river.river_job_id_seq TO greenroom_ingest;

GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA river TO greenroom_worker;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA river TO greenroom_worker;

GRANT SELECT (state) ON river.river_job TO greenroom_audit;
