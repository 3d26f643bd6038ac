-- Whether the times of words were measured is what the engine said of its own, and stands in each word that a
-- correction shared time out to. A correction does not change the first.

-- +goose Up
REVOKE UPDATE (interpolated) ON lines FROM greenroom_candidate;
