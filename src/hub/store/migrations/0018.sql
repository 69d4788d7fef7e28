-- With which register an authority's link is told: the first that asked, or the one to which an operator has moved it. Another one is
-- refused, and stands here as the last that was.
CREATE TABLE authority_register (
    authority_code TEXT PRIMARY KEY,
    register_id    TEXT NOT NULL,
    bound_ms       INTEGER NOT NULL,
    refused_id     TEXT,
    refused_ms     INTEGER
) STRICT, WITHOUT ROWID;
