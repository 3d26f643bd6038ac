-- What is over lets nobody ask any more, and what was never given is told to nobody.

-- +goose Up

-- An invitation goes with its session, and with the account of its candidate: whoever ends these cancels it
-- in the same transaction. The eraser reaches those of erased sessions; by age it deletes as before.
DROP POLICY erasure_sweeps ON invitations;
CREATE POLICY erasure_finds ON invitations FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_sweeps ON invitations FOR DELETE TO greenroom_erasure
    USING (created_at + interval '3 years' <= statement_timestamp());
GRANT UPDATE (cancelled_at) ON invitations TO greenroom_erasure;
CREATE POLICY erasure_cancels ON invitations FOR UPDATE TO greenroom_erasure
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = invitations.session AND s.state = 'erased'));
CREATE POLICY owner_finds ON invitations FOR SELECT TO CURRENT_USER USING (true);
CREATE POLICY owner_cancels ON invitations FOR UPDATE TO CURRENT_USER USING (true);
UPDATE invitations SET cancelled_at = statement_timestamp() WHERE authorization_id IS NULL AND cancelled_at IS NULL
    AND session IN (SELECT s.id FROM sessions s JOIN accounts a ON a.id = s.candidate WHERE s.state = 'erased' OR a.closed_at IS NOT NULL);

-- A receipt names the session. Members who may see nothing of any session have no receipts either, and of
-- what was only asked for there is none for the organization.
ALTER POLICY employer_own ON receipts
    USING (side = 'organization' AND org = (SELECT current_org())
        AND EXISTS (SELECT FROM members m WHERE m.account = (SELECT current_account())
            AND m.org = receipts.org AND m.ended_at IS NULL AND m.role = 'reviewer')
        AND EXISTS (SELECT FROM authorization_events e
            WHERE e.authorization_id = receipts.authorization_id AND e.kind = 'granted'));
