-- A model rates each competency of an answer more than once. Who rates is also which pass it was, and from which
-- bank the session's plan came.

-- +goose Up
ALTER TABLE ratings
    ADD pass        text NOT NULL DEFAULT 'first' CHECK (pass IN ('first', 'second', 'third')),
    ADD bank_sha256 text NOT NULL DEFAULT '', -- empty: rated before it was kept, or by a person
    ADD CONSTRAINT ratings_people_once CHECK (rater_kind = 'model' OR pass = 'first');
ALTER TABLE ratings
    DROP CONSTRAINT ratings_session_question_take_competency_rater_kind_model_p_key,
    ADD CONSTRAINT ratings_rater_once UNIQUE (session, question, take, competency, rater_kind, model, pass, prompt_sha256);
GRANT UPDATE (bank_sha256) ON ratings TO greenroom_candidate; -- a self-rating is written as any other, with an empty one
