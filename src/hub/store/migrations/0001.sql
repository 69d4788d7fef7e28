-- The hub's first schema. Moments are milliseconds since 1970 (UTC), days are ISO texts (Europe/London).

-- What the whole database is, for good: 'synthetic'.
CREATE TABLE marking (
    what  TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT;

-- AUTOINCREMENT: a merge deletes rows, and whoever comes next must not get what is kept under an old id.
CREATE TABLE person (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    gender         TEXT NOT NULL,
    born           TEXT,             -- as held: a day, a month or a year
    born_first     TEXT,             -- first and last day that it can mean
    born_last      TEXT,
    multiple_birth INTEGER,
    deceased       TEXT NOT NULL,    -- 'no', 'yes' or a day
    restricted     INTEGER NOT NULL CHECK (restricted IN (0, 1)),
    postcode       TEXT
) STRICT;
CREATE INDEX person_by_birth ON person (born_first, born_last);

CREATE TABLE person_name (
    person_id     INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    is_current    INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    family        TEXT NOT NULL,
    given         TEXT NOT NULL,     -- JSON array
    title         TEXT,
    family_folded TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX one_current_name ON person_name (person_id) WHERE is_current = 1;
CREATE INDEX name_by_person ON person_name (person_id);
CREATE INDEX name_by_family ON person_name (family_folded);

-- NHS numbers are aliases of a person: at most one of them is in use.
CREATE TABLE nhs_number (
    number    TEXT PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES person (id),
    standing  TEXT NOT NULL CHECK (standing IN ('current', 'superseded', 'ended'))
) STRICT;
CREATE UNIQUE INDEX one_number_in_use ON nhs_number (person_id) WHERE standing <> 'superseded';
CREATE INDEX number_by_person ON nhs_number (person_id);

CREATE TABLE authority (
    code           TEXT PRIMARY KEY, -- ODS
    name           TEXT NOT NULL,
    office         TEXT,
    emergency_duty TEXT,
    office_days    TEXT,             -- 'mon tue wed'
    office_from    TEXT,
    office_to      TEXT
) STRICT;

CREATE TABLE upload (
    id             INTEGER PRIMARY KEY,
    authority_code TEXT NOT NULL REFERENCES authority (code),
    at_ms          INTEGER NOT NULL
) STRICT;

-- A plan belongs to a person, whatever number it came under.
CREATE TABLE plan (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    person_id       INTEGER NOT NULL REFERENCES person (id),
    authority_code  TEXT NOT NULL REFERENCES authority (code),
    kind            TEXT NOT NULL,   -- SNOMED CT
    start_day       TEXT NOT NULL,
    end_day         TEXT,
    number_uploaded TEXT NOT NULL,
    local_id        TEXT NOT NULL,
    upload_id       INTEGER NOT NULL REFERENCES upload (id),
    sent_ms         INTEGER,         -- when the authority sent it
    team_name       TEXT,
    team_telephone  TEXT,
    UNIQUE (person_id, authority_code, kind, start_day)
) STRICT;

CREATE TABLE view (
    id                INTEGER PRIMARY KEY,
    reference         TEXT NOT NULL UNIQUE,
    user_id           TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    trace_id          TEXT NOT NULL,
    person_id         INTEGER NOT NULL REFERENCES person (id),
    at_ms             INTEGER NOT NULL,
    mode              TEXT NOT NULL CHECK (mode IN ('recorded', 'silent')),
    held              INTEGER NOT NULL CHECK (held IN (0, 1)),
    opened_in_error   INTEGER,       -- when that was said
    status_read       TEXT,          -- what its status said when that was last audited
    UNIQUE (user_id, organisation_code, trace_id)
) STRICT;
CREATE INDEX view_by_person ON view (person_id, user_id, organisation_code, at_ms);

CREATE TABLE history (
    view_id           INTEGER PRIMARY KEY REFERENCES view (id),
    person_id         INTEGER NOT NULL REFERENCES person (id),
    at_ms             INTEGER NOT NULL,
    user_id           TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    role              TEXT NOT NULL,
    role_profile      TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    organisation      TEXT NOT NULL
) STRICT;
CREATE INDEX history_by_person ON history (person_id, at_ms);

-- What local authorities are to be told, with everything that the message will need.
CREATE TABLE outbox (
    id                INTEGER PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('notification', 'correction')),
    view_id           INTEGER NOT NULL REFERENCES view (id),
    person_id         INTEGER NOT NULL REFERENCES person (id),
    authority_code    TEXT NOT NULL,
    authority_name    TEXT NOT NULL,
    upload_id         INTEGER NOT NULL,
    local_id          TEXT NOT NULL,
    number_uploaded   TEXT NOT NULL,
    at_ms             INTEGER NOT NULL,
    user_id           TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    role              TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    organisation      TEXT NOT NULL,
    setting           TEXT,
    site              TEXT,
    department        TEXT,
    call_back         TEXT,
    contact           TEXT,
    sequence          TEXT NOT NULL CHECK (sequence IN ('first', 'repeat')),
    attendance        TEXT NOT NULL, -- the reference of the first
    reference         TEXT NOT NULL,
    state             TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'filed', 'returned')),
    state_ms          INTEGER NOT NULL,
    UNIQUE (view_id, authority_code, kind)
) STRICT;
CREATE INDEX outbox_by_person ON outbox (person_id, authority_code, at_ms);
CREATE INDEX outbox_by_attendance ON outbox (attendance, authority_code);

-- A view that did not tell an authority because an earlier one of the same person had just told it.
CREATE TABLE told_earlier (
    view_id        INTEGER NOT NULL REFERENCES view (id),
    authority_code TEXT NOT NULL,
    outbox_id      INTEGER NOT NULL REFERENCES outbox (id),
    PRIMARY KEY (view_id, authority_code)
) STRICT;

CREATE TABLE session_setting (
    session           TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    care_setting      TEXT NOT NULL CHECK (care_setting IN ('scheduled', 'unscheduled')),
    at_ms             INTEGER NOT NULL,
    PRIMARY KEY (session, user_id, organisation_code)
) STRICT;

-- Written to find out whether anything can be written again: more than a view needs.
CREATE TABLE probe (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms  INTEGER NOT NULL,
    filler BLOB NOT NULL
) STRICT;

-- No foreign keys: what happened stays as it was, whatever becomes of a person's record.
CREATE TABLE audit (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms             INTEGER NOT NULL,
    kind              TEXT NOT NULL,
    outcome           TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    user_name         TEXT NOT NULL,
    role              TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    organisation      TEXT NOT NULL,
    session           TEXT NOT NULL,
    request           TEXT NOT NULL, -- TraceID or X-Request-ID
    reference         TEXT,
    person_id         INTEGER,
    number            TEXT,
    detail            TEXT           -- JSON
) STRICT;
CREATE INDEX audit_by_number ON audit (number);
CREATE INDEX audit_by_person ON audit (person_id);
CREATE INDEX audit_by_user ON audit (user_id, at_ms);
CREATE INDEX audit_by_time ON audit (at_ms);

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never deleted'); END;
-- INSERT OR REPLACE deletes without firing the trigger above.
CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is never replaced'); END;
