-- Passwords get a pepper and can be changed; tries to log in are counted before the password is looked
-- at, and too many in a row switch log-in off until an operator resets it.

-- +goose Up

-- Names the key that went into the hash; empty: none. Such a hash is made anew at the next log-in.
ALTER TABLE accounts ADD COLUMN pepper text NOT NULL DEFAULT '';
GRANT INSERT (pepper), UPDATE (password_hash, pepper, display_name) ON accounts TO greenroom_login;
CREATE POLICY login_changes ON accounts FOR UPDATE TO greenroom_login USING (true) WITH CHECK (true);

-- How many tries failed one after the other. Time does not forget these, as it does the waits.
ALTER TABLE log_in_failures ADD COLUMN in_a_row int NOT NULL DEFAULT 0;
CREATE POLICY owner_administers ON log_in_failures TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_administers ON log_ins TO CURRENT_USER USING (true) WITH CHECK (true);
