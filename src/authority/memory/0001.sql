-- The link's memory: what the hub holds of this authority, by the hub's own acknowledgements. Days are ISO texts. It holds
-- people: whoever can read it could read the case management system's extract.

-- Which authority it is of, and the number of the last file that was made.
CREATE TABLE link (
    id             INTEGER PRIMARY KEY CHECK (id = 1),
    authority_code TEXT NOT NULL,
    sequence       INTEGER NOT NULL,
    acknowledged   TEXT,             -- the moment of the last acceptable one
    told           TEXT              -- its file code
) STRICT;

-- What the hub holds. Nothing stands here before its acknowledgement.
CREATE TABLE held (
    local_id  TEXT NOT NULL,
    number    TEXT NOT NULL,
    kind      TEXT NOT NULL,         -- SNOMED CT
    start_day TEXT NOT NULL,
    end_day   TEXT,
    family    TEXT NOT NULL,
    given     TEXT NOT NULL,
    born      TEXT NOT NULL,
    PRIMARY KEY (local_id, number, kind, start_day)
) STRICT, WITHOUT ROWID;

-- What the last extract says, for as long as an upload works.
CREATE TABLE extract (
    local_id  TEXT NOT NULL,
    row       INTEGER NOT NULL,
    number    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    end_day   TEXT,
    family    TEXT NOT NULL,
    given     TEXT NOT NULL,
    born      TEXT NOT NULL,
    PRIMARY KEY (local_id, row)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX extract_by_row ON extract (row);

-- The file under way, if there is one: the document itself waits beside this database.
CREATE TABLE outgoing (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    sequence INTEGER NOT NULL,
    day      TEXT NOT NULL
) STRICT;

-- What it says, by record.
CREATE TABLE outgoing_plan (
    place     INTEGER NOT NULL,
    nth       INTEGER NOT NULL,
    what      TEXT NOT NULL CHECK (what IN ('hold', 'take-back')),
    local_id  TEXT NOT NULL,
    of_person TEXT NOT NULL,         -- the record's number
    number    TEXT NOT NULL,         -- the plan's: another where it is taken back
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    end_day   TEXT,
    family    TEXT NOT NULL,
    given     TEXT NOT NULL,
    born      TEXT NOT NULL,
    PRIMARY KEY (place, nth)
) STRICT, WITHOUT ROWID;

-- What the hub says of it while that is read.
CREATE TABLE rejected (
    place       INTEGER PRIMARY KEY,
    code        TEXT NOT NULL,
    why         TEXT NOT NULL,
    replaced_by TEXT
) STRICT;

-- Not visible to hospitals, or not as it is: the standing list.
CREATE TABLE not_visible (
    local_id    TEXT NOT NULL,       -- or the row, where there is none
    plan        TEXT NOT NULL,       -- kind and start; empty where the row cannot be read
    since       TEXT NOT NULL,
    code        TEXT NOT NULL,       -- the hub's code, or 'row'
    why         TEXT NOT NULL,
    shows_older INTEGER NOT NULL CHECK (shows_older IN (0, 1)),
    listed      INTEGER NOT NULL CHECK (listed IN (0, 1)),
    PRIMARY KEY (local_id, plan)
) STRICT, WITHOUT ROWID;

-- Held, and no longer in the extract: listed until somebody decides.
CREATE TABLE absent (
    local_id  TEXT NOT NULL,
    number    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    since     TEXT NOT NULL,
    decision  TEXT CHECK (decision IN ('ended', 'in-error', 'left')),
    end_day   TEXT,                  -- of 'ended'
    listed    INTEGER NOT NULL CHECK (listed IN (0, 1)),
    PRIMARY KEY (local_id, number, kind, start_day)
) STRICT, WITHOUT ROWID;
