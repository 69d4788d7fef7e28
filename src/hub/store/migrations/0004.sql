-- Retention. Rows of the audit log can go, but only the oldest, and only so that it is known: within one transaction an
-- entry of kind 'retention' is appended that names the cut-off, the cut-off is written here, rows older than it
-- are deleted, and the cut-off is taken away again.

-- At most one row, and none outside a transaction: no row has the id 2, so that whoever leaves this one behind cannot commit.
CREATE TABLE audit_removal (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    before_ms INTEGER NOT NULL,
    entry     INTEGER NOT NULL,      -- the entry of the audit log that says so
    left_over INTEGER NOT NULL DEFAULT 2 CHECK (left_over = 2)
        REFERENCES audit_removal (id) DEFERRABLE INITIALLY DEFERRED
) STRICT;

-- 819936000000: nothing younger than 26 years (of 365 days), whatever a configuration says.
CREATE TRIGGER audit_removal_is_audited BEFORE INSERT ON audit_removal
WHEN NOT EXISTS (
    SELECT 1 FROM audit
    WHERE id = NEW.entry AND id = (SELECT max(id) FROM audit) AND kind = 'retention'
      AND json_extract(detail, '$.audit_before_ms') = NEW.before_ms
      AND NEW.before_ms <= at_ms - 819936000000)
BEGIN SELECT RAISE(ABORT, 'a removal from the audit log is audited first'); END;
CREATE TRIGGER audit_removal_is_never_changed BEFORE UPDATE ON audit_removal
BEGIN SELECT RAISE(ABORT, 'a cut-off is never changed'); END;

DROP TRIGGER audit_is_never_deleted;
CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
WHEN NOT EXISTS (SELECT 1 FROM audit_removal WHERE OLD.at_ms < before_ms)
BEGIN SELECT RAISE(ABORT, 'the audit log is never deleted'); END;

-- Deleting a notification looks for whoever refers to it.
CREATE INDEX told_earlier_by_outbox ON told_earlier (outbox_id);
