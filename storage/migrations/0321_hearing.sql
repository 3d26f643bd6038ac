-- How well an answer could be heard: of each line how much of its sound never came, and how much was cut off at full
-- scale; beside each rating by a model, which of that was bad enough to be said.

-- +goose Up
ALTER TABLE lines
    ADD lost_ns    bigint CHECK (lost_ns >= 0),                             -- null: not looked at
    ADD clipped_ns bigint CHECK (clipped_ns >= 0),
    ADD CONSTRAINT lines_looked_at_once CHECK ((lost_ns IS NULL) = (clipped_ns IS NULL));
GRANT SELECT (lost_ns, clipped_ns) ON lines TO greenroom_employer;          -- with the line, by its policy

ALTER TABLE ratings
    ADD heard_badly text[] NOT NULL DEFAULT '{}' CHECK (heard_badly <@ ARRAY['lost', 'clipped', 'unsure']),
    ADD CONSTRAINT ratings_people_hear CHECK (rater_kind = 'model' OR heard_badly = '{}');
GRANT UPDATE (heard_badly) ON ratings TO greenroom_candidate;               -- a self-rating is written as any other, with an empty one

-- The assessor reads of its one session where there is no sound.
GRANT SELECT ON gaps TO greenroom_worker;
CREATE POLICY worker_one ON gaps FOR SELECT TO greenroom_worker
    USING (session = (SELECT current_session_id()) AND EXISTS (SELECT FROM sessions s
        WHERE s.id = gaps.session AND s.state <> 'erased' AND s.held_at IS NULL AND s.restricted_at IS NULL));
