-- What goes when its time is over. consent/retention.go says how long that is, and the sweeper asks for it
-- by those rules; the policies here hold the same periods once more, so that a mistake in a statement of
-- the sweeper's cannot reach what is too young.

-- +goose Up

-- Rows that are only ever added can be taken away by the eraser, whose grants and policies say which.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND session_user = 'greenroom_erasure' THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'rows of % are only ever added', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END $$;
-- +goose StatementEnd

-- Usage, and who looked: a year.
GRANT SELECT (seq, at) ON session_events TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON session_events TO greenroom_erasure USING (at + interval '1 year' <= statement_timestamp());
GRANT SELECT (id, session, at), DELETE ON accesses TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON accesses TO greenroom_erasure USING (at + interval '1 year' <= statement_timestamp());
GRANT SELECT (id, session, ended_by, at), DELETE ON cut_offs TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON cut_offs TO greenroom_erasure USING (at + interval '1 year' <= statement_timestamp());
ALTER POLICY erasure_sweeps ON ai_calls USING (at + interval '1 year' <= statement_timestamp());
GRANT SELECT (last_at, in_a_row) ON log_in_failures TO greenroom_erasure;
CREATE INDEX session_events_at ON session_events (at);
CREATE INDEX accesses_at ON accesses (at);
CREATE INDEX ai_calls_at ON ai_calls (at);
CREATE INDEX cut_offs_at ON cut_offs (at);
CREATE INDEX cut_offs_ended_by ON cut_offs (ended_by);

-- Leftovers: a day.
GRANT SELECT (id, idle_until, absolute_until) ON log_ins TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON log_ins TO greenroom_erasure
    USING (least(idle_until, absolute_until) + interval '24 hours' <= statement_timestamp());
GRANT SELECT (ticket_sha256, expires_at), DELETE ON room_tickets TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON room_tickets TO greenroom_erasure USING (expires_at + interval '24 hours' <= statement_timestamp());

-- Proof of consent: three years from the end of what it is about, and so never within three years of
-- its own beginning.
GRANT DELETE ON authorizations, authorization_events, consent_events, erasures, erasure_counts, sessions, accounts TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON authorizations FOR DELETE TO greenroom_erasure USING (granted_at + interval '3 years' <= statement_timestamp());
CREATE POLICY erasure_sweeps ON authorization_events FOR DELETE TO greenroom_erasure USING (at + interval '3 years' <= statement_timestamp());
CREATE POLICY erasure_sweeps ON consent_events FOR DELETE TO greenroom_erasure USING (at + interval '3 years' <= statement_timestamp());
ALTER POLICY erasure_deletes ON receipts USING (at + interval '3 years' <= statement_timestamp());
GRANT SELECT (authorization_id, at), DELETE ON requests TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON requests TO greenroom_erasure USING (at + interval '3 years' <= statement_timestamp());
GRANT SELECT (id, session, authorization_id, created_at, expires_at, cancelled_at), DELETE ON invitations TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON invitations TO greenroom_erasure USING (created_at + interval '3 years' <= statement_timestamp());
GRANT SELECT (id, session, lifted_at), DELETE ON holds TO greenroom_erasure;
CREATE POLICY erasure_finds ON holds FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_sweeps ON holds FOR DELETE TO greenroom_erasure USING (lifted_at + interval '3 years' <= statement_timestamp());
CREATE INDEX authorizations_supersedes ON authorizations (supersedes) WHERE supersedes IS NOT NULL;

-- With it what erasing had left: the tombstone, what was said of the erasure, and the emptied account.
CREATE POLICY erasure_keeps ON erasures AS RESTRICTIVE FOR DELETE TO greenroom_erasure USING (finished_at + interval '3 years' <= statement_timestamp());
CREATE POLICY erasure_keeps ON erasure_counts AS RESTRICTIVE FOR DELETE TO greenroom_erasure USING (at + interval '3 years' <= statement_timestamp());
GRANT SELECT (restricted_at) ON sessions TO greenroom_erasure;
CREATE POLICY erasure_sweeps ON sessions FOR DELETE TO greenroom_erasure
    USING (state = 'erased' AND held_at IS NULL AND state_at + interval '3 years' <= statement_timestamp());
CREATE POLICY erasure_sweeps ON accounts FOR DELETE TO greenroom_erasure USING (erased_at + interval '3 years' <= statement_timestamp());

-- An account that nobody uses for two years is closed as if its candidate had closed it, with the same
-- thirty days. Accounts from before this migration begin to count now.
ALTER TABLE accounts
    ADD COLUMN used_at timestamptz NOT NULL DEFAULT statement_timestamp(), -- the last log-in
    DROP CONSTRAINT accounts_erase_cause_check,
    ADD CONSTRAINT accounts_erase_cause_check CHECK (erase_cause IN ('closed', 'expired', 'child', 'restored'));
GRANT UPDATE (used_at) ON accounts TO greenroom_login;
GRANT SELECT (kind, closed_at, used_at), UPDATE (closed_at, erase_at, erase_cause) ON accounts TO greenroom_erasure;
CREATE POLICY erasure_closes ON accounts FOR UPDATE TO greenroom_erasure
    USING (kind = 'candidate' AND closed_at IS NULL AND used_at + interval '24 months' <= statement_timestamp())
    WITH CHECK (erase_at >= closed_at + interval '720 hours' AND erase_cause = 'expired');
INSERT INTO ledger_writers (role, kind) VALUES ('greenroom_erasure', 'account_closing');
