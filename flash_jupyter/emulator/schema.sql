-- What must survive `kill -9` of the server. Bodies over 64 KiB are files in bodies/, named by job.
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS endpoints (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,     -- JSON: the endpoint as REST v2 shows it, without requestUrls
    releases TEXT NOT NULL      -- JSON: newest first
) WITHOUT ROWID;

-- flash apps: columns are the fields of the classes in tables.py, in any order; volumes and manifest are JSON
CREATE TABLE IF NOT EXISTS flash_apps (id TEXT PRIMARY KEY, created_at REAL NOT NULL, name TEXT NOT NULL UNIQUE);

CREATE TABLE IF NOT EXISTS flash_environments (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    app_id TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT,
    build_id TEXT,
    volumes TEXT NOT NULL,
    UNIQUE (app_id, name)
);

CREATE TABLE IF NOT EXISTS flash_builds (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    app_id TEXT NOT NULL,
    object_key TEXT NOT NULL,
    manifest TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS flash_uploads (
    id TEXT PRIMARY KEY,        -- the name of its file in artifacts/
    created_at REAL NOT NULL,
    app_id TEXT NOT NULL,
    object_key TEXT NOT NULL UNIQUE,
    size INTEGER NOT NULL,      -- bytes, as announced
    expires_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS flash_logins (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    status TEXT NOT NULL,
    expires_at REAL NOT NULL
);

CREATE TABLE IF NOT EXISTS jobs (
    number INTEGER PRIMARY KEY, -- order of submission
    id TEXT NOT NULL UNIQUE,
    endpoint_id TEXT NOT NULL,
    state TEXT NOT NULL,
    sync INTEGER NOT NULL,
    low_priority INTEGER NOT NULL,
    execution_timeout_s REAL,
    submitted_at REAL NOT NULL,
    expires_at REAL NOT NULL,
    taken_at REAL,
    finished_at REAL,
    worker_id TEXT NOT NULL DEFAULT '',
    retries INTEGER NOT NULL DEFAULT 0,
    request BLOB,               -- the body of /run as it came; NULL: in a file
    result BLOB,                -- the body of job-done as it came; NULL: none yet, or in a file
    error TEXT                  -- the server's own words for a job that has no result
);

CREATE TABLE IF NOT EXISTS chunks (job_id TEXT NOT NULL, number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_of_job ON chunks (job_id);

CREATE TABLE IF NOT EXISTS workers (
    id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    pid INTEGER NOT NULL,
    created REAL NOT NULL,      -- the process's create time: a pid alone may belong to another process by now
    started_at REAL NOT NULL,
    version INTEGER NOT NULL,
    ready INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS templates (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    document TEXT NOT NULL      -- JSON: the template as REST v2 shows it, without its id
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS volumes (
    id TEXT PRIMARY KEY,
    created_at REAL NOT NULL,
    document TEXT NOT NULL      -- JSON: the network volume as REST v2 shows it, without its id; its files: volumes/ID
) WITHOUT ROWID;

-- endpoints that follow their template; one made by REST v2 from a templateId does not, it took a copy
CREATE TABLE IF NOT EXISTS bindings (endpoint_id TEXT PRIMARY KEY, template_id TEXT NOT NULL) WITHOUT ROWID;

-- what workers used, the basis of bills: a row outlives its worker and its endpoint
CREATE TABLE IF NOT EXISTS usage (
    worker_id TEXT PRIMARY KEY,
    endpoint_id TEXT NOT NULL,
    started_at REAL NOT NULL,
    until REAL NOT NULL,        -- when it ended; while it lives: when it was last seen
    is_open INTEGER NOT NULL,
    hardware TEXT NOT NULL,     -- gpu, cpu
    usd_per_s REAL NOT NULL     -- the price when it started
) WITHOUT ROWID;

-- of the workers of load balancing endpoints: where they listen, and where they answer health checks
CREATE TABLE IF NOT EXISTS ports (worker_id TEXT PRIMARY KEY, serve INTEGER NOT NULL, health INTEGER NOT NULL) WITHOUT ROWID;

-- what a template's env may refer to; the values are shown by no route (this file is readable by its owner only)
CREATE TABLE IF NOT EXISTS secrets (id TEXT PRIMARY KEY, created_at REAL NOT NULL, value TEXT NOT NULL);

-- API keys that may do less than the user's; of the key itself only its SHA-256, for it is shown once
CREATE TABLE IF NOT EXISTS restricted_keys (
    id TEXT PRIMARY KEY,        -- its name
    created_at REAL NOT NULL,
    digest TEXT NOT NULL,
    endpoints TEXT NOT NULL,    -- JSON: ids of endpoints that it may call
    environments TEXT NOT NULL, -- JSON: ids of flash environments whose endpoints it may call
    account TEXT NOT NULL       -- none, read, write: what it may do beyond calls (GraphQL, REST v2)
);
