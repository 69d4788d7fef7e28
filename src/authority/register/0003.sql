-- Who opened which child's page of the link's own: whoever may ask who looked has to be told of this end too.
CREATE TABLE look (
    id       INTEGER PRIMARY KEY,
    local_id TEXT NOT NULL,          -- the case; empty where it is not known whose it is
    note_id  TEXT NOT NULL REFERENCES note (id),
    reader   TEXT NOT NULL,          -- the user
    at_ms    INTEGER NOT NULL
) STRICT;
CREATE INDEX look_by_case ON look (local_id, at_ms);
CREATE INDEX look_by_reader ON look (reader, at_ms);

-- When whoever is responsible was told of what somebody does not recognise.
ALTER TABLE not_recognised ADD COLUMN told_ms INTEGER;
