-- What one authority is told of an attendance is of one person: it is found by outbox_by_person. Each index costs every
-- view a page.
DROP INDEX outbox_by_attendance;
