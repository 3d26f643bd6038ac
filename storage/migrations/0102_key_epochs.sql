-- Which epoch key a wrapped key is sealed under, besides the master key; 0: none yet. The epoch keys
-- themselves lie in the secrets folder alone (epochs.go says why they exist).

-- +goose Up
ALTER TABLE data_keys ADD COLUMN epoch int NOT NULL DEFAULT 0 CHECK (epoch >= 0);
CREATE INDEX data_keys_epoch ON data_keys (epoch);

-- The key service seals a key anew every day. It can do nothing else to one: an older epoch would undo
-- the destruction of keys, another text under the same epoch would replace one.
GRANT UPDATE (wrapped, epoch) ON data_keys TO greenroom_keys;
CREATE POLICY keys_reseals ON data_keys FOR UPDATE TO greenroom_keys USING (true) WITH CHECK (true);

-- +goose StatementBegin
CREATE FUNCTION epochs_only_rise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.epoch <= OLD.epoch OR (NEW.session, NEW.scope, NEW.master_key, NEW.created_at)
        IS DISTINCT FROM (OLD.session, OLD.scope, OLD.master_key, OLD.created_at) THEN
        RAISE EXCEPTION 'a wrapped key can only be sealed anew under a later epoch' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd

CREATE TRIGGER epochs_only_rise BEFORE UPDATE ON data_keys FOR EACH ROW EXECUTE FUNCTION epochs_only_rise();
