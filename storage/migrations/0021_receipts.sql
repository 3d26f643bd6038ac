-- Signed receipts: what was agreed, for both sides. They hold ids and terms, and outlive what they are
-- about, so they refer to it by id only.

-- +goose Up
CREATE TABLE receipts (
    id               text        PRIMARY KEY CHECK (length(id) = 26),
    seq              bigint      NOT NULL REFERENCES ledger (seq),
    session          text        NOT NULL,
    authorization_id text        NOT NULL, -- empty for the consents of the session itself
    org              text        NOT NULL, -- empty where the candidate alone is told
    account          text        NOT NULL, -- the candidate
    side             text        NOT NULL CHECK (side IN ('candidate', 'organization')),
    kind             text        NOT NULL CHECK (kind IN
        ('given', 'refused', 'withdrawn', 'revoked', 'superseded', 'expired', 'erased', 'ended')),
    notice_sha256    text        NOT NULL REFERENCES notices (sha256),
    jws              text        NOT NULL CHECK (length(jws) <= 65536),
    at               timestamptz NOT NULL,
    UNIQUE (seq, side),
    CHECK (side = 'candidate' OR (org <> '' AND kind IN ('given', 'ended')))
);
CREATE INDEX receipts_account ON receipts (account, session);
CREATE INDEX receipts_org ON receipts (org, seq) WHERE side = 'organization';
CREATE INDEX receipts_authorization ON receipts (authorization_id);

CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON receipts
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
ALTER TABLE receipts ENABLE ROW LEVEL SECURITY;
ALTER TABLE receipts FORCE ROW LEVEL SECURITY;

-- A candidate's act makes the receipts of both sides; each side reads its own.
GRANT SELECT, INSERT ON receipts TO greenroom_candidate;
CREATE POLICY candidate_reads ON receipts FOR SELECT TO greenroom_candidate
    USING (side = 'candidate' AND account = (SELECT current_account()));
CREATE POLICY candidate_adds ON receipts FOR INSERT TO greenroom_candidate
    WITH CHECK (account = (SELECT current_account())
        AND EXISTS (SELECT FROM sessions s WHERE s.id = receipts.session)
        AND (authorization_id = '' OR EXISTS (SELECT FROM authorizations a
            WHERE a.id = receipts.authorization_id AND a.session = receipts.session AND a.org = receipts.org)));

GRANT SELECT (id, seq, session, authorization_id, org, side, kind, notice_sha256, jws, at) ON receipts TO greenroom_employer;
CREATE POLICY employer_own ON receipts FOR SELECT TO greenroom_employer
    USING (side = 'organization' AND org = (SELECT current_org())
        AND EXISTS (SELECT FROM members m WHERE m.account = (SELECT current_account())
            AND m.org = receipts.org AND m.ended_at IS NULL));

-- What ends by itself, or by an erasure, takes its terms from the receipt that was given.
GRANT SELECT, INSERT ON receipts TO greenroom_worker, greenroom_erasure;
CREATE POLICY worker_terms ON receipts FOR SELECT TO greenroom_worker USING (side = 'candidate' AND kind = 'given');
CREATE POLICY worker_ends ON receipts FOR INSERT TO greenroom_worker WITH CHECK (kind IN ('revoked', 'expired', 'ended'));
CREATE POLICY erasure_terms ON receipts FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_ends ON receipts FOR INSERT TO greenroom_erasure WITH CHECK (kind IN ('revoked', 'erased', 'ended'));
-- Three years after their end they go.
GRANT DELETE ON receipts TO greenroom_erasure;
CREATE POLICY erasure_deletes ON receipts FOR DELETE TO greenroom_erasure USING (true);

-- The text that was shown goes with the receipt. It is the same for everybody.
GRANT SELECT (sha256, version, text) ON notices TO greenroom_employer;
CREATE POLICY employer_reads ON notices FOR SELECT TO greenroom_employer USING (true);
