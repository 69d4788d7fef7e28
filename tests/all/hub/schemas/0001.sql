-- A hub's database as released with schema 0001, with rows in every table: made once by that hub, never changed.
PRAGMA foreign_keys = OFF;
BEGIN;
PRAGMA user_version = 1;
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
INSERT INTO "audit" VALUES(1,1795356000000,'load','applied','user-operator','Operator','Staff nurse','','Hospital ','session-Operator-','load',NULL,NULL,NULL,'{"ended":0,"outdated":0,"people":8,"plans":6,"superseded":0,"synthetic":true}');
INSERT INTO "audit" VALUES(2,1795356000000,'load','applied','user-operator','Operator','Staff nurse','','Hospital ','session-Operator-','load',NULL,NULL,NULL,'{"ended":1,"outdated":0,"people":0,"plans":0,"superseded":1,"synthetic":true}');
INSERT INTO "audit" VALUES(3,1795356000000,'view','held','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','465ee2a8-1297-4f7a-abb5-156bc2fd6259','AN9A-F869',2,'9990000409',NULL);
INSERT INTO "audit" VALUES(4,1795356300000,'view','held','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','ee81189a-d2c8-4a7a-8ec1-c5ab69392130','KDWB-5VHN',2,'9990000409',NULL);
INSERT INTO "audit" VALUES(5,1795356300000,'search','returned','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','c0879138-0e5d-4238-a4f6-1e3f980dda60',NULL,1,'9990000204','[["family","Bennett"],["birthdate","2019-03-12"]]');
INSERT INTO "audit" VALUES(6,1795356300000,'retrieve','returned','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','4d4ed2c6-00c9-4cb1-9582-47a521150acb',NULL,4,'9990001006',NULL);
INSERT INTO "audit" VALUES(7,1795356300000,'view','held','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','21c5e282-5346-48ce-84cf-c105ff6d4b25','FKF7-HK5P',4,'9990000808',NULL);
INSERT INTO "audit" VALUES(8,1795356420000,'view','held','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','ac49639f-04ad-4375-bc00-62f6f0880f7c','H39J-QG5C',4,'9990001006',NULL);
INSERT INTO "audit" VALUES(9,1795356420000,'opened-in-error','logged','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','21c5e282-5346-48ce-84cf-c105ff6d4b25','FKF7-HK5P',4,'9990000808',NULL);
INSERT INTO "audit" VALUES(10,1795356420000,'silent-view','held','user-asha-patel','Asha Patel','Staff nurse','RN3','Hospital RN3','session-Asha Patel-RN3','b4f1eb4b-931a-416c-9b7e-60eb8a7ce8f3','Y36J-GFSD',3,'9990000603',NULL);
INSERT INTO "audit" VALUES(11,1795356420000,'view','held','user-robin-shah','Robin Shah','Staff nurse','RA9','Hospital RA9','session-Robin Shah-RA9','fa9176f6-418d-4fd3-9420-6d432883d55d','EE6H-BH8R',3,'9990000603',NULL);
INSERT INTO "audit" VALUES(12,1795356420000,'care-setting','scheduled','user-robin-shah','Robin Shah','Staff nurse','RA9','Hospital RA9','session-Robin Shah-RA9','',NULL,NULL,NULL,NULL);
INSERT INTO "audit" VALUES(13,1795356420000,'silent-view','held','user-robin-shah','Robin Shah','Staff nurse','RA9','Hospital RA9','session-Robin Shah-RA9','817c205c-1aec-4569-a2ef-588344ae8987','99SM-P5WC',1,'9990000204',NULL);
INSERT INTO "audit" VALUES(14,1795356420000,'view','nothing-held','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','54324e56-bd19-4338-8dc8-450835578255','4PH8-FQ2T',8,'9990001618',NULL);
INSERT INTO "audit" VALUES(15,1795356420000,'view','invalidated','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','47b83637-2d2f-465e-b58d-10980aa7a9e6',NULL,7,'9990001405',NULL);
INSERT INTO "audit" VALUES(16,1795356420000,'refused','not-allowed','user-lee-marsh','Lee Marsh','Staff nurse','RN3','Hospital RN3','session-Lee Marsh-RN3','6937d772-b18c-4753-a4bc-bf4f1f3680e6',NULL,1,'9990000204','{"asked":"view"}');
INSERT INTO "audit" VALUES(17,1795356420000,'view','held','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','7c9e6679-7425-40de-944b-e07fc1f90ae7','TRHZ-6YAE',1,'9990000204',NULL);
INSERT INTO "audit" VALUES(18,1795356420000,'history-read','returned','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','9aecf531-8933-4352-8107-e1bbf31b8146',NULL,1,'9990000204',NULL);
INSERT INTO "audit" VALUES(19,1795356420000,'status-read','returned','user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3','session-Sam Okafor-RN3','7c9e6679-7425-40de-944b-e07fc1f90ae7','TRHZ-6YAE',1,'9990000204',NULL);
INSERT INTO "audit" VALUES(20,1795356420000,'load','refused','user-operator','Operator','Staff nurse','','Hospital ','session-Operator-','load',NULL,NULL,NULL,'{"bad_lines_named":1}');
CREATE TABLE authority (
    code           TEXT PRIMARY KEY, -- ODS
    name           TEXT NOT NULL,
    office         TEXT,
    emergency_duty TEXT,
    office_days    TEXT,             -- 'mon tue wed'
    office_from    TEXT,
    office_to      TEXT
) STRICT;
INSERT INTO "authority" VALUES('E06000030','E06000030 Council','01793 466903','01793 436699',NULL,NULL,NULL);
INSERT INTO "authority" VALUES('E10000013','E10000013 Council','01793 466903','01793 436699',NULL,NULL,NULL);
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
INSERT INTO "history" VALUES(1,2,1795356000000,'user-sam-okafor','Sam Okafor','Staff nurse','555021935107','RN3','Hospital RN3');
INSERT INTO "history" VALUES(2,2,1795356300000,'user-sam-okafor','Sam Okafor','Staff nurse','555021935107','RN3','Hospital RN3');
INSERT INTO "history" VALUES(3,4,1795356300000,'user-sam-okafor','Sam Okafor','Staff nurse','555021935107','RN3','Hospital RN3');
INSERT INTO "history" VALUES(4,4,1795356420000,'user-sam-okafor','Sam Okafor','Staff nurse','555021935107','RN3','Hospital RN3');
INSERT INTO "history" VALUES(6,3,1795356420000,'user-robin-shah','Robin Shah','Staff nurse','555021935107','RA9','Hospital RA9');
INSERT INTO "history" VALUES(9,1,1795356420000,'user-sam-okafor','Sam Okafor','Staff nurse','555021935107','RN3','Hospital RN3');
CREATE TABLE marking (
    what  TEXT PRIMARY KEY,
    at_ms INTEGER NOT NULL
) STRICT;
INSERT INTO "marking" VALUES('synthetic',1795356000000);
CREATE TABLE nhs_number (
    number    TEXT PRIMARY KEY,
    person_id INTEGER NOT NULL REFERENCES person (id),
    standing  TEXT NOT NULL CHECK (standing IN ('current', 'superseded', 'ended'))
) STRICT;
INSERT INTO "nhs_number" VALUES('9990000204',1,'current');
INSERT INTO "nhs_number" VALUES('9990000409',2,'current');
INSERT INTO "nhs_number" VALUES('9990000603',3,'current');
INSERT INTO "nhs_number" VALUES('9990000808',4,'current');
INSERT INTO "nhs_number" VALUES('9990001006',4,'superseded');
INSERT INTO "nhs_number" VALUES('9990001200',6,'current');
INSERT INTO "nhs_number" VALUES('9990001405',7,'ended');
INSERT INTO "nhs_number" VALUES('9990001618',8,'current');
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
INSERT INTO "outbox" VALUES(1,'notification',1,2,'E10000013','E10000013 Council',2,'local-2','9990000409',1795356000000,'user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3',NULL,NULL,NULL,NULL,NULL,'first','AN9A-F869','AN9A-F869','delivered',1795356060000);
INSERT INTO "outbox" VALUES(2,'notification',1,2,'E06000030','E06000030 Council',1,'local-2','9990000409',1795356000000,'user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3',NULL,NULL,NULL,NULL,NULL,'first','AN9A-F869','AN9A-F869','filed',1795356090000);
INSERT INTO "outbox" VALUES(3,'notification',3,4,'E06000030','E06000030 Council',1,'local-4','9990000808',1795356300000,'user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3',NULL,NULL,NULL,NULL,NULL,'first','FKF7-HK5P','FKF7-HK5P','returned',1795788300000);
INSERT INTO "outbox" VALUES(4,'correction',3,4,'E06000030','E06000030 Council',1,'local-4','9990000808',1795356420000,'user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3',NULL,NULL,NULL,NULL,NULL,'first','FKF7-HK5P','FKF7-HK5P','queued',1795356420000);
INSERT INTO "outbox" VALUES(5,'notification',4,4,'E06000030','E06000030 Council',1,'local-4','9990000808',1795356420000,'user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3',NULL,NULL,NULL,NULL,NULL,'first','H39J-QG5C','H39J-QG5C','queued',1795356420000);
INSERT INTO "outbox" VALUES(6,'notification',6,3,'E10000013','E10000013 Council',2,'local-3','9990000603',1795356420000,'user-robin-shah','Robin Shah','Staff nurse','RA9','Hospital RA9','Emergency department','Great Western Hospital','Walk-in','01793 604 020','in-person','first','EE6H-BH8R','EE6H-BH8R','queued',1795356420000);
INSERT INTO "outbox" VALUES(7,'notification',9,1,'E06000030','E06000030 Council',1,'local-1','9990000204',1795356420000,'user-sam-okafor','Sam Okafor','Staff nurse','RN3','Hospital RN3',NULL,NULL,NULL,NULL,NULL,'first','TRHZ-6YAE','TRHZ-6YAE','queued',1795356420000);
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
INSERT INTO "person" VALUES(1,'female','2019-03-12','2019-03-12','2019-03-12',NULL,'no',0,NULL);
INSERT INTO "person" VALUES(2,'male','2019-03-12','2019-03-12','2019-03-12',2,'no',0,'SN1 4AB');
INSERT INTO "person" VALUES(3,'female','1998-06','1998-06-01','1998-06-30',NULL,'no',0,NULL);
INSERT INTO "person" VALUES(4,'female','2015-02-01','2015-02-01','2015-02-01',NULL,'no',0,NULL);
INSERT INTO "person" VALUES(6,'female','2012','2012-01-01','2012-12-31',NULL,'no',1,NULL);
INSERT INTO "person" VALUES(7,'female','2016-07-07','2016-07-07','2016-07-07',NULL,'no',0,NULL);
INSERT INTO "person" VALUES(8,'female','2019-03-12','2019-03-12','2019-03-12',NULL,'no',0,NULL);
CREATE TABLE person_name (
    person_id     INTEGER NOT NULL REFERENCES person (id) ON DELETE CASCADE,
    is_current    INTEGER NOT NULL CHECK (is_current IN (0, 1)),
    family        TEXT NOT NULL,
    given         TEXT NOT NULL,     -- JSON array
    title         TEXT,
    family_folded TEXT NOT NULL
) STRICT;
INSERT INTO "person_name" VALUES(1,1,'Bennett','["Ava"]',NULL,'bennett');
INSERT INTO "person_name" VALUES(2,1,'Ward-Khan','["Ben","Ali"]','Master','wardkhan');
INSERT INTO "person_name" VALUES(2,0,'Khan','["Ben"]',NULL,'khan');
INSERT INTO "person_name" VALUES(3,1,'O''Neill','["Zoë"]',NULL,'oneill');
INSERT INTO "person_name" VALUES(4,1,'Mason','["Reid"]',NULL,'mason');
INSERT INTO "person_name" VALUES(6,1,'Hidden','["Kim"]',NULL,'hidden');
INSERT INTO "person_name" VALUES(7,1,'Gone','["Lee"]',NULL,'gone');
INSERT INTO "person_name" VALUES(8,1,'Nobody','["Tom"]',NULL,'nobody');
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
INSERT INTO "plan" VALUES(1,1,'E06000030','342191000000101','2026-01-05',NULL,'9990000204','local-1',1,1793498400000,NULL,NULL);
INSERT INTO "plan" VALUES(2,2,'E06000030','764841000000100','2026-01-05',NULL,'9990000409','local-2',1,1793498400000,NULL,NULL);
INSERT INTO "plan" VALUES(3,2,'E10000013','342191000000101','2025-02-05','2026-02-01','9990000409','local-2',2,1793498400000,NULL,NULL);
INSERT INTO "plan" VALUES(4,3,'E10000013','818901000000100','2026-08-01','2026-12-20','9990000603','local-3',2,1793498400000,NULL,NULL);
INSERT INTO "plan" VALUES(5,4,'E06000030','342191000000101','2026-03-01',NULL,'9990000808','local-4',1,1793498400000,NULL,NULL);
INSERT INTO "plan" VALUES(6,7,'E06000030','342191000000101','2024-03-01','2024-09-01','9990001405','local-7',1,1793498400000,NULL,NULL);
CREATE TABLE probe (
    id     INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms  INTEGER NOT NULL,
    filler BLOB NOT NULL
) STRICT;
INSERT INTO "probe" VALUES(1,1795356420000,zeroblob(65536));
CREATE TABLE session_setting (
    session           TEXT NOT NULL,
    user_id           TEXT NOT NULL,
    organisation_code TEXT NOT NULL,
    care_setting      TEXT NOT NULL CHECK (care_setting IN ('scheduled', 'unscheduled')),
    at_ms             INTEGER NOT NULL,
    PRIMARY KEY (session, user_id, organisation_code)
) STRICT;
INSERT INTO "session_setting" VALUES('session-Robin Shah-RA9','user-robin-shah','RA9','scheduled',1795356420000);
CREATE TABLE told_earlier (
    view_id        INTEGER NOT NULL REFERENCES view (id),
    authority_code TEXT NOT NULL,
    outbox_id      INTEGER NOT NULL REFERENCES outbox (id),
    PRIMARY KEY (view_id, authority_code)
) STRICT;
INSERT INTO "told_earlier" VALUES(2,'E10000013',1);
INSERT INTO "told_earlier" VALUES(2,'E06000030',2);
CREATE TABLE upload (
    id             INTEGER PRIMARY KEY,
    authority_code TEXT NOT NULL REFERENCES authority (code),
    at_ms          INTEGER NOT NULL
) STRICT;
INSERT INTO "upload" VALUES(1,'E06000030',1795356000000);
INSERT INTO "upload" VALUES(2,'E10000013',1795356000000);
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
INSERT INTO "view" VALUES(1,'AN9A-F869','user-sam-okafor','RN3','465ee2a8-1297-4f7a-abb5-156bc2fd6259',2,1795356000000,'recorded',1,NULL,NULL);
INSERT INTO "view" VALUES(2,'KDWB-5VHN','user-sam-okafor','RN3','ee81189a-d2c8-4a7a-8ec1-c5ab69392130',2,1795356300000,'recorded',1,NULL,NULL);
INSERT INTO "view" VALUES(3,'FKF7-HK5P','user-sam-okafor','RN3','21c5e282-5346-48ce-84cf-c105ff6d4b25',4,1795356300000,'recorded',1,1795356420000,NULL);
INSERT INTO "view" VALUES(4,'H39J-QG5C','user-sam-okafor','RN3','ac49639f-04ad-4375-bc00-62f6f0880f7c',4,1795356420000,'recorded',1,NULL,NULL);
INSERT INTO "view" VALUES(5,'Y36J-GFSD','user-asha-patel','RN3','b4f1eb4b-931a-416c-9b7e-60eb8a7ce8f3',3,1795356420000,'silent',1,NULL,NULL);
INSERT INTO "view" VALUES(6,'EE6H-BH8R','user-robin-shah','RA9','fa9176f6-418d-4fd3-9420-6d432883d55d',3,1795356420000,'recorded',1,NULL,NULL);
INSERT INTO "view" VALUES(7,'99SM-P5WC','user-robin-shah','RA9','817c205c-1aec-4569-a2ef-588344ae8987',1,1795356420000,'silent',1,NULL,NULL);
INSERT INTO "view" VALUES(8,'4PH8-FQ2T','user-sam-okafor','RN3','54324e56-bd19-4338-8dc8-450835578255',8,1795356420000,'recorded',0,NULL,NULL);
INSERT INTO "view" VALUES(9,'TRHZ-6YAE','user-sam-okafor','RN3','7c9e6679-7425-40de-944b-e07fc1f90ae7',1,1795356420000,'recorded',1,NULL,'silent false; Queued 2026-11-22T14:07:00Z E06000030 Council');
CREATE INDEX person_by_birth ON person (born_first, born_last);
CREATE UNIQUE INDEX one_current_name ON person_name (person_id) WHERE is_current = 1;
CREATE INDEX name_by_person ON person_name (person_id);
CREATE INDEX name_by_family ON person_name (family_folded);
CREATE UNIQUE INDEX one_number_in_use ON nhs_number (person_id) WHERE standing <> 'superseded';
CREATE INDEX number_by_person ON nhs_number (person_id);
CREATE INDEX view_by_person ON view (person_id, user_id, organisation_code, at_ms);
CREATE INDEX history_by_person ON history (person_id, at_ms);
CREATE INDEX outbox_by_person ON outbox (person_id, authority_code, at_ms);
CREATE INDEX outbox_by_attendance ON outbox (attendance, authority_code);
CREATE INDEX audit_by_number ON audit (number);
CREATE INDEX audit_by_person ON audit (person_id);
CREATE INDEX audit_by_user ON audit (user_id, at_ms);
CREATE INDEX audit_by_time ON audit (at_ms);
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never changed'); END;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit log is never deleted'); END;
CREATE TRIGGER audit_is_never_replaced BEFORE INSERT ON audit
WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is never replaced'); END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('person',8);
INSERT INTO "sqlite_sequence" VALUES('plan',6);
INSERT INTO "sqlite_sequence" VALUES('audit',20);
COMMIT;
