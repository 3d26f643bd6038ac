-- Who a transaction is about, in words that the database can check.
--
-- Policies used to believe three plain settings, which any statement of the role could set: one hole in
-- our SQL would have been enough to become somebody else. Now there is one setting, greenroom.context:
--
--     v1|<role>|<account>|<org>|<session>|<invitation>|<expiry, unix ms>|<hex HMAC-SHA256 of all before the last bar>
--
-- The server signs it (storage/row_context.go) under a key that no log-in role can read. A context that
-- is missing, altered, expired or made for another role raises, so that forgetting it shows at once and
-- not as an empty page.

-- +goose Up
-- HMAC needs its key only as two padded blocks (RFC 2104), so sha256() is enough and no extension is.
CREATE TABLE context_keys (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    inner_pad bytea   NOT NULL CHECK (length(inner_pad) = 64),
    outer_pad bytea   NOT NULL CHECK (length(outer_pad) = 64)
);
ALTER TABLE context_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE context_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY owner_keeps ON context_keys TO CURRENT_USER USING (true) WITH CHECK (true);

-- context_part checks the context and returns one field of it, NULL where that is empty. It runs with its
-- owner's rights, because it must read the key; session_user is still the role that logged in.
-- +goose StatementBegin
CREATE FUNCTION context_part(part int) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    given text := current_setting('greenroom.context', true);
    parts text[];
    pads  record;
    mac   bytea;
BEGIN
    IF given IS NULL OR given = '' THEN
        RAISE EXCEPTION 'the row context is missing' USING ERRCODE = 'RW001';
    END IF;
    parts := string_to_array(given, '|');
    SELECT k.inner_pad, k.outer_pad INTO pads FROM public.context_keys k;
    mac := sha256(pads.outer_pad || sha256(pads.inner_pad
        || convert_to(left(given, -(length(parts[cardinality(parts)]) + 1)), 'UTF8')));
    -- Hashed once more before they are compared, so that how long the comparing takes says nothing.
    IF cardinality(parts) <> 8 OR parts[1] <> 'v1'
        OR (sha256(convert_to(encode(mac, 'hex'), 'UTF8')) = sha256(convert_to(parts[8], 'UTF8'))) IS NOT TRUE THEN
        RAISE EXCEPTION 'the row context is not genuine' USING ERRCODE = 'RW001';
    END IF;
    IF 'greenroom_' || parts[2] <> session_user THEN
        RAISE EXCEPTION 'the row context was made for another role' USING ERRCODE = 'RW001';
    END IF;
    IF parts[7]::numeric <= extract(epoch FROM statement_timestamp()) * 1000 THEN
        RAISE EXCEPTION 'the row context has expired' USING ERRCODE = 'RW002';
    END IF;
    RETURN nullif(parts[part], '');
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION context_part(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION context_part(int) TO greenroom_login, greenroom_candidate, greenroom_employer,
    greenroom_ingest, greenroom_worker, greenroom_keys, greenroom_export, greenroom_erasure, greenroom_audit;

-- The planner puts these in line; inside (SELECT current_account()) the check runs once a query.
CREATE OR REPLACE FUNCTION current_account() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN context_part(3);
CREATE OR REPLACE FUNCTION current_org() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN context_part(4);
CREATE OR REPLACE FUNCTION current_session_id() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN context_part(5);
CREATE FUNCTION current_invitation() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE RETURN context_part(6);
