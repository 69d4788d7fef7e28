-- An attendance is of one person and one authority: it is found by outbox_by_person. Each index costs every view a page.
DROP INDEX outbox_by_attendance;
