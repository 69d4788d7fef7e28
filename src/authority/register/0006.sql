-- Under which name the receipt went by MESH, which may yet bring it back.
ALTER TABLE notice ADD COLUMN told_in TEXT;
