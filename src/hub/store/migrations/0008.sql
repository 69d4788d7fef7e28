-- How often details of people have changed: what a search has read of them is still so while this is the same.
CREATE TABLE people_changed (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    times INTEGER NOT NULL
) STRICT;
INSERT INTO people_changed (only, times) VALUES (1, 0);
