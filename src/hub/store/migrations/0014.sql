-- Notifications are numbered 1, 2, 3 ... for each authority, without gaps, by the statement that queues them: a link sees
-- that none is missing. Each has an id besides: a hub that was put back from a backup gives numbers again, but no id.
ALTER TABLE outbox ADD COLUMN number INTEGER;
ALTER TABLE outbox ADD COLUMN notice_id TEXT;
-- What the authority's link has done with it. Until then it is not over, whatever its state.
ALTER TABLE outbox ADD COLUMN outcome TEXT CHECK (outcome IN ('documented', 'triage', 'dealt-with'));

-- The last number of each authority, which stays when the row itself goes.
CREATE TABLE notice_last (
    authority_code TEXT PRIMARY KEY,
    number         INTEGER NOT NULL,
    notice_id      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

UPDATE outbox SET number = counted.number, notice_id = lower(hex(randomblob(16))),
                  outcome = CASE state WHEN 'filed' THEN 'documented' END
FROM (SELECT id, row_number() OVER (PARTITION BY authority_code ORDER BY id) AS number FROM outbox) AS counted
WHERE outbox.id = counted.id;

CREATE UNIQUE INDEX outbox_by_number ON outbox (authority_code, number);
CREATE INDEX outbox_unfiled ON outbox (authority_code, number) WHERE outcome IS NULL;
CREATE INDEX outbox_triage ON outbox (authority_code, number) WHERE outcome = 'triage';

INSERT INTO notice_last (authority_code, number, notice_id)
SELECT authority_code, number, notice_id FROM outbox AS last
WHERE number = (SELECT max(number) FROM outbox WHERE outbox.authority_code = last.authority_code);

CREATE TRIGGER outbox_is_numbered AFTER INSERT ON outbox
BEGIN
    INSERT OR IGNORE INTO notice_last (authority_code, number, notice_id) VALUES (NEW.authority_code, 0, '');
    UPDATE notice_last SET number = number + 1, notice_id = lower(hex(randomblob(16)))
    WHERE authority_code = NEW.authority_code;
    UPDATE outbox SET (number, notice_id) =
        (SELECT number, notice_id FROM notice_last WHERE authority_code = NEW.authority_code)
    WHERE id = NEW.id;
END;
