-- What the link was told of accesses, and the case notes that it made of it. Moments are milliseconds since 1970 (UTC). It
-- holds who looked at whom: keep it as the case management system is kept.
CREATE TABLE link (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    authority_code TEXT NOT NULL,
    have_number    INTEGER,          -- up to here every notification is in this file
    have_id        TEXT,
    heard_ms       INTEGER,          -- when the hub last answered
    hub_trouble    TEXT,             -- why it does not, and since when
    hub_since_ms   INTEGER,
    note_trouble   TEXT,             -- the same of the record system
    note_since_ms  INTEGER,
    other_numbers_ms INTEGER,        -- when it was last noticed that the hub was put back from a backup
    folder         TEXT,             -- the folder in which notes were placed last
    folder_mark    TEXT              -- and what its mark says
) STRICT;

-- Each notification once, by its id, as it came. Nothing is told the hub of it before it is here.
CREATE TABLE notice (
    id         TEXT PRIMARY KEY,
    number     INTEGER NOT NULL,
    document   BLOB NOT NULL,        -- the entry as it came where it cannot be read
    came_ms    INTEGER NOT NULL,
    note_id    TEXT,                 -- in which note it stands
    told       TEXT CHECK (told IN ('documented', 'triage', 'dealt-with'))   -- what the hub has taken as its receipt
) STRICT, WITHOUT ROWID;
CREATE INDEX notice_by_number ON notice (number);
CREATE INDEX notice_without_note ON notice (number) WHERE note_id IS NULL;
CREATE INDEX notice_not_told ON notice (number) WHERE told IS NOT 'documented' AND told IS NOT 'dealt-with';

-- One for each attendance, and one for each notification that cannot be read.
CREATE TABLE note (
    id         TEXT PRIMARY KEY,     -- the id of the first notification in it
    attendance TEXT NOT NULL,
    told_as    TEXT NOT NULL,        -- the local id that the hub gave
    local_id   TEXT NOT NULL,        -- the one under which it is filed
    standing   TEXT NOT NULL CHECK (standing IN ('record', 'triage', 'settled')),
    why        TEXT,                 -- of triage
    since_ms   INTEGER NOT NULL,
    UNIQUE (attendance, told_as)
) STRICT, WITHOUT ROWID;
CREATE INDEX note_in_triage ON note (since_ms) WHERE standing = 'triage';

-- A note as it grows: each notification adds a part. What is not known to be placed is waiting: it is placed again, under
-- the same name, rather twice than not at all.
CREATE TABLE part (
    note_id   TEXT NOT NULL REFERENCES note (id),
    part      INTEGER NOT NULL,      -- 1, 2, 3 ...
    notice_id TEXT NOT NULL UNIQUE REFERENCES notice (id),
    added     TEXT NOT NULL,         -- its words
    state     TEXT NOT NULL CHECK (state IN ('waiting', 'done', 'dealt-with')),
    tries     INTEGER NOT NULL DEFAULT 0,
    next_ms   INTEGER NOT NULL DEFAULT 0,
    why       TEXT,                  -- why the record system refused this one
    done_ms   INTEGER,
    PRIMARY KEY (note_id, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX part_not_done ON part (note_id) WHERE state = 'waiting';

-- Numbers that were passed over: they are asked for again.
CREATE TABLE missing (
    number   INTEGER PRIMARY KEY,
    since_ms INTEGER NOT NULL,
    tries    INTEGER NOT NULL DEFAULT 0,
    next_ms  INTEGER NOT NULL DEFAULT 0
) STRICT;
