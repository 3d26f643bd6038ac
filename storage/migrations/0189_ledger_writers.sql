-- Later migrations say what more a plane may write into the ledger. They run as the owner, whom forced
-- policies bind where it is no superuser.

-- +goose Up
CREATE POLICY owner_adds ON ledger_writers FOR INSERT TO CURRENT_USER WITH CHECK (true);
