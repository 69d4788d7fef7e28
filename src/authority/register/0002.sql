-- Since this version the register knows whom an access concerns, who was alerted of it, who read it, and who did not
-- recognise it.

-- The moment of the access, or of the correction: by it accesses are listed. What came earlier has the moment at which it came.
ALTER TABLE part ADD COLUMN at_ms INTEGER NOT NULL DEFAULT 0;
UPDATE part SET at_ms = coalesce((SELECT came_ms FROM notice WHERE notice.id = part.notice_id), 0);
CREATE INDEX part_by_moment ON part (at_ms);
CREATE INDEX note_by_case ON note (local_id);

-- What was decided of whom to alert; nothing where that is still to be done. What came before this version was told by the
-- means of its time.
ALTER TABLE notice ADD COLUMN routed_ms INTEGER;
UPDATE notice SET routed_ms = came_ms WHERE note_id IS NOT NULL;
CREATE INDEX notice_not_routed ON notice (number) WHERE routed_ms IS NULL;

-- Who is responsible for a case, by the last extract that had it. Only cases that have a note are here.
CREATE TABLE responsible (
    local_id TEXT PRIMARY KEY,
    worker   TEXT,                   -- as the case management system names them
    team     TEXT
) STRICT, WITHOUT ROWID;

-- Cases whose notes only their holders may see: by a mark in the extract, on the list of the configuration, or both.
CREATE TABLE restricted (
    local_id   TEXT PRIMARY KEY,
    by_extract INTEGER NOT NULL CHECK (by_extract IN (0, 1)),
    by_list    INTEGER NOT NULL CHECK (by_list IN (0, 1))
) STRICT, WITHOUT ROWID;

-- The users who may. A case without any is seen by nobody, and alerts go to the fall-back.
CREATE TABLE holder (
    local_id TEXT NOT NULL,
    user     TEXT NOT NULL,
    PRIMARY KEY (local_id, user)
) STRICT, WITHOUT ROWID;

-- Who was alerted of a notification, and by what rule.
CREATE TABLE alert (
    id        INTEGER PRIMARY KEY,
    note_id   TEXT NOT NULL REFERENCES note (id),
    notice_id TEXT NOT NULL REFERENCES notice (id),
    part      INTEGER NOT NULL,      -- of the note: read up to here is read
    role      TEXT NOT NULL CHECK (role IN ('worker', 'team', 'emergency-duty', 'manager', 'holder', 'fall-back')),
    name      TEXT NOT NULL,         -- which worker, team ...; as the case management system or the configuration names them
    why       TEXT NOT NULL,
    made_ms   INTEGER NOT NULL,
    is_over   INTEGER NOT NULL DEFAULT 0 CHECK (is_over IN (0, 1)),   -- of a case under which the note no longer is
    UNIQUE (notice_id, role, name)
) STRICT;
CREATE INDEX alert_by_note ON alert (note_id);
CREATE INDEX alert_by_moment ON alert (made_ms);

-- Who read a note, up to which of its parts. What emergency duty reads at night the worker has not read.
CREATE TABLE read_mark (
    note_id TEXT NOT NULL REFERENCES note (id),
    reader  TEXT NOT NULL,           -- the user
    as_duty INTEGER NOT NULL CHECK (as_duty IN (0, 1)),
    up_to   INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (note_id, reader, as_duty, up_to)
) STRICT, WITHOUT ROWID;

-- "I do not recognise this access": nobody here knows why the child should have been there. Somebody looks into it.
CREATE TABLE not_recognised (
    note_id    TEXT NOT NULL,
    part       INTEGER NOT NULL,
    said_by    TEXT NOT NULL,
    said_ms    INTEGER NOT NULL,
    words      TEXT NOT NULL,
    settled_by TEXT,
    settled_ms INTEGER,
    outcome    TEXT,
    PRIMARY KEY (note_id, part),
    FOREIGN KEY (note_id, part) REFERENCES part (note_id, part)
) STRICT, WITHOUT ROWID;

-- What goes by e-mail: one for each alert and address. 'sending' is written before anything leaves: where the link ends then,
-- it is not known whether it left.
CREATE TABLE mail (
    id       TEXT PRIMARY KEY,       -- random; its Message-ID
    alert_id INTEGER NOT NULL REFERENCES alert (id),
    address  TEXT NOT NULL,
    state    TEXT NOT NULL CHECK (state IN ('waiting', 'sending', 'sent', 'given-up')),
    tries    INTEGER NOT NULL DEFAULT 0,
    next_ms  INTEGER NOT NULL DEFAULT 0,
    why      TEXT,                   -- why it did not go, last
    made_ms  INTEGER NOT NULL,
    sent_ms  INTEGER,
    UNIQUE (alert_id, address)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_not_sent ON mail (made_ms) WHERE state IN ('waiting', 'sending');
ALTER TABLE link ADD COLUMN mail_trouble TEXT;
ALTER TABLE link ADD COLUMN mail_since_ms INTEGER;

-- The same of the routing table: why it cannot be known whom to alert, and since when.
ALTER TABLE link ADD COLUMN route_trouble TEXT;
ALTER TABLE link ADD COLUMN route_since_ms INTEGER;

-- Somebody has looked into a number that does not come: who, when, and what they found.
ALTER TABLE missing ADD COLUMN settled_by TEXT;
ALTER TABLE missing ADD COLUMN settled_ms INTEGER;
ALTER TABLE missing ADD COLUMN outcome TEXT;
-- Where more are missing than are noted at once: from which number on, and up to which.
ALTER TABLE link ADD COLUMN missing_next INTEGER;
ALTER TABLE link ADD COLUMN missing_to INTEGER;

-- The folders in which notes were placed, and what their marks say: there may be one for restricted cases beside the other.
CREATE TABLE folder (
    path TEXT PRIMARY KEY,
    mark TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO folder (path, mark) SELECT folder, folder_mark FROM link WHERE folder IS NOT NULL AND folder_mark IS NOT NULL;
ALTER TABLE link DROP COLUMN folder;
ALTER TABLE link DROP COLUMN folder_mark;
-- The extract by which it was last noted who is responsible.
ALTER TABLE link ADD COLUMN extract_seen INTEGER;
