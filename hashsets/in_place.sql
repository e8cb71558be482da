-- Stands in the file of a set whose entries are not copied: the database that holds them, of which the set has an index.

CREATE TABLE in_place (
    path TEXT NOT NULL,                                 -- absolute
    size INTEGER NOT NULL,                              -- bytes
    modified INTEGER NOT NULL,                          -- nanoseconds since 1970
    set_name TEXT NOT NULL
) STRICT;
