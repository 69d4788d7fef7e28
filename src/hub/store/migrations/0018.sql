-- With which register an authority's link is told: the first that asked, or the one to which an operator has moved it.
CREATE TABLE authority_register (
    authority_code TEXT PRIMARY KEY,
    register_id    TEXT NOT NULL,
    bound_ms       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Others that asked and were refused: the last few of each authority, and when that was noted last.
CREATE TABLE refused_register (
    authority_code TEXT NOT NULL,
    register_id    TEXT NOT NULL,
    refused_ms     INTEGER NOT NULL,
    PRIMARY KEY (authority_code, register_id)
) STRICT, WITHOUT ROWID;
