-- Since this version the rows of the last extract stay until the next one is read: what of them the hub has not acknowledged
-- is counted. A plan is also looked for whatever its local id.
CREATE INDEX extract_by_plan ON extract (number, kind, start_day);
CREATE INDEX held_by_plan ON held (number, kind, start_day);
