-- One access for each minute in which a person looked at a part, however often the player asked.

-- +goose Up
CREATE INDEX accesses_again ON accesses (session, account, artefact, at);
GRANT SELECT (session, account, artefact, at) ON accesses TO greenroom_employer;
CREATE POLICY employer_own ON accesses FOR SELECT TO greenroom_employer
    USING (account = (SELECT current_account()));
