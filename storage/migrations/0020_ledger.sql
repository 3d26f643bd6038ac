-- The ledger: what gave, ended, held or undid a right to look at somebody's data, in one order.
--
-- Entries are only ever added, by one function, under one lock that is held until the transaction ends:
-- numbers rise without a gap in the order of commits, and each entry's chain commits to all before it.
-- What an entry commits to lies apart, with its salt: erasing deletes that, and the chain stays whole.

-- +goose Up
CREATE TABLE ledger (
    seq              bigint      PRIMARY KEY CHECK (seq > 0),
    at               timestamptz NOT NULL,
    kind             text        NOT NULL,
    session          text        NOT NULL, -- ids are no references: the ledger outlives what it is about
    authorization_id text        NOT NULL,
    account          text        NOT NULL,
    org              text        NOT NULL, -- only where the entry is about an organization itself
    leaf             bytea       NOT NULL CHECK (length(leaf) = 32),
    chain            bytea       NOT NULL CHECK (length(chain) = 32)
);

CREATE TABLE ledger_openings (
    seq     bigint PRIMARY KEY REFERENCES ledger (seq),
    session text   NOT NULL,
    account text   NOT NULL,
    salt    bytea  NOT NULL CHECK (length(salt) = 32),
    event   text   NOT NULL CHECK (length(event) <= 4096)
);
CREATE INDEX ledger_openings_session ON ledger_openings (session);
CREATE INDEX ledger_openings_account ON ledger_openings (account);

-- Which plane may say what. A plane that was broken into cannot write another's words: an erasure that
-- nobody asked for would be done again after the next restore.
CREATE TABLE ledger_writers (
    role text NOT NULL,
    kind text NOT NULL,
    PRIMARY KEY (role, kind)
);
INSERT INTO ledger_writers (role, kind) VALUES
    ('greenroom_candidate', 'consents_answered'), ('greenroom_candidate', 'consent_withdrawn'),
    ('greenroom_candidate', 'authorization_requested'), ('greenroom_candidate', 'authorization_granted'),
    ('greenroom_candidate', 'authorization_refused'), ('greenroom_candidate', 'authorization_withdrawn'),
    ('greenroom_candidate', 'authorization_superseded'), ('greenroom_candidate', 'authorization_suspended'),
    ('greenroom_candidate', 'authorization_resumed'), ('greenroom_candidate', 'session_restricted'),
    ('greenroom_candidate', 'session_unrestricted'), ('greenroom_candidate', 'erasure_requested'),
    ('greenroom_candidate', 'account_closing'), ('greenroom_candidate', 'account_reopened'),
    ('greenroom_candidate', 'correction'), ('greenroom_candidate', 'ai_objected'),
    ('greenroom_candidate', 'ai_objection_lifted'), ('greenroom_candidate', 'export_made'),
    ('greenroom_employer', 'authorization_requested'),
    ('greenroom_login', 'account_closing'), ('greenroom_login', 'account_reopened'),
    ('greenroom_ingest', 'consent_withdrawn'),
    ('greenroom_worker', 'authorization_expired'), ('greenroom_worker', 'authorization_revoked'),
    ('greenroom_worker', 'export_made'), ('greenroom_worker', 'notice_published'),
    ('greenroom_erasure', 'erasure_requested'), ('greenroom_erasure', 'session_erased'),
    ('greenroom_erasure', 'account_erased'), ('greenroom_erasure', 'authorization_revoked'),
    ('greenroom_erasure', 'session_released');

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON ledger_openings
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_openings ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_openings FORCE ROW LEVEL SECURITY;
ALTER TABLE ledger_writers ENABLE ROW LEVEL SECURITY;
ALTER TABLE ledger_writers FORCE ROW LEVEL SECURITY;

-- Forced policies bind the owner as well, as whom the function runs.
CREATE POLICY owner_appends ON ledger TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_appends ON ledger_openings TO CURRENT_USER USING (true) WITH CHECK (true);
CREATE POLICY owner_reads ON ledger_writers FOR SELECT TO CURRENT_USER USING (true);

-- The journal outside the database is written from what this role sees: ids, and no opening.
GRANT SELECT ON ledger TO greenroom_audit;
CREATE POLICY audit_follows ON ledger FOR SELECT TO greenroom_audit USING (true);

GRANT SELECT ON ledger_openings TO greenroom_candidate;
CREATE POLICY candidate_own ON ledger_openings FOR SELECT TO greenroom_candidate
    USING (account = (SELECT current_account()));

-- The eraser finds openings and deletes them; it cannot read them.
GRANT SELECT (seq, session, account), DELETE ON ledger_openings TO greenroom_erasure;
CREATE POLICY erasure_finds ON ledger_openings FOR SELECT TO greenroom_erasure USING (true);
CREATE POLICY erasure_deletes ON ledger_openings FOR DELETE TO greenroom_erasure USING (true);

-- The sums of consent/ledger_chain.go.
CREATE FUNCTION ledger_entry_digest(leaf bytea, at timestamptz, kind text, session text, authorization_id text, account text,
    org text)
RETURNS bytea LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN sha256('\x02'::bytea || leaf || int8send((extract(epoch FROM at) * 1000000)::bigint)
        || convert_to(kind, 'UTF8') || '\x00'::bytea || convert_to(session, 'UTF8') || '\x00'::bytea
        || convert_to(authorization_id, 'UTF8') || '\x00'::bytea || convert_to(account, 'UTF8') || '\x00'::bytea
        || convert_to(org, 'UTF8') || '\x00'::bytea);

-- Appends one event. It runs with its owner's rights, because no plane may write the ledger by itself;
-- so it believes nothing it is told: what the row says is read from the event, the time must be of this
-- very transaction, and a person can only speak as themselves. Callers take the locks on their own rows
-- first: whoever waits here holds everything up.
-- +goose StatementBegin
CREATE FUNCTION ledger_append(salt bytea, event text,
    OUT seq bigint, OUT entry bytea, OUT previous bytea, OUT chain bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    said    constant jsonb       := event::jsonb;
    kind    constant text        := said ->> 'kind';
    at      constant timestamptz := (said ->> 'at')::timestamptz;
    account constant text        := coalesce(said ->> 'account', '');
    session constant text        := coalesce(said ->> 'session', '');
    granted constant text        := coalesce(said ->> 'authorization', '');
    org     constant text        := CASE WHEN kind LIKE 'organization\_%' THEN coalesce(said ->> 'org', '') ELSE '' END;
    leaf    constant bytea       := sha256('\x00'::bytea || salt || convert_to(event, 'UTF8'));
BEGIN
    IF session_user <> current_user THEN
        IF NOT EXISTS (SELECT FROM public.ledger_writers w WHERE w.role = session_user AND w.kind = said ->> 'kind') THEN
            RAISE EXCEPTION 'the ledger takes no such event from here' USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF session_user = 'greenroom_candidate' AND account IS DISTINCT FROM public.current_account()
            OR session_user = 'greenroom_employer'
                AND (account <> '' OR (said ->> 'org') IS DISTINCT FROM public.current_org()) THEN
            RAISE EXCEPTION 'the ledger takes no event about somebody else' USING ERRCODE = 'insufficient_privilege';
        END IF;
    END IF;
    IF kind IS NULL OR at IS NULL OR at < transaction_timestamp() OR at > clock_timestamp() THEN
        RAISE EXCEPTION 'an event of the ledger happens in the transaction that appends it' USING ERRCODE = 'check_violation';
    END IF;
    PERFORM pg_advisory_xact_lock(7454141745088194418); -- ledgerLock in storage/ledger.go
    SELECT l.seq, l.chain INTO seq, previous FROM public.ledger l ORDER BY l.seq DESC LIMIT 1;
    seq := coalesce(seq, 0) + 1;
    previous := coalesce(previous, decode(repeat('00', 32), 'hex'));
    entry := public.ledger_entry_digest(leaf, at, kind, session, granted, account, org);
    chain := sha256('\x01'::bytea || previous || int8send(seq) || entry);
    INSERT INTO public.ledger (seq, at, kind, session, authorization_id, account, org, leaf, chain)
        VALUES (seq, at, kind, session, granted, account, org, leaf, chain);
    INSERT INTO public.ledger_openings (seq, session, account, salt, event) VALUES (seq, session, account, salt, event);
    PERFORM pg_notify('greenroom_ledger', seq::text);
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION ledger_append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ledger_append TO greenroom_candidate, greenroom_employer, greenroom_login,
    greenroom_ingest, greenroom_worker, greenroom_erasure;
