-- What goes out by MESH, from before it is sent until MESH says that it was acknowledged. Its local id is what MESH is asked for before
-- anything is sent again. A row of an acknowledgement says of which file; its words, where the file itself was not taken.
CREATE TABLE mesh_out (
    id             INTEGER PRIMARY KEY,
    authority_code TEXT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('notifications', 'acknowledgement')),
    sequence       INTEGER,
    document       BLOB,
    local_id       TEXT NOT NULL UNIQUE,
    message_id     TEXT,
    state          TEXT NOT NULL CHECK (state IN ('sending', 'accepted')),
    tries          INTEGER NOT NULL DEFAULT 0,
    at_ms          INTEGER NOT NULL,
    next_ms        INTEGER NOT NULL
) STRICT;
CREATE INDEX mesh_out_by_authority ON mesh_out (authority_code, kind, state);
CREATE INDEX mesh_out_by_message ON mesh_out (message_id);

-- In which of them a notification goes.
ALTER TABLE outbox ADD COLUMN mesh_out_id INTEGER;
CREATE INDEX outbox_by_mesh_out ON outbox (mesh_out_id) WHERE mesh_out_id IS NOT NULL;
