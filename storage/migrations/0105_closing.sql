-- Closing an account: everything is cut at once, nothing is lost for thirty days, then everything goes.
--
-- A reported child's account has no thirty days: an operator closes it with the time of its erasure now.

-- +goose Up
ALTER TABLE accounts
    ADD COLUMN erase_at    timestamptz, -- of a closed account: when the eraser may begin
    ADD COLUMN erase_cause text CHECK (erase_cause IN ('closed', 'child', 'restored')),
    ADD COLUMN erased_at   timestamptz, -- when it was done: what is left is an id
    ADD CHECK (erase_at IS NULL OR closed_at IS NOT NULL),
    ADD CHECK ((erase_at IS NULL) = (erase_cause IS NULL)),
    ADD CHECK (erased_at IS NULL OR erase_at IS NOT NULL);
CREATE INDEX accounts_erasing ON accounts (erase_at) WHERE erased_at IS NULL;

-- Who closes it is the candidate, in one transaction with the end of all that was shared and of all
-- log-ins. Opening it again is for whoever logs in to it, who can do nothing else.
GRANT SELECT (erase_at), UPDATE (closed_at, erase_at, erase_cause) ON accounts TO greenroom_candidate;
CREATE POLICY candidate_closes ON accounts FOR UPDATE TO greenroom_candidate
    USING (id = (SELECT current_account()) AND closed_at IS NULL)
    WITH CHECK (erase_at >= closed_at + interval '720 hours' AND erase_cause = 'closed');
GRANT UPDATE (closed_at, erase_at, erase_cause) ON accounts TO greenroom_login;
CREATE POLICY login_opens ON accounts AS RESTRICTIVE FOR UPDATE TO greenroom_login
    USING (erased_at IS NULL AND (closed_at IS NULL OR erase_at > statement_timestamp())) WITH CHECK (closed_at IS NULL);
GRANT DELETE ON log_ins TO greenroom_candidate;
CREATE POLICY candidate_ends ON log_ins FOR DELETE TO greenroom_candidate USING (account = (SELECT current_account()));

-- Meanwhile its interviews are kept and nobody works on them, as if each was restricted. Opening the
-- account lifts what closing set, and nothing else.
GRANT UPDATE (restricted_at) ON sessions TO greenroom_login;
GRANT SELECT (id, candidate, state, restricted_at) ON sessions TO greenroom_login;
CREATE POLICY login_opens ON sessions TO greenroom_login
    USING (candidate = (SELECT current_account()) AND state <> 'erased') WITH CHECK (candidate = (SELECT current_account()));

-- The eraser, when the time has come.
GRANT SELECT (id, email, erase_at, erase_cause, erased_at), UPDATE (email, display_name, password_hash, pepper, erased_at)
    ON accounts TO greenroom_erasure;
CREATE POLICY erasure_finds ON accounts FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_empties ON accounts FOR UPDATE TO greenroom_erasure
    USING (erase_at <= statement_timestamp() AND erased_at IS NULL) WITH CHECK (erased_at IS NOT NULL);
-- +goose StatementBegin
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['log_ins', 'second_factors', 'members'] LOOP
        EXECUTE format('GRANT SELECT (account), DELETE ON %I TO greenroom_erasure', kept);
        EXECUTE format('CREATE POLICY erasure_empties ON %1$I TO greenroom_erasure USING (EXISTS (SELECT FROM accounts a
            WHERE a.id = %1$I.account AND a.erase_at <= statement_timestamp()))', kept);
    END LOOP;
END $$;
-- +goose StatementEnd
GRANT SELECT (email_sha256), DELETE ON log_in_failures TO greenroom_erasure;
CREATE POLICY erasure_empties ON log_in_failures TO greenroom_erasure USING (true);

-- An operator who is told that somebody is a child.
CREATE POLICY owner_reports ON erasures TO CURRENT_USER USING (true) WITH CHECK (cause = 'child' AND state = 'running');
