-- Since this version a mark counts as whom somebody was alerted. Who read a note of which nobody had alerted them: it is known, and the note is as
-- unread for whoever was as before.
CREATE TABLE read_beside (
    note_id TEXT NOT NULL REFERENCES note (id),
    reader  TEXT NOT NULL,           -- the user
    up_to   INTEGER NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (note_id, reader, up_to)
) STRICT, WITHOUT ROWID;
