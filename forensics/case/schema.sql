-- What scans find, and the ledger. Beside it stands proceedings.sql: what people state and decide.
-- Times are UTC, ISO 8601 with "Z". Digests are lower-case hexadecimal. No BLOB column anywhere: content cannot enter
-- a case. docs/case-schema.md is made of the comments here (make docs): those before a table, and those of each column,
-- behind it or on lines of their own before it.

-- The case: one row.
CREATE TABLE case_info (
    id INTEGER PRIMARY KEY CHECK (id = 1),              -- always 1
    uuid TEXT NOT NULL,                                 -- identifies the case wherever it goes
    number TEXT NOT NULL CHECK (number <> ''),          -- case number, as the laboratory writes it
    authority TEXT,                                     -- reference of the warrant or request it was opened for
    created TEXT NOT NULL,                              -- when
    tool_version TEXT NOT NULL,                         -- version of tamiz that made it
    -- whether a report or export for others than the laboratory needs the signed approval of a second person
    approval TEXT NOT NULL DEFAULT 'not-required' CHECK (approval IN ('not-required', 'required'))
) STRICT;

-- A person, with the system account that ran the command.
CREATE TABLE actors (
    id INTEGER PRIMARY KEY,                             -- number of the row
    name TEXT NOT NULL CHECK (name <> ''),              -- examiner, as named on the command line
    system_user TEXT NOT NULL,                          -- account of the operating system that ran the command
    UNIQUE (name, system_user)
) STRICT;

-- A seized thing. What it is stands in exhibit_statements.
CREATE TABLE exhibits (
    id INTEGER PRIMARY KEY,                             -- number of the row
    uuid TEXT NOT NULL UNIQUE,                          -- identifies the exhibit wherever it goes
    label TEXT NOT NULL UNIQUE,                         -- its name in the laboratory, such as E1
    created TEXT NOT NULL,                              -- when it was entered
    parent_id INTEGER REFERENCES exhibits (id)          -- exhibit it was found in, as a card in a phone; NULL: none
) STRICT;

-- A scan of evidence, or a match of stored hashes against lists.
CREATE TABLE scans (
    id INTEGER PRIMARY KEY,                             -- number of the row
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who ran it
    kind TEXT NOT NULL CHECK (kind IN ('scan', 'match')), -- what it was
    started TEXT NOT NULL,                              -- when, by the laboratory's clock
    ended TEXT,                                         -- when; NULL: it runs
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'interrupted', 'failed')), -- how it ended
    profile TEXT CHECK (profile IN ('quick', 'standard', 'deep')), -- how deep it looked; NULL of a match
    tool_version TEXT NOT NULL,                         -- version of tamiz
    arguments TEXT NOT NULL,                            -- its parameters, without secrets, a JSON object
    environment TEXT NOT NULL,                          -- versions, host, time zone, sandbox, a JSON object
    CHECK ((state = 'running') = (ended IS NULL))
) STRICT;

-- An evidence file or device that holds an exhibit's bytes.
CREATE TABLE sources (
    id INTEGER PRIMARY KEY,                             -- number of the row
    exhibit_id INTEGER NOT NULL REFERENCES exhibits (id), -- the exhibit
    label TEXT NOT NULL UNIQUE,                         -- first part of its streams' locators
    path TEXT NOT NULL UNIQUE,                          -- where the evidence file was when last scanned
    first_scan_id INTEGER NOT NULL REFERENCES scans (id), -- the scan that brought it into the case
    format TEXT NOT NULL,                               -- how the file is read, such as raw or ewf
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes of the medium, not of the file
    sector_size INTEGER NOT NULL CHECK (sector_size > 0), -- bytes
    metadata TEXT NOT NULL                              -- what the acquisition tool recorded, a JSON object
) STRICT;

-- Files that could not be examined as sources, until they are. Each stands in the account of what was not examined.
CREATE TABLE refused_sources (
    path TEXT PRIMARY KEY,                              -- where it was
    exhibit TEXT,                                       -- as named on the command line; NULL: none was named
    scan_id INTEGER NOT NULL REFERENCES scans (id),     -- the last scan that tried
    problem TEXT NOT NULL,                              -- what was wrong, in words
    at TEXT NOT NULL                                    -- when
) STRICT, WITHOUT ROWID;

-- The files of a source, in order.
CREATE TABLE source_segments (
    source_id INTEGER NOT NULL REFERENCES sources (id), -- the source
    ordinal INTEGER NOT NULL CHECK (ordinal > 0),       -- place in the order, from 1
    file_name TEXT NOT NULL,                            -- without its folder
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes of the file
    PRIMARY KEY (source_id, ordinal)
) STRICT, WITHOUT ROWID;

-- A digest of a source.
-- 'acquisition': digest of the medium, stored in the image by the acquisition tool and not recomputed.
-- 'medium': digest of the medium, recomputed from the image on request, to be held against 'acquisition'.
-- 'before', 'after': SHA-256 over the bytes of the evidence files, segments in order, computed by a scan;
-- of a folder, which has none, SHA-256 over the list of its files (algorithm 'manifest-sha256').
CREATE TABLE source_digests (
    source_id INTEGER NOT NULL REFERENCES sources (id), -- the source
    scan_id INTEGER NOT NULL REFERENCES scans (id),     -- the scan that recorded it
    phase TEXT NOT NULL CHECK (phase IN ('acquisition', 'medium', 'before', 'after')), -- whose and when, see above
    algorithm TEXT NOT NULL,                            -- md5, sha1, sha256 or manifest-sha256
    value TEXT NOT NULL CHECK (value NOT GLOB '*[^0-9a-f]*'), -- the digest
    at TEXT NOT NULL,                                   -- when it was recorded
    PRIMARY KEY (source_id, scan_id, phase, algorithm)
) STRICT, WITHOUT ROWID;

-- A partition, a gap between partitions, or a volume inside a volume.
CREATE TABLE volumes (
    id INTEGER PRIMARY KEY,                             -- number of the row
    source_id INTEGER NOT NULL REFERENCES sources (id), -- the source
    label TEXT NOT NULL,                                -- second part of its streams' locators
    scheme TEXT NOT NULL,                               -- what told of it: dos, gpt, none, a volume manager ...
    description TEXT NOT NULL,                          -- as the table of partitions has it; sensitive
    offset INTEGER NOT NULL CHECK (offset >= 0),        -- bytes
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes
    allocated INTEGER NOT NULL CHECK (allocated IN (0, 1)), -- 0: a gap
    file_system TEXT,                                   -- NULL: none that tamiz can read
    walked INTEGER NOT NULL DEFAULT 0 CHECK (walked IN (0, 1)), -- 1: its streams were listed to the end
    UNIQUE (source_id, label)
) STRICT;

-- A distinct sequence of bytes, however many streams hold it.
CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'), -- SHA-256
    sha1 TEXT NOT NULL CHECK (length(sha1) = 40 AND sha1 NOT GLOB '*[^0-9a-f]*'), -- SHA-1
    md5 TEXT NOT NULL CHECK (length(md5) = 32 AND md5 NOT GLOB '*[^0-9a-f]*'), -- MD5
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes
    media_type TEXT NOT NULL,                           -- what its first bytes say it is, such as image/jpeg
    -- what became of its perceptual hashes; 'not-applicable': it is neither picture nor film
    perceptual TEXT NOT NULL CHECK (perceptual IN ('hashed', 'not-applicable', 'skipped', 'failed')),
    perceptual_reason TEXT,                             -- why not, a reason code; of 'hashed': why only a part was
    width INTEGER CHECK (width > 0),                    -- pixels, as the file states; NULL: no picture or film decoded
    height INTEGER CHECK (height > 0),                  -- pixels, likewise
    CHECK (perceptual NOT IN ('skipped', 'failed') OR perceptual_reason IS NOT NULL),
    CHECK (perceptual <> 'not-applicable' OR perceptual_reason IS NULL),
    CHECK ((perceptual = 'hashed') = (width IS NOT NULL AND height IS NOT NULL))
) STRICT, WITHOUT ROWID;

-- A perceptual hash of a view of a picture.
CREATE TABLE perceptual_hashes (
    content TEXT NOT NULL REFERENCES contents (sha256), -- the picture
    algorithm TEXT NOT NULL,                            -- pdq, phash or a plug-in's
    probe TEXT NOT NULL,                                -- which view, see "How a content resembles an entry"
    value TEXT NOT NULL CHECK (value NOT GLOB '*[^0-9a-f]*'), -- its bits, hexadecimal
    quality INTEGER CHECK (quality BETWEEN 0 AND 100),  -- NULL: the algorithm has no such measure
    decode TEXT NOT NULL,                               -- how pixels were decoded, see docs/perceptual.md
    PRIMARY KEY (content, algorithm, probe)
) STRICT, WITHOUT ROWID;

-- Contents that were hashed as films; their width and height are those of a frame.
CREATE TABLE films (
    content TEXT PRIMARY KEY REFERENCES contents (sha256), -- the film
    algorithm TEXT NOT NULL,                            -- vpdq
    decode TEXT NOT NULL,                               -- how frames were decoded, see docs/perceptual.md
    duration_ms INTEGER CHECK (duration_ms >= 0),       -- milliseconds, as the file states; NULL: it states none
    rotation INTEGER NOT NULL CHECK (rotation IN (0, 90, 180, 270)), -- degrees by which a viewer turns it, clockwise
    sampling TEXT NOT NULL CHECK (sampling IN ('one-a-second', 'key-frames')), -- which frames were hashed
    frames INTEGER NOT NULL CHECK (frames >= 0)         -- sampled, also those of which no hash is kept
) STRICT, WITHOUT ROWID;

-- A frame of a film whose hash is new in that film.
CREATE TABLE film_frames (
    content TEXT NOT NULL REFERENCES films (content),   -- the film
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0), -- from the start of the film
    value TEXT NOT NULL CHECK (value NOT GLOB '*[^0-9a-f]*'), -- its bits, hexadecimal
    quality INTEGER NOT NULL CHECK (quality BETWEEN 0 AND 100), -- PDQ's measure of how much the hash says
    PRIMARY KEY (content, milliseconds, value)          -- a film may have several video streams
) STRICT, WITHOUT ROWID;

-- A run of bytes worth hashing, as a file's data, under one name; and what became of it.
CREATE TABLE streams (
    id INTEGER PRIMARY KEY,                             -- number of the row
    source_id INTEGER NOT NULL REFERENCES sources (id), -- the source
    volume_id INTEGER NOT NULL REFERENCES volumes (id), -- the volume
    locator TEXT NOT NULL,                              -- the chain that reopens it: E1/p2/ntfs:1234-128-3
    path TEXT NOT NULL,                                 -- printable; sensitive; '[privileged]' stands for a withheld one
    path_bytes TEXT,                                    -- hexadecimal, where the stored name is not "path" in UTF-8
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes
    allocation TEXT NOT NULL CHECK (allocation IN ('allocated', 'deleted', 'orphan', 'carved')), -- its state there
    recovery TEXT NOT NULL CHECK (recovery IN ('intact', 'assumed-contiguous')), -- how sure its place is
    physical_offset INTEGER,                            -- bytes from the start of the image; NULL: none of its own
    modified TEXT,                                      -- time of its content, as the file system states; NULL: none
    accessed TEXT,                                      -- likewise, of the last access
    changed TEXT,                                       -- likewise, of its metadata
    created TEXT,                                       -- likewise, of its creation
    priority INTEGER NOT NULL CHECK (priority >= 0),    -- class; streams of a smaller one are examined earlier
    state TEXT NOT NULL CHECK (state IN ('pending', 'hashed', 'skipped', 'failed')), -- what became of it
    reason TEXT,                                        -- why it was skipped or failed, a reason code
    detail TEXT,                                        -- figures or a library's words
    content TEXT REFERENCES contents (sha256),          -- what it holds; NULL: not hashed
    CHECK ((state IN ('skipped', 'failed')) = (reason IS NOT NULL)),
    CHECK ((state = 'hashed') = (content IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX streams_identity ON streams (source_id, locator, path, coalesce(path_bytes, ''));
CREATE INDEX streams_pending ON streams (source_id, priority, physical_offset, id) WHERE state = 'pending';
CREATE INDEX streams_unhashed ON streams (state) WHERE state IN ('skipped', 'failed');
CREATE INDEX streams_content ON streams (content) WHERE content IS NOT NULL;

-- What could not be examined and is no stream: volumes, directories, whole file systems.
CREATE TABLE not_examined (
    source_id INTEGER NOT NULL REFERENCES sources (id), -- the source
    locator TEXT NOT NULL,                              -- where
    reason TEXT NOT NULL,                               -- why, a reason code
    detail TEXT NOT NULL,                               -- figures or a library's words; may be empty
    size INTEGER,                                       -- bytes concerned; NULL: unknown
    PRIMARY KEY (source_id, locator, reason, detail)
) STRICT, WITHOUT ROWID;

-- Which lists were used. The lists themselves never enter the case, only the entries that were hit.
-- NULL: the operator stated nothing, or the list has no such thing.
CREATE TABLE sets_used (
    uuid TEXT PRIMARY KEY,                              -- of the import
    name TEXT NOT NULL,                                 -- as the laboratory calls it
    disposition TEXT NOT NULL CHECK (disposition IN ('notable', 'benign', 'reference')), -- what it is for, declared
    format TEXT NOT NULL,                               -- such as vics or csv
    format_version TEXT,                                -- as the file states
    scheme TEXT,                                        -- what its categories are codes of
    authority TEXT,                                     -- reference under which it may be used
    file_name TEXT NOT NULL,                            -- of the file imported
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64 AND file_sha256 NOT GLOB '*[^0-9a-f]*'), -- its digest
    entries INTEGER NOT NULL CHECK (entries >= 0),      -- how many were imported
    rejected INTEGER NOT NULL CHECK (rejected >= 0),    -- how many were malformed and set aside
    imported TEXT NOT NULL,                             -- when
    issuer TEXT,                                        -- what the operator stated: who made the list
    list_version TEXT,                                  -- the issuer's version
    note TEXT,                                          -- how it is to be handled, its licence
    received TEXT                                       -- the day on which the laboratory received it
) STRICT, WITHOUT ROWID;

-- Which scan used which list.
CREATE TABLE scan_sets (
    scan_id INTEGER NOT NULL REFERENCES scans (id),     -- the scan
    set_uuid TEXT NOT NULL REFERENCES sets_used (uuid), -- the list
    PRIMARY KEY (scan_id, set_uuid)
) STRICT, WITHOUT ROWID;

-- An entry of a list that was hit; no others enter the case. NULL: the entry does not state it.
CREATE TABLE entries_hit (
    set_uuid TEXT NOT NULL REFERENCES sets_used (uuid), -- the list
    position INTEGER NOT NULL CHECK (position > 0),     -- place of the entry in its list
    reference TEXT,                                     -- the issuer's own identifier
    category TEXT,                                      -- raw code; means something only with the set's scheme
    md5 TEXT,                                           -- as the entry states
    sha1 TEXT,                                          -- likewise
    sha256 TEXT,                                        -- likewise
    size INTEGER,                                       -- bytes, likewise
    attributes TEXT NOT NULL,                           -- what else it states, a JSON object
    PRIMARY KEY (set_uuid, position)
) STRICT, WITHOUT ROWID;

-- A content that matches an entry. It never says what the content is.
CREATE TABLE hits (
    content TEXT NOT NULL REFERENCES contents (sha256), -- the content
    set_uuid TEXT NOT NULL,                             -- the list
    position INTEGER NOT NULL,                          -- place of the entry in its list
    basis TEXT NOT NULL,                                -- strongest: md5 sha1 sha256 pdq phash vpdq or a plug-in's
    distance INTEGER NOT NULL CHECK (distance >= 0),    -- bits, 0 of a digest
    tier TEXT NOT NULL CHECK (tier IN ('exact', 'near', 'similar')), -- digest; perceptual within 31 bits; a lead
    probe TEXT,                                         -- NULL: a digest has no probe
    agreeing TEXT NOT NULL,                             -- bases on which content and entry agree, comma-separated
    disagreeing TEXT NOT NULL,                          -- digests or size that the entry states otherwise
    query_covered REAL CHECK (query_covered BETWEEN 0 AND 1), -- share of the film's frames that the known film has
    known_covered REAL CHECK (known_covered BETWEEN 0 AND 1), -- share of the known film's frames that the film has
    PRIMARY KEY (content, set_uuid, position),
    FOREIGN KEY (set_uuid, position) REFERENCES entries_hit (set_uuid, position),
    CHECK ((tier = 'exact') = (probe IS NULL)),
    CHECK ((query_covered IS NULL) = (known_covered IS NULL))
) STRICT, WITHOUT ROWID;

-- The chain of commands that were run on the case. Rows are never changed or removed.
CREATE TABLE ledger (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),  -- 1, 2, 3 ... without a gap
    at TEXT NOT NULL,                                   -- when
    actor TEXT NOT NULL,                                -- name of the person
    system_user TEXT NOT NULL,                          -- account that ran the command
    action TEXT NOT NULL,                               -- what
    details TEXT NOT NULL,                              -- parameters and counts, a JSON object
    previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64), -- "hash" of the row before; 64 zeros in the first
    hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64) -- SHA-256, see "Ledger"
) STRICT;

CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
