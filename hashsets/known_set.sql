-- One imported known-hash set. Written once by an import, then sealed and never changed; what the set is called and
-- where it came from stands in the library's own file (library.sql).
-- Hashes are lower-case hexadecimal text, so that any SQLite tool can check an entry.

CREATE TABLE entry (
    position INTEGER PRIMARY KEY CHECK (position > 0),  -- line number, or ordinal, in the list
    md5 TEXT CHECK (length(md5) = 32),
    sha1 TEXT CHECK (length(sha1) = 40),
    sha256 TEXT CHECK (length(sha256) = 64),
    size INTEGER CHECK (size >= 0),
    category TEXT,                                      -- raw, never interpreted
    reference TEXT,                                     -- the issuer's own identifier
    attributes TEXT                                     -- JSON object of texts
) STRICT;

CREATE TABLE perceptual_hash (
    position INTEGER NOT NULL REFERENCES entry (position),
    algorithm TEXT NOT NULL,
    value TEXT NOT NULL,
    quality INTEGER CHECK (quality BETWEEN 0 AND 100),  -- as the list states it
    searched INTEGER NOT NULL CHECK (searched IN (0, 1)), -- 0: opaque (PhotoDNA), or says nothing (a blank picture's)
    PRIMARY KEY (position, algorithm, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE rejected_entry (
    id INTEGER PRIMARY KEY,
    position INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT;
