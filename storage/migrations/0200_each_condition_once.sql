-- The same doors, with each condition written once. What follows says nothing that was not said before; but
-- a condition that another policy repeats can be lost without anybody noticing, and the tests now take out
-- every condition in turn (storage/policy_mutation_test.go).

-- +goose Up

-- What a session holds. Its candidate reads it unless it is erased or held; the live side and the assessor
-- also not while it is restricted. An employer needs the scope, and a session that its own policy shows.
-- +goose StatementBegin
DO $$
DECLARE
    content text;
BEGIN
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'evidence', 'ratings', 'rating_notes', 'measurements', 'gaps', 'segments'] LOOP
        EXECUTE format('DROP POLICY session_open ON %I', content);
        EXECUTE format('DROP POLICY candidate_own ON %I', content);
        EXECUTE format('CREATE POLICY candidate_own ON %1$I FOR SELECT TO greenroom_candidate
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session AND s.state <> ''erased'' AND s.held_at IS NULL))', content);
        EXECUTE format('CREATE POLICY session_seen ON %1$I AS RESTRICTIVE FOR SELECT TO greenroom_employer
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session))', content);
    END LOOP;
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'evidence', 'ratings', 'rating_notes', 'measurements', 'gaps'] LOOP
        EXECUTE format('DROP POLICY session_worked_on ON %I', content);
    END LOOP;
    -- The ingest plane sees one session, so the session's own policy says which.
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'gaps'] LOOP
        EXECUTE format('DROP POLICY ingest_one ON %I', content);
        EXECUTE format('CREATE POLICY ingest_one ON %1$I TO greenroom_ingest
            USING (EXISTS (SELECT FROM sessions s WHERE s.id = %1$I.session AND s.state <> ''erased''
                AND s.held_at IS NULL AND s.restricted_at IS NULL))', content);
    END LOOP;
    -- The worker plane sees all sessions, because its timers do.
    FOREACH content IN ARRAY ARRAY['answers', 'lines', 'evidence', 'rating_notes', 'measurements'] LOOP
        EXECUTE format('DROP POLICY worker_one ON %I', content);
        EXECUTE format('CREATE POLICY worker_one ON %1$I TO greenroom_worker
            USING (session = (SELECT current_session_id()) AND EXISTS (SELECT FROM sessions s
                WHERE s.id = %1$I.session AND s.state <> ''erased'' AND s.held_at IS NULL AND s.restricted_at IS NULL))', content);
    END LOOP;
END $$;
-- +goose StatementEnd
DROP POLICY worker_one ON ratings;
CREATE POLICY worker_one ON ratings TO greenroom_worker
    USING (session = (SELECT current_session_id()) AND rater_kind <> 'self' AND EXISTS (SELECT FROM sessions s
        WHERE s.id = ratings.session AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));

-- A candidate rates unless the session is closed, and changes only the level of an own rating.
DROP POLICY not_restricted ON ratings;
DROP POLICY not_restricted_again ON ratings;
DROP POLICY candidate_rates ON ratings;
DROP POLICY candidate_rerates ON ratings;
CREATE POLICY candidate_rates ON ratings FOR INSERT TO greenroom_candidate
    WITH CHECK (rater_kind = 'self' AND EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session
        AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));
CREATE POLICY candidate_rerates ON ratings FOR UPDATE TO greenroom_candidate
    USING (rater_kind = 'self' AND EXISTS (SELECT FROM sessions s WHERE s.id = ratings.session
        AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));

-- Nothing is added to an erased session.
DROP POLICY erased_stays ON session_events;
DROP POLICY candidate_own ON session_events;
DROP POLICY ingest_one ON session_events;
DROP POLICY worker_adds ON session_events;
CREATE POLICY candidate_reads ON session_events FOR SELECT TO greenroom_candidate
    USING (EXISTS (SELECT FROM sessions s WHERE s.id = session_events.session));
CREATE POLICY ingest_reads ON session_events FOR SELECT TO greenroom_ingest USING (session = (SELECT current_session_id()));
CREATE POLICY worker_reads ON session_events FOR SELECT TO greenroom_worker USING (true);
CREATE POLICY open_adds ON session_events FOR INSERT TO greenroom_candidate, greenroom_ingest, greenroom_worker
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = session_events.session AND s.state <> 'erased'));
DROP POLICY erased_stays ON segments;
DROP POLICY ingest_one ON segments;
CREATE POLICY ingest_reads ON segments FOR SELECT TO greenroom_ingest USING (session = (SELECT current_session_id()));
CREATE POLICY ingest_adds ON segments FOR INSERT TO greenroom_ingest
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = segments.session AND s.state <> 'erased'));
DROP POLICY erased_stays ON data_keys;
DROP POLICY keys_adds ON data_keys;
CREATE POLICY keys_adds ON data_keys FOR INSERT TO greenroom_keys
    WITH CHECK (EXISTS (SELECT FROM sessions s WHERE s.id = data_keys.session AND s.state <> 'erased'));

-- Where no grant lets a role change what a condition is about, or a default cannot be overridden, the
-- condition need not be checked again on what was written.
DROP POLICY ingest_one ON sessions;
CREATE POLICY ingest_one ON sessions TO greenroom_ingest USING (id = (SELECT current_session_id()));
DROP POLICY export_own ON exports;
CREATE POLICY export_own ON exports TO greenroom_export USING (account = (SELECT current_account()));
DROP POLICY erasure_erases ON sessions;
CREATE POLICY erasure_erases ON sessions FOR UPDATE TO greenroom_erasure
    USING (held_at IS NULL) WITH CHECK (state = 'erased');
DROP POLICY worker_expires ON authorization_events;
CREATE POLICY worker_expires ON authorization_events FOR INSERT TO greenroom_worker
    WITH CHECK (kind = 'expired' AND EXISTS (SELECT FROM authorizations a
        WHERE a.id = authorization_events.authorization_id AND statement_timestamp() >= a.valid_until));
ALTER POLICY employer_redeems ON invitations WITH CHECK (true);
DROP POLICY login_opens ON sessions;
CREATE POLICY login_opens ON sessions TO greenroom_login USING (candidate = (SELECT current_account()) AND state <> 'erased');
ALTER POLICY candidate_objects ON accounts WITH CHECK (closed_at IS NULL);

-- What one policy lets through need not pass another: an employer's account is not a candidate's to change
-- by either.
ALTER POLICY candidate_closes ON accounts
    USING (id = (SELECT current_account()) AND kind = 'candidate' AND closed_at IS NULL);
