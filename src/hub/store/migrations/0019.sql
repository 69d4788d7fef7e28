-- How often it went again by MESH after it was delivered, because there was no receipt: each time it rests twice as long.
ALTER TABLE outbox ADD COLUMN resent INTEGER NOT NULL DEFAULT 0;
