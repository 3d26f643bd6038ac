-- Rooms ask each second what their sessions are and consent to. One statement asks for all of a process,
-- and the wall stays where it is: for each session it takes a signed row context of its own, and each row
-- is read under the policies of whoever calls.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION sessions_now(contexts text[])
    RETURNS TABLE (known boolean, id text, candidate text, state text, recording boolean, transcription boolean, assessment boolean)
    LANGUAGE plpgsql VOLATILE SECURITY INVOKER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY contexts LOOP
        PERFORM set_config('greenroom.context', one, true);
        SELECT true, s.id, s.candidate, s.state, s.recording, s.transcription, s.assessment
            INTO known, id, candidate, state, recording, transcription, assessment
            FROM public.sessions s WHERE s.id = public.current_session_id() AND s.state <> 'erased';
        known := FOUND;
        RETURN NEXT; -- a row for each context, so that whoever asked can count them
    END LOOP;
END $$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION sessions_now(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION sessions_now(text[]) TO greenroom_ingest;
