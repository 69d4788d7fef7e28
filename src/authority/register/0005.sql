-- NHS numbers under which the hub holds plans of this authority, and that are no longer in use: each stands here until the extract
-- has a working number in its place. The notice itself is among the others, and is in no case note.
CREATE TABLE inactive (
    notice_id    TEXT PRIMARY KEY REFERENCES notice (id),
    local_id     TEXT NOT NULL,
    number       TEXT NOT NULL,
    replaced_by  TEXT,               -- nothing where the identity ended
    at_ms        INTEGER NOT NULL,   -- when the hub learnt of it
    since_ms     INTEGER NOT NULL,   -- when it came
    extract_seen INTEGER NOT NULL,   -- the extract that was read last by then
    settled_ms   INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX inactive_open ON inactive (local_id, number) WHERE settled_ms IS NULL;
