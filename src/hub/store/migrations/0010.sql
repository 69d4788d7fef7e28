-- Sessions that the hub began: who is signed in, with which key, and what is needed to go on. Of refresh tokens only
-- hashes are here; `chain` makes the next one from one that is shown.
CREATE TABLE session (
    id                TEXT PRIMARY KEY,
    user_id           TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    role              TEXT NOT NULL,
    role_profile      TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    organisation      TEXT NOT NULL,
    activities        TEXT NOT NULL,
    key               TEXT NOT NULL,
    chain             BLOB NOT NULL,
    current           BLOB NOT NULL,
    previous          BLOB,
    rotated_ms        INTEGER NOT NULL,
    begun_ms          INTEGER NOT NULL,
    active_ms         INTEGER NOT NULL,
    idle_ms           INTEGER NOT NULL,
    over_ms           INTEGER NOT NULL,
    ended_ms          INTEGER,
    ended_by          TEXT,
    CHECK ((ended_ms IS NULL) = (ended_by IS NULL))
) STRICT;
CREATE INDEX session_by_end ON session (over_ms);
