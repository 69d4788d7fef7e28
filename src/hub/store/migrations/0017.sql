-- Since this version authorities are told too that a number under which they hold a plan is no longer in use. It is one more row
-- of the outbox, with a number among the others, and has no view. A table's checks can only be changed with the table.
CREATE TABLE outbox_new (
    id                INTEGER PRIMARY KEY,
    kind              TEXT NOT NULL CHECK (kind IN ('notification', 'correction', 'number-superseded', 'number-ended')),
    view_id           INTEGER REFERENCES view (id),
    person_id         INTEGER NOT NULL REFERENCES person (id),
    authority_code    TEXT NOT NULL,
    authority_name    TEXT NOT NULL,
    upload_id         INTEGER NOT NULL,
    local_id          TEXT NOT NULL,
    number_uploaded   TEXT NOT NULL,
    at_ms             INTEGER NOT NULL,
    user_id           TEXT,
    user_name         TEXT,
    role              TEXT,
    organisation_code TEXT,
    organisation      TEXT,
    setting           TEXT,
    site              TEXT,
    department        TEXT,
    call_back         TEXT,
    contact           TEXT,
    sequence          TEXT CHECK (sequence IN ('first', 'repeat')),
    attendance        TEXT,          -- the reference of the first
    reference         TEXT,
    state             TEXT NOT NULL CHECK (state IN ('queued', 'delivered', 'filed', 'returned')),
    state_ms          INTEGER NOT NULL,
    number            INTEGER,
    notice_id         TEXT,
    outcome           TEXT CHECK (outcome IN ('documented', 'triage', 'dealt-with')),
    mesh_out_id       INTEGER,
    replaced_by       TEXT,          -- the number that has taken the place of one that was superseded
    UNIQUE (view_id, authority_code, kind),
    -- Who looked is known of every access, and of nothing else.
    CHECK ((kind IN ('notification', 'correction')) = (view_id IS NOT NULL AND user_id IS NOT NULL AND user_name IS NOT NULL
        AND role IS NOT NULL AND organisation_code IS NOT NULL AND organisation IS NOT NULL AND sequence IS NOT NULL
        AND attendance IS NOT NULL AND reference IS NOT NULL)),
    -- Where an identity ended nothing is said of another number.
    CHECK ((kind = 'number-superseded') = (replaced_by IS NOT NULL))
) STRICT;
INSERT INTO outbox_new (id, kind, view_id, person_id, authority_code, authority_name, upload_id, local_id, number_uploaded, at_ms,
        user_id, user_name, role, organisation_code, organisation, setting, site, department, call_back, contact, sequence,
        attendance, reference, state, state_ms, number, notice_id, outcome, mesh_out_id)
    SELECT id, kind, view_id, person_id, authority_code, authority_name, upload_id, local_id, number_uploaded, at_ms,
        user_id, user_name, role, organisation_code, organisation, setting, site, department, call_back, contact, sequence,
        attendance, reference, state, state_ms, number, notice_id, outcome, mesh_out_id
    FROM outbox;

-- What refers to it stands aside meanwhile.
CREATE TABLE told_earlier_kept (view_id INTEGER, authority_code TEXT, outbox_id INTEGER) STRICT;
INSERT INTO told_earlier_kept SELECT view_id, authority_code, outbox_id FROM told_earlier;
DELETE FROM told_earlier;
DROP TABLE outbox;
ALTER TABLE outbox_new RENAME TO outbox;
INSERT INTO told_earlier (view_id, authority_code, outbox_id) SELECT view_id, authority_code, outbox_id FROM told_earlier_kept;
DROP TABLE told_earlier_kept;

CREATE INDEX outbox_by_person ON outbox (person_id, authority_code, at_ms);
CREATE INDEX outbox_by_state ON outbox (state, at_ms);
CREATE UNIQUE INDEX outbox_by_number ON outbox (authority_code, number);
CREATE INDEX outbox_unfiled ON outbox (authority_code, number) WHERE outcome IS NULL;
CREATE INDEX outbox_triage ON outbox (authority_code, number) WHERE outcome = 'triage';
CREATE INDEX outbox_by_mesh_out ON outbox (mesh_out_id) WHERE mesh_out_id IS NOT NULL;
CREATE INDEX outbox_of_numbers ON outbox (id) WHERE view_id IS NULL;

CREATE TRIGGER outbox_is_numbered AFTER INSERT ON outbox
BEGIN
    INSERT OR IGNORE INTO notice_last (authority_code, number, notice_id) VALUES (NEW.authority_code, 0, '');
    UPDATE notice_last SET number = number + 1, notice_id = lower(hex(randomblob(16)))
    WHERE authority_code = NEW.authority_code;
    UPDATE outbox SET (number, notice_id) =
        (SELECT number, notice_id FROM notice_last WHERE authority_code = NEW.authority_code)
    WHERE id = NEW.id;
END;
