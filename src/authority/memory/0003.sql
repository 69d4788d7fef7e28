-- Since this version hub and link notice when one of them has been put back from a backup: a file names the one that it follows.

-- The last file that the hub acknowledged; nothing where everything has to be sent.
ALTER TABLE link ADD COLUMN previous_sequence INTEGER;
ALTER TABLE link ADD COLUMN previous_digest TEXT;
-- What the hub last said where they do not meet, until everything was sent: which of the two is older.
ALTER TABLE link ADD COLUMN apart TEXT CHECK (apart IN ('hub-older', 'link-older'));

-- SHA-256 of the document under way: its acknowledgement names it.
ALTER TABLE outgoing ADD COLUMN digest TEXT;
ALTER TABLE outgoing ADD COLUMN is_full INTEGER NOT NULL DEFAULT 0 CHECK (is_full IN (0, 1));

-- A plan may also only end, whatever has become of its person's names.
CREATE TABLE outgoing_plan_new (
    place     INTEGER NOT NULL,
    nth       INTEGER NOT NULL,
    what      TEXT NOT NULL CHECK (what IN ('hold', 'take-back', 'end')),
    local_id  TEXT NOT NULL,
    of_person TEXT NOT NULL,         -- the record's number
    number    TEXT NOT NULL,         -- the plan's: another where it is taken back
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    end_day   TEXT,
    family    TEXT NOT NULL,         -- empty where only the hub knew the plan
    given     TEXT NOT NULL,
    born      TEXT NOT NULL,
    PRIMARY KEY (place, nth)
) STRICT, WITHOUT ROWID;
INSERT INTO outgoing_plan_new SELECT * FROM outgoing_plan;
DROP TABLE outgoing_plan;
ALTER TABLE outgoing_plan_new RENAME TO outgoing_plan;
CREATE INDEX outgoing_by_plan ON outgoing_plan (number, kind, start_day);

-- What was taken back, and when: a hub that is put back from a backup has it again.
CREATE TABLE taken_back (
    local_id  TEXT NOT NULL,
    number    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    since     TEXT NOT NULL,
    PRIMARY KEY (number, kind, start_day, local_id)
) STRICT, WITHOUT ROWID;

-- What the hub says that it holds and that was not in a full refresh, while that is read.
CREATE TABLE still_held (
    local_id  TEXT NOT NULL,
    number    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    end_day   TEXT,
    PRIMARY KEY (local_id, number, kind, start_day)
) STRICT, WITHOUT ROWID;
