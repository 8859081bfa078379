-- How a CSV is read: versioned data, never changed after it is written.
CREATE TABLE import_profiles (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT import_profiles_code_key UNIQUE,
    name text NOT NULL,
    resource text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX import_profiles_created_idx ON import_profiles (created_at, id);

CREATE TABLE import_profile_versions (
    profile_id uuid NOT NULL REFERENCES import_profiles (id),
    number bigint NOT NULL,
    mapping jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (profile_id, number)
);

CREATE TABLE imports (
    id uuid PRIMARY KEY,
    profile_id uuid NOT NULL REFERENCES import_profiles (id),
    profile_version bigint NOT NULL,
    resource text NOT NULL,
    file_name text,
    status text NOT NULL CHECK (status IN ('planning', 'planned', 'applying', 'applied', 'failed', 'cancelled')),
    -- How many rows the plan creates, updates, leaves as they are, ends, or refuses.
    counts jsonb,
    plan_hash text,
    -- Why it failed or was cancelled.
    problem jsonb,
    -- The turn up to which the plan's rows are written; NULL before the first.
    applied_turn bigint,
    operation_id uuid NOT NULL REFERENCES operations (id),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX imports_created_idx ON imports (created_at, id);

-- A file in parts, the first being 1, so that nobody ever holds the whole of it.
CREATE TABLE import_files (
    import_id uuid NOT NULL REFERENCES imports (id),
    part integer NOT NULL,
    content bytea NOT NULL,
    PRIMARY KEY (import_id, part)
);

CREATE TABLE import_rows (
    import_id uuid NOT NULL REFERENCES imports (id),
    -- The line of the file, the header being 1; people who are missing from a full file come after the last.
    line bigint NOT NULL,
    -- The id that a row's object gets if it is a new one; NULL for those that are missing from the file.
    new_id uuid,
    key text,
    -- What the mapping made of the row.
    fields jsonb NOT NULL,
    -- The key forms of those by which things are found, under their names and `_folded`.
    folded jsonb NOT NULL DEFAULT '{}',
    -- What its references stand for.
    refs jsonb NOT NULL DEFAULT '{}',
    action text CHECK (action IN ('create', 'update', 'restore', 'unchanged', 'end', 'refuse', 'skip')),
    object_id uuid,
    object_version bigint,
    -- {"field": {"from": …, "to": …}}
    changes jsonb NOT NULL DEFAULT '{}',
    -- [{"column": …, "code": …, "detail": …, "severity": "error" | "warning"}]
    issues jsonb NOT NULL DEFAULT '[]',
    -- When it is written: rows are in batches of neighbours, and managers before those who report to them.
    turn bigint,
    PRIMARY KEY (import_id, line)
);
-- No plan hangs on these, and they are most of what is stored: ANALYZE need not read them.
ALTER TABLE import_rows ALTER fields SET STATISTICS 0, ALTER folded SET STATISTICS 0, ALTER refs SET STATISTICS 0,
    ALTER changes SET STATISTICS 0, ALTER issues SET STATISTICS 0;
CREATE INDEX import_rows_action_idx ON import_rows (import_id, action, line);
CREATE INDEX import_rows_turn_idx ON import_rows (import_id, turn) WHERE turn IS NOT NULL;
CREATE INDEX import_rows_key_idx ON import_rows (import_id, key);
