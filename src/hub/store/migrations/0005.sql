-- What one user's searches came to, by the minute (minutes since 1970): the volume of an hour survives a restart.
CREATE TABLE search_volume (
    user_id  TEXT NOT NULL,
    minute   INTEGER NOT NULL,
    searches INTEGER NOT NULL,
    people   INTEGER NOT NULL,
    PRIMARY KEY (user_id, minute)
) STRICT, WITHOUT ROWID;
