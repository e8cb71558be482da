-- What people state and decide about a case: authorities, exhibits, custody, offence codes, approvals, referrals.
-- Rows are never changed or removed. What was wrong is put right by a further row that points at the wrong one.
--
-- What a person may state has two columns, "X" and "X_missing", of which exactly one is set: a value, or why there is
-- none: 'unknown' (S.I., nobody knows), 'not-applicable' (N.A.), 'not-assessed' (nobody asked or said).

-- A warrant, request or other ground for the examination; "case_info.authority" has the reference it was opened for.
CREATE TABLE authorities (
    id INTEGER PRIMARY KEY,                             -- number of the row
    corrects_id INTEGER UNIQUE REFERENCES authorities (id), -- the wrong row that this one replaces; NULL: none
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who recorded it
    recorded TEXT NOT NULL,                             -- when
    -- what allows the examination
    kind TEXT NOT NULL CHECK (kind IN ('warrant', 'request', 'consent', 'statute', 'other')),
    -- how the matter came to the authorities; 'ex-officio': by their own doing
    origin TEXT CHECK (origin IN ('complaint', 'anonymous', 'interpol', 'global-alliance', 'ncmec', 'ex-officio',
        'referral', 'other')),
    origin_missing TEXT CHECK (origin_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- why there is none
    reference TEXT CHECK (reference <> ''),             -- its number, as it is cited
    reference_missing TEXT CHECK (reference_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    issued_by TEXT CHECK (issued_by <> ''),             -- the authority
    issued_by_missing TEXT CHECK (issued_by_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    issued TEXT CHECK (issued GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]'), -- day, YYYY-MM-DD
    issued_missing TEXT CHECK (issued_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    jurisdiction TEXT CHECK (jurisdiction <> ''),       -- such as MX, MX-JAL (ISO 3166), or in words
    jurisdiction_missing TEXT CHECK (jurisdiction_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    -- number of a foreign authority or of a report, such as a tip
    foreign_reference TEXT CHECK (foreign_reference <> ''),
    foreign_reference_missing TEXT -- likewise
        CHECK (foreign_reference_missing IN ('unknown', 'not-applicable', 'not-assessed')),
    scope TEXT CHECK (scope <> ''),                     -- what it allows, in words
    scope_missing TEXT CHECK (scope_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    CHECK ((origin IS NULL) <> (origin_missing IS NULL)),
    CHECK ((reference IS NULL) <> (reference_missing IS NULL)),
    CHECK ((issued_by IS NULL) <> (issued_by_missing IS NULL)),
    CHECK ((issued IS NULL) <> (issued_missing IS NULL)),
    CHECK ((jurisdiction IS NULL) <> (jurisdiction_missing IS NULL)),
    CHECK ((foreign_reference IS NULL) <> (foreign_reference_missing IS NULL)),
    CHECK ((scope IS NULL) <> (scope_missing IS NULL)),
    CHECK (corrects_id < id)
) STRICT;

-- One thing that a person states of an exhibit. The latest row of a field holds; a field without one was not assessed.
CREATE TABLE exhibit_statements (
    id INTEGER PRIMARY KEY,                             -- number of the row; the highest of a field holds
    exhibit_id INTEGER NOT NULL REFERENCES exhibits (id), -- the exhibit
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who stated it
    recorded TEXT NOT NULL,                             -- when
    -- what is stated; 'device_clock': what the exhibit's clock showed beside a stated reference. The fields from
    -- 'record_number' on are those of the Registro de Cadena de Custodia
    field TEXT NOT NULL CHECK (field IN ('kind', 'description', 'make', 'model', 'serial_number', 'device_clock',
        'state', 'municipality', 'return_status', 'record_number', 'institution', 'call_folio', 'intervention_place',
        'intervention_time', 'custody_start', 'identification', 'place_found', 'collection_time', 'documentation',
        'collection', 'packing')),
    value TEXT CHECK (value <> ''),                     -- in words, or a code of the field
    value_missing TEXT CHECK (value_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- why there is none
    CHECK ((value IS NULL) <> (value_missing IS NULL)),
    CHECK (field <> 'kind' OR value IN ('phone', 'tablet', 'computer', 'internal-disk', 'external-disk', 'usb-drive',
        'memory-card', 'optical-disc', 'camera', 'console', 'network-storage', 'online-account', 'other')),
    CHECK (field <> 'return_status' OR value IN ('held', 'returned', 'confiscated', 'destroyed')),
    CHECK (field <> 'custody_start' OR value IN ('located', 'discovered', 'handed-in')),
    CHECK (field <> 'collection' OR value IN ('manual', 'instrumental')),
    CHECK (field <> 'packing' OR value IN ('bag', 'box', 'container', 'other'))
) STRICT;

CREATE INDEX exhibit_statements_latest ON exhibit_statements (exhibit_id, field, id);

-- A hand-over of an exhibit.
CREATE TABLE custody_events (
    id INTEGER PRIMARY KEY,                             -- number of the row
    corrects_id INTEGER UNIQUE REFERENCES custody_events (id), -- the wrong row that this one replaces; NULL: none
    exhibit_id INTEGER NOT NULL REFERENCES exhibits (id), -- the exhibit
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who recorded it
    recorded TEXT NOT NULL,                             -- when it was recorded
    at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??*Z'), -- when it happened
    utc_offset TEXT NOT NULL CHECK (utc_offset GLOB '[-+][0-9][0-9]:[0-9][0-9]'), -- of the time as it was stated
    giver TEXT CHECK (giver <> ''),                     -- name of the person who gave it
    -- why there is none; 'not-applicable': nobody gave it, it was found
    giver_missing TEXT CHECK (giver_missing IN ('unknown', 'not-applicable', 'not-assessed')),
    giver_position TEXT CHECK (giver_position <> ''),   -- institution and position
    -- why none
    giver_position_missing TEXT CHECK (giver_position_missing IN ('unknown', 'not-applicable', 'not-assessed')),
    receiver TEXT CHECK (receiver <> ''),               -- name of the person who took it
    receiver_missing TEXT CHECK (receiver_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    receiver_position TEXT CHECK (receiver_position <> ''), -- institution and position
    receiver_position_missing TEXT -- likewise
        CHECK (receiver_position_missing IN ('unknown', 'not-applicable', 'not-assessed')),
    place TEXT CHECK (place <> ''),                     -- where
    place_missing TEXT CHECK (place_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    purpose TEXT CHECK (purpose <> ''),                 -- what for
    purpose_missing TEXT CHECK (purpose_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    -- stage of the chain: collection, transfer, storage, analysis ...
    stage TEXT CHECK (stage <> ''),
    stage_missing TEXT CHECK (stage_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    transport TEXT CHECK (transport <> ''),             -- way and special conditions of the transfer
    transport_missing TEXT CHECK (transport_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    seal_numbers TEXT CHECK (seal_numbers <> ''),       -- numbers of the seals on it, one a line
    seal_numbers_missing TEXT CHECK (seal_numbers_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    condition TEXT CHECK (condition <> ''),             -- of exhibit, packing and seals
    condition_missing TEXT CHECK (condition_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    remarks TEXT CHECK (remarks <> ''),                 -- observations
    remarks_missing TEXT CHECK (remarks_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    CHECK ((giver IS NULL) <> (giver_missing IS NULL)),
    CHECK ((receiver IS NULL) <> (receiver_missing IS NULL)),
    CHECK ((giver_position IS NULL) <> (giver_position_missing IS NULL)),
    CHECK ((receiver_position IS NULL) <> (receiver_position_missing IS NULL)),
    CHECK ((place IS NULL) <> (place_missing IS NULL)),
    CHECK ((purpose IS NULL) <> (purpose_missing IS NULL)),
    CHECK ((stage IS NULL) <> (stage_missing IS NULL)),
    CHECK ((transport IS NULL) <> (transport_missing IS NULL)),
    CHECK ((seal_numbers IS NULL) <> (seal_numbers_missing IS NULL)),
    CHECK ((condition IS NULL) <> (condition_missing IS NULL)),
    CHECK ((remarks IS NULL) <> (remarks_missing IS NULL)),
    CHECK (corrects_id < id)
) STRICT;

-- An offence of a catalogue, as it stood when it was first attached in this case.
CREATE TABLE offences (
    id INTEGER PRIMARY KEY,                             -- number of the row
    catalogue TEXT NOT NULL CHECK (catalogue <> ''),    -- name of the catalogue, such as mx-cpf
    version TEXT NOT NULL CHECK (version <> ''),        -- of the catalogue: the day of the text it follows
    code TEXT NOT NULL CHECK (code <> ''),              -- within the catalogue, such as 202-bis
    jurisdiction TEXT NOT NULL CHECK (jurisdiction <> ''), -- such as MX, MX-JAL, INT
    law TEXT NOT NULL CHECK (law <> ''),                -- name of the law or treaty
    provision TEXT NOT NULL CHECK (provision <> ''),    -- article, as it is cited
    title_es TEXT NOT NULL CHECK (title_es <> ''),      -- heading in Spanish
    title_en TEXT NOT NULL CHECK (title_en <> ''),      -- heading in English
    -- digest of the catalogue's file
    catalogue_sha256 TEXT NOT NULL CHECK (length(catalogue_sha256) = 64 AND catalogue_sha256 NOT GLOB '*[^0-9a-f]*'),
    UNIQUE (catalogue, version, code)
) STRICT;

-- An offence code that an analyst attached to the case, an exhibit or a hit, or took away again. Nothing attaches one
-- by itself.
CREATE TABLE offence_tags (
    id INTEGER PRIMARY KEY,                             -- number of the row
    -- the earlier row that this one takes away; NULL: it attaches
    removes_id INTEGER UNIQUE REFERENCES offence_tags (id),
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who
    recorded TEXT NOT NULL,                             -- when
    offence_id INTEGER NOT NULL REFERENCES offences (id), -- the offence
    subject TEXT NOT NULL CHECK (subject IN ('case', 'exhibit', 'hit')), -- what it is attached to
    exhibit_id INTEGER REFERENCES exhibits (id),        -- the exhibit; NULL: another subject
    locator TEXT CHECK (locator <> ''),                 -- of a hit: of its stream
    set_uuid TEXT REFERENCES sets_used (uuid),          -- of a hit: the list
    note TEXT CHECK (note <> ''),                       -- why
    note_missing TEXT CHECK (note_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- why there is none
    CHECK ((subject = 'exhibit') = (exhibit_id IS NOT NULL)),
    CHECK ((subject = 'hit') = (locator IS NOT NULL) AND (subject = 'hit') = (set_uuid IS NOT NULL)),
    CHECK ((note IS NULL) <> (note_missing IS NULL)),
    CHECK (removes_id < id)
) STRICT;

-- A second person's signed approval to give out a report or export. See "Approvals" for what is signed.
CREATE TABLE approvals (
    id INTEGER PRIMARY KEY,                             -- number of the row
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who approved
    at TEXT NOT NULL,                                   -- when
    action TEXT NOT NULL CHECK (action IN ('report', 'export')), -- what may be given out
    recipient TEXT NOT NULL CHECK (recipient <> ''),    -- for whom, as in --recipient
    variant TEXT NOT NULL CHECK (variant <> ''),        -- language of the report, or format of the export
    document_name TEXT NOT NULL,                        -- name of the file that was read before approving
    -- its digest
    document_sha256 TEXT NOT NULL CHECK (length(document_sha256) = 64 AND document_sha256 NOT GLOB '*[^0-9a-f]*'),
    -- digest of what the case said then, findings and statements
    state_digest TEXT NOT NULL CHECK (length(state_digest) = 64 AND state_digest NOT GLOB '*[^0-9a-f]*'),
    ledger_sequence INTEGER NOT NULL REFERENCES ledger (sequence), -- last row of the ledger then
    ledger_hash TEXT NOT NULL CHECK (length(ledger_hash) = 64), -- its hash
    public_key TEXT NOT NULL CHECK (length(public_key) = 64 AND public_key NOT GLOB '*[^0-9a-f]*'), -- Ed25519, 32 bytes
    signature TEXT NOT NULL CHECK (length(signature) = 128 AND signature NOT GLOB '*[^0-9a-f]*') -- Ed25519, 64 bytes
) STRICT;

-- A case, or a part of it, referred to another authority.
CREATE TABLE referrals (
    id INTEGER PRIMARY KEY,                             -- number of the row
    corrects_id INTEGER UNIQUE REFERENCES referrals (id), -- the wrong row that this one replaces; NULL: none
    uuid TEXT NOT NULL UNIQUE,                          -- identifies the referral at both ends
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who recorded it
    recorded TEXT NOT NULL,                             -- when it was recorded
    at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??*Z'), -- when it was sent
    utc_offset TEXT NOT NULL CHECK (utc_offset GLOB '[-+][0-9][0-9]:[0-9][0-9]'), -- of the time as it was stated
    authority TEXT NOT NULL CHECK (authority <> ''),    -- to whom
    subject TEXT NOT NULL CHECK (subject IN ('case', 'exhibit', 'hit')), -- what was referred
    exhibit_id INTEGER REFERENCES exhibits (id),        -- the exhibit; NULL: another subject
    locator TEXT CHECK (locator <> ''),                 -- of a hit: of its stream
    set_uuid TEXT REFERENCES sets_used (uuid),          -- of a hit: the list
    reference TEXT CHECK (reference <> ''),             -- number of the letter
    -- why there is none
    reference_missing TEXT CHECK (reference_missing IN ('unknown', 'not-applicable', 'not-assessed')),
    reason TEXT CHECK (reason <> ''),                   -- why
    reason_missing TEXT CHECK (reason_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    CHECK ((subject = 'exhibit') = (exhibit_id IS NOT NULL)),
    CHECK ((subject = 'hit') = (locator IS NOT NULL) AND (subject = 'hit') = (set_uuid IS NOT NULL)),
    CHECK ((reference IS NULL) <> (reference_missing IS NULL)),
    CHECK ((reason IS NULL) <> (reason_missing IS NULL)),
    CHECK (corrects_id < id)
) STRICT;

-- The other authority's receipt for a referral.
CREATE TABLE referral_receipts (
    id INTEGER PRIMARY KEY,                             -- number of the row
    corrects_id INTEGER UNIQUE REFERENCES referral_receipts (id), -- the wrong row that this one replaces; NULL: none
    referral_id INTEGER NOT NULL REFERENCES referrals (id), -- the referral
    actor_id INTEGER NOT NULL REFERENCES actors (id),   -- who recorded it
    recorded TEXT NOT NULL,                             -- when it was recorded
    at TEXT NOT NULL CHECK (at GLOB '????-??-??T??:??:??*Z'), -- when it was received
    utc_offset TEXT NOT NULL CHECK (utc_offset GLOB '[-+][0-9][0-9]:[0-9][0-9]'), -- of the time as it was stated
    received_by TEXT CHECK (received_by <> ''),         -- name of the person
    -- why there is none
    received_by_missing TEXT CHECK (received_by_missing IN ('unknown', 'not-applicable', 'not-assessed')),
    reference TEXT CHECK (reference <> ''),             -- number of the receipt, or of the case there
    reference_missing TEXT CHECK (reference_missing IN ('unknown', 'not-applicable', 'not-assessed')), -- likewise
    CHECK ((received_by IS NULL) <> (received_by_missing IS NULL)),
    CHECK ((reference IS NULL) <> (reference_missing IS NULL)),
    CHECK (corrects_id < id)
) STRICT;

CREATE TRIGGER authorities_no_update BEFORE UPDATE ON authorities
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER authorities_no_delete BEFORE DELETE ON authorities
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER exhibit_statements_no_update BEFORE UPDATE ON exhibit_statements
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER exhibit_statements_no_delete BEFORE DELETE ON exhibit_statements
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER custody_events_no_update BEFORE UPDATE ON custody_events
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER custody_events_no_delete BEFORE DELETE ON custody_events
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER offences_no_update BEFORE UPDATE ON offences
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER offences_no_delete BEFORE DELETE ON offences
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER offence_tags_no_update BEFORE UPDATE ON offence_tags
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER offence_tags_no_delete BEFORE DELETE ON offence_tags
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER approvals_no_update BEFORE UPDATE ON approvals
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER approvals_no_delete BEFORE DELETE ON approvals
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER referrals_no_update BEFORE UPDATE ON referrals
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER referrals_no_delete BEFORE DELETE ON referrals
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER referral_receipts_no_update BEFORE UPDATE ON referral_receipts
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;

CREATE TRIGGER referral_receipts_no_delete BEFORE DELETE ON referral_receipts
BEGIN SELECT RAISE (ABORT, 'rows are never changed or removed: correct them by a further one'); END;
