-- Which register this is: the hub tells an authority with one, so that a second link, with a register of its own, does not put
-- every access on the record again. When the hub said that it tells another.
ALTER TABLE link ADD COLUMN register_id TEXT;
UPDATE link SET register_id = lower(hex(randomblob(16)));
ALTER TABLE link ADD COLUMN other_register_ms INTEGER;
-- When all receipts were last sent again because the hub knew of fewer than it had been told.
ALTER TABLE link ADD COLUMN told_again_ms INTEGER;
-- By how many then, and how long the next time rests.
ALTER TABLE link ADD COLUMN told_again_count INTEGER;
ALTER TABLE link ADD COLUMN told_again_rest_ms INTEGER;
-- Who of those who come last for restricted cases may see a note: since they were alerted of it.
CREATE TABLE let_in (
    note_id TEXT NOT NULL REFERENCES note (id),
    user    TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    PRIMARY KEY (note_id, user)
) STRICT, WITHOUT ROWID;
-- Who settled a note on the list, and when; nobody is known of what was settled by the command.
ALTER TABLE note ADD COLUMN settled_by TEXT;
ALTER TABLE note ADD COLUMN settled_ms INTEGER;
-- Whose note it is, by the NHS number that the hub told: a local id may have been given to another child since. Filled by the program of
-- what was there before; empty where the notification cannot be read.
ALTER TABLE note ADD COLUMN nhs_number TEXT;
-- By which user whoever was alerted signed in then; and when it was first noticed that the clock had been ahead when an alert was made.
ALTER TABLE alert ADD COLUMN user TEXT;
ALTER TABLE alert ADD COLUMN ahead_ms INTEGER;
