-- Since this version the rows that cannot be sent are remembered too, as far as they can be read: their plans are not visible, and
-- their cases are open all the same. Nothing of it is ever sent.
CREATE TABLE refused_row (
    row            INTEGER PRIMARY KEY,
    local_id       TEXT,             -- nothing where even that cannot be read
    number         TEXT,
    kind           TEXT,
    start_day      TEXT,
    end_day        TEXT,             -- nothing too where the plan goes on
    worker         TEXT,
    team           TEXT,
    worker_is_away INTEGER NOT NULL CHECK (worker_is_away IN (0, 1)),
    is_restricted  INTEGER CHECK (is_restricted IN (0, 1)),
    why            TEXT NOT NULL
) STRICT;
CREATE INDEX refused_by_local_id ON refused_row (local_id);

-- Who works on the cases that the hub holds, as the last row that could be read said.
CREATE TABLE last_worker (
    local_id       TEXT PRIMARY KEY,
    worker         TEXT,
    team           TEXT,
    worker_is_away INTEGER NOT NULL CHECK (worker_is_away IN (0, 1))
) STRICT, WITHOUT ROWID;

-- How many rows the last extract had that was believed: one with far fewer was probably cut off.
ALTER TABLE link ADD COLUMN extract_rows INTEGER;
UPDATE link SET extract_rows = (SELECT count(*) FROM extract);

-- Who decided, and whether they knew that a row of this local id cannot be read: then the decision does not wait for it.
ALTER TABLE absent ADD COLUMN decided_by TEXT;
ALTER TABLE absent ADD COLUMN despite_row INTEGER NOT NULL DEFAULT 0 CHECK (despite_row IN (0, 1));

-- Every decision, for good.
CREATE TABLE decision (
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    decided_by TEXT NOT NULL,
    local_id   TEXT NOT NULL,
    kind       TEXT NOT NULL,
    start_day  TEXT NOT NULL,
    decision   TEXT NOT NULL CHECK (decision IN ('ended', 'in-error', 'left')),
    end_day    TEXT
) STRICT;
