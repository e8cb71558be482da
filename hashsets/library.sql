-- Version 2. The sets of a library and where they came from. The entries of a set stand in sets/<uuid>.sqlite (known_set.sql).

CREATE TABLE known_set (
    uuid TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    disposition TEXT NOT NULL CHECK (disposition IN ('notable', 'benign', 'reference')),
    format TEXT NOT NULL,
    format_version TEXT,
    scheme TEXT,
    authority TEXT,
    file_name TEXT NOT NULL,
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64),
    entries INTEGER NOT NULL CHECK (entries > 0),
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    imported TEXT NOT NULL,                             -- UTC, ISO 8601 with Z
    issuer TEXT,                                        -- what the operator states of it: who made the list
    list_version TEXT,                                  -- the issuer's version of it
    note TEXT,                                          -- how it is to be handled, its licence
    received TEXT                                       -- date on which the laboratory received it, ISO 8601
) STRICT;
