-- The schema of version 3, as it was: what tests make old cases of.
-- The case file, schema version 3. Times are UTC, ISO 8601 with "Z". Digests are lower-case hexadecimal.
-- No BLOB column anywhere: content cannot enter a case.

CREATE TABLE case_info (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    uuid TEXT NOT NULL,
    number TEXT NOT NULL CHECK (number <> ''),          -- case number, as the laboratory writes it
    authority TEXT,                                     -- warrant or request that allows the examination
    created TEXT NOT NULL,
    tool_version TEXT NOT NULL
) STRICT;

CREATE TABLE actors (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL CHECK (name <> ''),              -- examiner, as named on the command line
    system_user TEXT NOT NULL,                          -- account of the operating system that ran the command
    UNIQUE (name, system_user)
) STRICT;

CREATE TABLE exhibits (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,
    label TEXT NOT NULL UNIQUE,
    created TEXT NOT NULL
) STRICT;

CREATE TABLE scans (
    id INTEGER PRIMARY KEY,
    actor_id INTEGER NOT NULL REFERENCES actors (id),
    kind TEXT NOT NULL CHECK (kind IN ('scan', 'match')),
    started TEXT NOT NULL,
    ended TEXT,
    state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'interrupted', 'failed')),
    profile TEXT CHECK (profile IN ('quick', 'standard', 'deep')),
    tool_version TEXT NOT NULL,
    arguments TEXT NOT NULL,
    environment TEXT NOT NULL,
    CHECK ((state = 'running') = (ended IS NULL))
) STRICT;

CREATE TABLE sources (
    id INTEGER PRIMARY KEY,
    exhibit_id INTEGER NOT NULL REFERENCES exhibits (id),
    label TEXT NOT NULL UNIQUE,                         -- first part of its streams' locators
    path TEXT NOT NULL UNIQUE,                          -- where the evidence file was when last scanned
    first_scan_id INTEGER NOT NULL REFERENCES scans (id),
    format TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes of the medium, not of the file
    sector_size INTEGER NOT NULL CHECK (sector_size > 0),
    metadata TEXT NOT NULL -- what the acquisition tool recorded, as stored
) STRICT;

-- Files that could not be examined as sources, until they are. Each stands in the account of what was not examined.
CREATE TABLE refused_sources (
    path TEXT PRIMARY KEY,
    exhibit TEXT,                                       -- as named on the command line; NULL: none was named
    scan_id INTEGER NOT NULL REFERENCES scans (id),
    problem TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE source_segments (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    ordinal INTEGER NOT NULL CHECK (ordinal > 0),
    file_name TEXT NOT NULL,
    size INTEGER NOT NULL CHECK (size >= 0),
    PRIMARY KEY (source_id, ordinal)
) STRICT, WITHOUT ROWID;

-- 'acquisition': digest of the medium, stored in the image by the acquisition tool and not recomputed.
-- 'medium': digest of the medium, recomputed from the image on request, to be held against 'acquisition'.
-- 'before', 'after': SHA-256 over the bytes of the evidence files, segments in order, computed by a scan;
-- of a folder, which has none, SHA-256 over the list of its files (algorithm 'manifest-sha256').
CREATE TABLE source_digests (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    scan_id INTEGER NOT NULL REFERENCES scans (id),
    phase TEXT NOT NULL CHECK (phase IN ('acquisition', 'medium', 'before', 'after')),
    algorithm TEXT NOT NULL,
    value TEXT NOT NULL CHECK (value NOT GLOB '*[^0-9a-f]*'),
    at TEXT NOT NULL,
    PRIMARY KEY (source_id, scan_id, phase, algorithm)
) STRICT, WITHOUT ROWID;

CREATE TABLE volumes (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    label TEXT NOT NULL,
    scheme TEXT NOT NULL,
    description TEXT NOT NULL,
    offset INTEGER NOT NULL CHECK (offset >= 0),        -- bytes
    size INTEGER NOT NULL CHECK (size >= 0),            -- bytes
    allocated INTEGER NOT NULL CHECK (allocated IN (0, 1)),
    file_system TEXT,                                   -- NULL: none that tamiz can read
    walked INTEGER NOT NULL DEFAULT 0 CHECK (walked IN (0, 1)),
    UNIQUE (source_id, label)
) STRICT;

CREATE TABLE contents (
    sha256 TEXT PRIMARY KEY CHECK (length(sha256) = 64 AND sha256 NOT GLOB '*[^0-9a-f]*'),
    sha1 TEXT NOT NULL CHECK (length(sha1) = 40 AND sha1 NOT GLOB '*[^0-9a-f]*'),
    md5 TEXT NOT NULL CHECK (length(md5) = 32 AND md5 NOT GLOB '*[^0-9a-f]*'),
    size INTEGER NOT NULL CHECK (size >= 0),
    media_type TEXT NOT NULL,
    perceptual TEXT NOT NULL CHECK (perceptual IN ('hashed', 'not-applicable', 'skipped', 'failed')),
    perceptual_reason TEXT,                             -- of 'hashed': why only a part of it was
    width INTEGER CHECK (width > 0),                    -- pixels, as the file states; NULL: no picture or film decoded
    height INTEGER CHECK (height > 0),
    CHECK (perceptual NOT IN ('skipped', 'failed') OR perceptual_reason IS NOT NULL),
    CHECK (perceptual <> 'not-applicable' OR perceptual_reason IS NULL),
    CHECK ((perceptual = 'hashed') = (width IS NOT NULL AND height IS NOT NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE perceptual_hashes (
    content TEXT NOT NULL REFERENCES contents (sha256),
    algorithm TEXT NOT NULL,
    probe TEXT NOT NULL,
    value TEXT NOT NULL CHECK (value NOT GLOB '*[^0-9a-f]*'),
    quality INTEGER CHECK (quality BETWEEN 0 AND 100),  -- NULL: the algorithm has no such measure
    decode TEXT NOT NULL,
    PRIMARY KEY (content, algorithm, probe)
) STRICT, WITHOUT ROWID;

-- Contents that were hashed as films; their width and height are those of a frame.
CREATE TABLE films (
    content TEXT PRIMARY KEY REFERENCES contents (sha256),
    algorithm TEXT NOT NULL,
    decode TEXT NOT NULL,
    duration_ms INTEGER CHECK (duration_ms >= 0),       -- as the file states; NULL: it states none
    rotation INTEGER NOT NULL CHECK (rotation IN (0, 90, 180, 270)), -- degrees by which a viewer turns it, clockwise
    sampling TEXT NOT NULL CHECK (sampling IN ('one-a-second', 'key-frames')),
    frames INTEGER NOT NULL CHECK (frames >= 0)         -- sampled, also those of which no hash is kept
) STRICT, WITHOUT ROWID;

CREATE TABLE film_frames (
    content TEXT NOT NULL REFERENCES films (content),
    milliseconds INTEGER NOT NULL CHECK (milliseconds >= 0), -- from the start of the film
    value TEXT NOT NULL CHECK (value NOT GLOB '*[^0-9a-f]*'),
    quality INTEGER NOT NULL CHECK (quality BETWEEN 0 AND 100),
    PRIMARY KEY (content, milliseconds, value)          -- a film may have several video streams
) STRICT, WITHOUT ROWID;

CREATE TABLE streams (
    id INTEGER PRIMARY KEY,
    source_id INTEGER NOT NULL REFERENCES sources (id),
    volume_id INTEGER NOT NULL REFERENCES volumes (id),
    locator TEXT NOT NULL,
    path TEXT NOT NULL,                                 -- printable; sensitive
    path_bytes TEXT,                                    -- hexadecimal, where the stored name is not "path" in UTF-8
    size INTEGER NOT NULL CHECK (size >= 0),
    allocation TEXT NOT NULL CHECK (allocation IN ('allocated', 'deleted', 'orphan', 'carved')),
    recovery TEXT NOT NULL CHECK (recovery IN ('intact', 'assumed-contiguous')),
    physical_offset INTEGER,                            -- bytes from the start of the image; NULL: none of its own
    modified TEXT,
    accessed TEXT,
    changed TEXT,
    created TEXT,
    state TEXT NOT NULL CHECK (state IN ('pending', 'hashed', 'skipped', 'failed')),
    reason TEXT,
    detail TEXT,
    content TEXT REFERENCES contents (sha256),
    CHECK ((state IN ('skipped', 'failed')) = (reason IS NOT NULL)),
    CHECK ((state = 'hashed') = (content IS NOT NULL))
) STRICT;

CREATE UNIQUE INDEX streams_identity ON streams (source_id, locator, path, coalesce(path_bytes, ''));
CREATE INDEX streams_pending ON streams (source_id, physical_offset, id) WHERE state = 'pending';
CREATE INDEX streams_unhashed ON streams (state) WHERE state IN ('skipped', 'failed');
CREATE INDEX streams_content ON streams (content) WHERE content IS NOT NULL;

-- What could not be examined and is no stream: volumes, directories, whole file systems.
CREATE TABLE not_examined (
    source_id INTEGER NOT NULL REFERENCES sources (id),
    locator TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER,                                       -- bytes concerned; NULL: unknown
    PRIMARY KEY (source_id, locator, reason, detail)
) STRICT, WITHOUT ROWID;

-- Which lists were used. The lists themselves never enter the case, only the entries that were hit.
CREATE TABLE sets_used (
    uuid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    disposition TEXT NOT NULL CHECK (disposition IN ('notable', 'benign', 'reference')),
    format TEXT NOT NULL,
    format_version TEXT,
    scheme TEXT,
    authority TEXT,
    file_name TEXT NOT NULL,
    file_sha256 TEXT NOT NULL CHECK (length(file_sha256) = 64 AND file_sha256 NOT GLOB '*[^0-9a-f]*'),
    entries INTEGER NOT NULL CHECK (entries >= 0),
    rejected INTEGER NOT NULL CHECK (rejected >= 0),
    imported TEXT NOT NULL,
    issuer TEXT,                                        -- what the operator stated: who made the list
    list_version TEXT,
    note TEXT,                                          -- how it is to be handled, its licence
    received TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE scan_sets (
    scan_id INTEGER NOT NULL REFERENCES scans (id),
    set_uuid TEXT NOT NULL REFERENCES sets_used (uuid),
    PRIMARY KEY (scan_id, set_uuid)
) STRICT, WITHOUT ROWID;

CREATE TABLE entries_hit (
    set_uuid TEXT NOT NULL REFERENCES sets_used (uuid),
    position INTEGER NOT NULL CHECK (position > 0),     -- place of the entry in its list
    reference TEXT,                                     -- the issuer's own identifier
    category TEXT,                                      -- raw code; means something only with the set's scheme
    md5 TEXT,
    sha1 TEXT,
    sha256 TEXT,
    size INTEGER,
    attributes TEXT NOT NULL,
    PRIMARY KEY (set_uuid, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE hits (
    content TEXT NOT NULL REFERENCES contents (sha256),
    set_uuid TEXT NOT NULL,
    position INTEGER NOT NULL,
    basis TEXT NOT NULL,
    distance INTEGER NOT NULL CHECK (distance >= 0),
    tier TEXT NOT NULL CHECK (tier IN ('exact', 'near', 'similar')),
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

CREATE TABLE ledger (
    sequence INTEGER PRIMARY KEY CHECK (sequence > 0),
    at TEXT NOT NULL,
    actor TEXT NOT NULL,
    system_user TEXT NOT NULL,
    action TEXT NOT NULL,
    details TEXT NOT NULL,
    previous_hash TEXT NOT NULL CHECK (length(previous_hash) = 64),
    hash TEXT NOT NULL UNIQUE CHECK (length(hash) = 64)
) STRICT;

CREATE TRIGGER ledger_no_update BEFORE UPDATE ON ledger
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;

CREATE TRIGGER ledger_no_delete BEFORE DELETE ON ledger
BEGIN SELECT RAISE (ABORT, 'the ledger is append-only'); END;
