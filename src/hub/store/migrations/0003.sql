-- Loads that go on where they were broken off. A row per load of a large file; its position is written in the same
-- commit as what was loaded up to there.
CREATE TABLE load (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT NOT NULL,    -- the path of the file
    size       INTEGER NOT NULL,
    digest     TEXT NOT NULL,    -- SHA-256 of its content
    begun_ms   INTEGER NOT NULL, -- the moment that counts for all of it
    state      TEXT NOT NULL CHECK (state IN ('running', 'complete', 'told', 'dropped')),
    phase      INTEGER NOT NULL,
    next       INTEGER NOT NULL, -- of the phase: the next line, or the next of those that it is about
    offset     INTEGER NOT NULL, -- in bytes
    people     INTEGER NOT NULL DEFAULT 0,
    superseded INTEGER NOT NULL DEFAULT 0,
    ended      INTEGER NOT NULL DEFAULT 0,
    plans      INTEGER NOT NULL DEFAULT 0,
    outdated   INTEGER NOT NULL DEFAULT 0,
    refused    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX load_by_digest ON load (digest);

-- What was refused, until it was told. Nothing of the line itself.
CREATE TABLE load_refusal (
    load_id INTEGER NOT NULL REFERENCES load (id),
    line    INTEGER NOT NULL,
    why     TEXT NOT NULL,
    PRIMARY KEY (load_id, line)
) STRICT, WITHOUT ROWID;

ALTER TABLE upload ADD COLUMN load_id INTEGER;
CREATE INDEX upload_by_load ON upload (load_id) WHERE load_id IS NOT NULL;

-- When the authority sent its name and numbers as they are held: an older file does not overwrite them.
ALTER TABLE authority ADD COLUMN described_ms INTEGER NOT NULL DEFAULT 0;
UPDATE authority SET described_ms = coalesce(
    (SELECT max(coalesce(plan.sent_ms, upload.at_ms)) FROM plan JOIN upload ON upload.id = plan.upload_id
     WHERE plan.authority_code = authority.code), 0);
