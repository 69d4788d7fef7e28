-- Since this version no team goes up with a restricted case, and one that the hub holds is taken off there. A contact in `held` that is
-- empty and there is unknown: what the hub has may have been sent by a memory that is gone.

-- Cases that are restricted: by a mark of the extract, until one has the case and none of its rows has a mark, or by the list.
CREATE TABLE restricted_case (
    local_id TEXT PRIMARY KEY,       -- empty of rows whose local id cannot be read
    by_mark  INTEGER NOT NULL CHECK (by_mark IN (0, 1)),
    by_list  INTEGER NOT NULL CHECK (by_list IN (0, 1))
) STRICT, WITHOUT ROWID;
-- And under which numbers they are, or were last: another local id of the same person is no less restricted.
CREATE TABLE restricted_number (
    local_id TEXT NOT NULL,
    number   TEXT NOT NULL,
    PRIMARY KEY (number, local_id)
) STRICT, WITHOUT ROWID;

-- What of the file under way is held and only loses its team.
CREATE TABLE outgoing_without_team (
    place     INTEGER NOT NULL,
    nth       INTEGER NOT NULL,
    local_id  TEXT NOT NULL,
    number    TEXT NOT NULL,
    kind      TEXT NOT NULL,
    start_day TEXT NOT NULL,
    PRIMARY KEY (place, nth)
) STRICT, WITHOUT ROWID;
CREATE INDEX outgoing_without_team_by_plan ON outgoing_without_team (number, kind, start_day);

-- Plans that have ended and that the hub rejected, as the extract had them: they are on no list, and hold no good night up.
CREATE TABLE turned_away (
    local_id          TEXT NOT NULL,
    number            TEXT NOT NULL,
    kind              TEXT NOT NULL,
    start_day         TEXT NOT NULL,
    end_day           TEXT,
    family            TEXT NOT NULL,
    given             TEXT NOT NULL,
    born              TEXT NOT NULL,
    contact_name      TEXT,
    contact_telephone TEXT,
    PRIMARY KEY (local_id, number, kind, start_day)
) STRICT, WITHOUT ROWID;

-- Of a plan that only the hub knew the version before wrote down no team, whatever the hub had.
UPDATE held SET contact_name = '' WHERE contact_name IS NULL AND family = '';

-- The version before sent teams and did not yet know all of this: which cases are restricted is known from the next extract on, and the
-- marks of the last one count until then.
INSERT INTO restricted_case (local_id, by_mark, by_list)
    SELECT local_id, 1, 0 FROM extract WHERE is_restricted = 1
    UNION SELECT local_id, 1, 0 FROM refused_row WHERE is_restricted = 1 AND local_id IS NOT NULL;
