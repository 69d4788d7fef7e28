-- Since this version the link remembers who works on a case, and whether it is restricted, as the last extract says; nothing of
-- it is ever sent to the hub. Where the extract has no such column nothing stands here.
ALTER TABLE extract ADD COLUMN worker TEXT;
ALTER TABLE extract ADD COLUMN team TEXT;
ALTER TABLE extract ADD COLUMN worker_is_away INTEGER NOT NULL DEFAULT 0 CHECK (worker_is_away IN (0, 1));
ALTER TABLE extract ADD COLUMN is_restricted INTEGER CHECK (is_restricted IN (0, 1));
CREATE INDEX extract_restricted ON extract (local_id) WHERE is_restricted = 1;

-- How often an extract was read: by this it is noticed that there is another.
ALTER TABLE link ADD COLUMN extracts INTEGER NOT NULL DEFAULT 0;
