-- Which file an upload follows, by its sender's number: it is applied only behind that one. Nothing where it is a full refresh,
-- which is taken whatever is here.
ALTER TABLE authority_file ADD COLUMN previous_sequence INTEGER;
-- A full refresh is told what is held and was not in it.
ALTER TABLE authority_file ADD COLUMN is_full INTEGER NOT NULL DEFAULT 0 CHECK (is_full IN (0, 1));
-- Whose plans stand under a local id: an ended identity's and another's never do.
CREATE INDEX plan_by_local_id ON plan (authority_code, local_id);
