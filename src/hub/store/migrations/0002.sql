-- Search keys. They are computed in Rust (hub::search::keys); people who are there already get theirs when the
-- database is opened, before anything is served.

-- What of a person is compared, in one row: folded names, birth date, gender, postcode.
CREATE TABLE search_person (
    person_id INTEGER PRIMARY KEY,
    compared  TEXT NOT NULL
) STRICT;

-- Under what a person is found. The key is a hash of what has to agree, the detail narrows further.
CREATE TABLE search_key (
    key       INTEGER NOT NULL,
    detail    INTEGER NOT NULL,
    person_id INTEGER NOT NULL,
    PRIMARY KEY (key, detail, person_id)
) STRICT, WITHOUT ROWID;

-- Which version of the keys is there, and up to which person they have been made.
CREATE TABLE search_made (
    id          INTEGER PRIMARY KEY CHECK (id = 1),
    version     INTEGER NOT NULL,
    up_to       INTEGER NOT NULL,
    is_complete INTEGER NOT NULL CHECK (is_complete IN (0, 1))
) STRICT;
INSERT INTO search_made (id, version, up_to, is_complete) VALUES (1, 0, 0, 0);

-- Searches go by the keys from now on.
DROP INDEX name_by_family;
DROP INDEX person_by_birth;
