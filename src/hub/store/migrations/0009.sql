-- Files that local authorities send. A row for each one that was taken; how far it has come is written in the same
-- commit as what was applied up to there.
CREATE TABLE authority_file (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    authority_code TEXT NOT NULL,
    sequence       INTEGER NOT NULL, -- the authority's own
    digest         TEXT NOT NULL,    -- SHA-256 of its content
    spool          TEXT NOT NULL,    -- the name of the file that waits beside the database
    sent_ms        INTEGER NOT NULL, -- when it was made, and not later than it came
    at_ms          INTEGER NOT NULL, -- when it came
    records        INTEGER NOT NULL,
    done           INTEGER NOT NULL DEFAULT 0,
    rejected       INTEGER NOT NULL DEFAULT 0,
    state          TEXT NOT NULL CHECK (state IN ('waiting', 'complete', 'lost')),
    upload_id      INTEGER NOT NULL REFERENCES upload (id),
    UNIQUE (authority_code, sequence)
) STRICT;
CREATE INDEX authority_file_waiting ON authority_file (id) WHERE state = 'waiting';

-- Records that were rejected, by their place in the file. Nothing of a record itself.
CREATE TABLE authority_file_rejection (
    file_id     INTEGER NOT NULL REFERENCES authority_file (id),
    place       INTEGER NOT NULL,
    code        TEXT NOT NULL,       -- CPR01 ...
    why         TEXT NOT NULL,
    replaced_by TEXT,                -- the number in use, where the record's was superseded
    PRIMARY KEY (file_id, place)
) STRICT, WITHOUT ROWID;

-- Whether anything of an upload could be taken: an authority of which nothing can be taken has sent nothing.
ALTER TABLE upload ADD COLUMN is_taken INTEGER NOT NULL DEFAULT 1 CHECK (is_taken IN (0, 1));

-- Authorities that are expected to send, and since when: one that never has is missed too.
CREATE TABLE authority_expected (
    code     TEXT PRIMARY KEY,
    since_ms INTEGER NOT NULL
) STRICT;
