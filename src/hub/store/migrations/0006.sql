-- What an operator watches is counted from an index, and not from every message that was ever queued.
CREATE INDEX outbox_by_state ON outbox (state);
CREATE INDEX outbox_waiting ON outbox (at_ms) WHERE state = 'queued';
CREATE INDEX upload_by_authority ON upload (authority_code, at_ms);

-- A concern weighs a shared family name by how many people have it.
CREATE INDEX name_by_family_folded ON person_name (family_folded, is_current, person_id);

-- When what is over its time was last removed: a clock that has jumped ahead of it removes nothing.
CREATE TABLE retention_run (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    at_ms INTEGER NOT NULL
) STRICT;
