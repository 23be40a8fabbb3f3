-- Times are Unix milliseconds, hours and days are counted since the epoch.
CREATE TABLE settings (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE projects (
    id             INTEGER PRIMARY KEY,
    name           TEXT NOT NULL,
    slug           TEXT NOT NULL UNIQUE,
    platform       TEXT,
    created_ms     INTEGER NOT NULL,
    first_event_ms INTEGER,
    -- Running number of the newest issue, for short ids.
    last_number    INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE project_keys (
    public_key TEXT PRIMARY KEY,
    project_id INTEGER NOT NULL REFERENCES projects (id),
    active     INTEGER NOT NULL DEFAULT 1,
    created_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX project_keys_by_project ON project_keys (project_id);

CREATE TABLE project_hours (
    project_id INTEGER NOT NULL,
    hour       INTEGER NOT NULL,
    events     INTEGER NOT NULL,
    PRIMARY KEY (project_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE issues (
    id               INTEGER PRIMARY KEY,
    project_id       INTEGER NOT NULL REFERENCES projects (id),
    number           INTEGER NOT NULL,
    fingerprint      TEXT NOT NULL,
    grouping_version TEXT NOT NULL,
    grouping_parts   TEXT NOT NULL,
    kind             TEXT NOT NULL,
    value            TEXT NOT NULL,
    title            TEXT NOT NULL,
    culprit          TEXT NOT NULL,
    -- Title and culprit in lower case, for text search.
    haystack         TEXT NOT NULL,
    level            INTEGER NOT NULL,
    platform         TEXT NOT NULL,
    handled          INTEGER,
    status           INTEGER NOT NULL,
    status_ms        INTEGER NOT NULL,
    regressed_ms     INTEGER,
    events           INTEGER NOT NULL,
    users            INTEGER NOT NULL,
    first_seen_ms    INTEGER NOT NULL,
    last_seen_ms     INTEGER NOT NULL,
    created_ms       INTEGER NOT NULL,
    first_release    TEXT,
    first_release_ms INTEGER,
    last_release     TEXT,
    last_release_ms  INTEGER,
    UNIQUE (project_id, fingerprint)
) STRICT;
-- One index per order of the list; the id makes every order total, which keyset paging needs.
CREATE INDEX issues_by_last_seen  ON issues (project_id, status, last_seen_ms, id);
CREATE INDEX issues_by_first_seen ON issues (project_id, status, first_seen_ms, id);
CREATE INDEX issues_by_events     ON issues (project_id, status, events, id);
CREATE INDEX issues_by_users      ON issues (project_id, status, users, id);

CREATE TABLE issue_hours (
    issue_id INTEGER NOT NULL,
    hour     INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    PRIMARY KEY (issue_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE issue_days (
    issue_id INTEGER NOT NULL,
    day      INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    PRIMARY KEY (issue_id, day)
) STRICT, WITHOUT ROWID;

-- Exact distinct users: a hash of each identity.
CREATE TABLE issue_users (
    issue_id INTEGER NOT NULL,
    identity BLOB NOT NULL,
    PRIMARY KEY (issue_id, identity)
) STRICT, WITHOUT ROWID;

-- Events that carry a tag, and how many of its values issue_tags holds (which is bounded).
CREATE TABLE issue_tag_keys (
    issue_id INTEGER NOT NULL,
    key      TEXT NOT NULL,
    events   INTEGER NOT NULL,
    distinct_values INTEGER NOT NULL,
    PRIMARY KEY (issue_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE issue_tags (
    issue_id INTEGER NOT NULL,
    key      TEXT NOT NULL,
    value    TEXT NOT NULL,
    events   INTEGER NOT NULL,
    PRIMARY KEY (issue_id, key, value)
) STRICT, WITHOUT ROWID;

-- Payloads stand apart, so that a page of a list reads small rows only.
CREATE TABLE events (
    key          INTEGER PRIMARY KEY,
    project_id   INTEGER NOT NULL,
    event_id     BLOB NOT NULL,
    issue_id     INTEGER NOT NULL,
    timestamp_ms INTEGER NOT NULL,
    received_ms  INTEGER NOT NULL,
    level        INTEGER NOT NULL,
    title        TEXT NOT NULL,
    culprit      TEXT NOT NULL,
    platform     TEXT NOT NULL,
    release      TEXT,
    environment  TEXT,
    user         TEXT
) STRICT;
-- The id stands first: it finds an event whose project is not given, and still makes the pair unique.
CREATE UNIQUE INDEX events_by_id ON events (event_id, project_id);
CREATE INDEX events_by_issue   ON events (issue_id, timestamp_ms, key);
CREATE INDEX events_by_project ON events (project_id, timestamp_ms, key);

CREATE TABLE event_payloads (
    key     INTEGER PRIMARY KEY,
    payload BLOB NOT NULL
) STRICT;

CREATE TABLE attachments (
    id           INTEGER PRIMARY KEY,
    event_key    INTEGER NOT NULL,
    filename     TEXT NOT NULL,
    content_type TEXT NOT NULL,
    size         INTEGER NOT NULL,
    body         BLOB NOT NULL
) STRICT;
CREATE INDEX attachments_by_event ON attachments (event_key);

CREATE TABLE poison_events (
    project_id  INTEGER NOT NULL,
    event_id    BLOB NOT NULL,
    received_ms INTEGER NOT NULL,
    reason      TEXT NOT NULL,
    payload     BLOB NOT NULL,
    PRIMARY KEY (project_id, event_id)
) STRICT;

CREATE TABLE outcomes (
    hour       INTEGER NOT NULL,
    project_id INTEGER NOT NULL,
    category   TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    reason     TEXT NOT NULL,
    quantity   INTEGER NOT NULL,
    PRIMARY KEY (hour, project_id, category, outcome, reason)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    secret_hash BLOB PRIMARY KEY,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

CREATE TABLE tokens (
    secret_hash BLOB PRIMARY KEY,
    name        TEXT NOT NULL,
    created_ms  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
