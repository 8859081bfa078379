-- What every domain stands on: the ledger, the job queue, operations, stored answers.

-- The order of texts in lists: ICU's root collation compares letters first, then accents, then case, and is the same
-- on every server. It is deterministic, so that it suits keyset pages; `provost doctor` checks its version.
CREATE COLLATION provost_order (provider = icu, locale = 'und');

CREATE TABLE events (
    id uuid PRIMARY KEY,
    -- Given by the sealer, gap-free; NULL until then.
    position bigint CONSTRAINT events_position_key UNIQUE,
    hash bytea,
    recorded_at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'service_account', 'system')),
    actor_id uuid,
    on_behalf_of uuid,
    request_id text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id uuid NOT NULL,
    -- The person whom the change is about, if it is about one.
    user_id uuid,
    before jsonb,
    after jsonb,
    reason text,
    CHECK ((position IS NULL) = (hash IS NULL))
);
-- Nothing is ever looked for by these, and they are most of what is stored: ANALYZE need not read them.
ALTER TABLE events ALTER before SET STATISTICS 0, ALTER after SET STATISTICS 0, ALTER hash SET STATISTICS 0;
CREATE INDEX events_unsealed_idx ON events (id) WHERE position IS NULL;
CREATE INDEX events_object_idx ON events (object_id, position);
CREATE INDEX events_user_idx ON events (user_id, position) WHERE user_id IS NOT NULL;

-- The end of the chain: one row, locked by the sealer.
CREATE TABLE ledger_head (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO ledger_head (position, hash) VALUES (0, '\x0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'running', 'succeeded', 'dead')),
    -- A ready job with the same kind and key stands for both; taken away when a worker claims the job.
    unique_key text,
    priority smallint NOT NULL DEFAULT 0,
    run_at timestamptz NOT NULL,
    attempts integer NOT NULL DEFAULT 0,
    max_attempts integer NOT NULL,
    attempt_token uuid,
    lease_until timestamptz,
    worker text,
    -- The advisory lock that its worker's session holds; where nobody holds it, the worker is gone. NULL where it holds none.
    worker_number bigint,
    last_error text,
    -- Who caused it, and the request in which they did: the events of the job say so.
    on_behalf_of uuid,
    request_id text NOT NULL,
    created_at timestamptz NOT NULL,
    finished_at timestamptz,
    CHECK ((state = 'running') = (attempt_token IS NOT NULL)),
    CHECK ((state = 'running') = (lease_until IS NOT NULL))
);
CREATE INDEX jobs_ready_idx ON jobs (priority DESC, run_at, id) WHERE state = 'ready';
CREATE INDEX jobs_running_idx ON jobs (lease_until) WHERE state = 'running';
CREATE INDEX jobs_finished_idx ON jobs (finished_at) WHERE state IN ('succeeded', 'dead');
CREATE INDEX jobs_created_idx ON jobs (created_at, id);
CREATE UNIQUE INDEX jobs_unique_key_key ON jobs (kind, unique_key) WHERE state = 'ready' AND unique_key IS NOT NULL;

CREATE TABLE job_schedules (
    name text PRIMARY KEY,
    next_run_at timestamptz NOT NULL
);

CREATE TABLE operations (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
    -- Rows or steps done, and how many there are if that is known.
    progress bigint NOT NULL DEFAULT 0,
    total bigint,
    -- What the attempts until now have counted of the result.
    counted jsonb,
    result jsonb,
    problem jsonb,
    cancel_requested boolean NOT NULL DEFAULT false,
    created_by_kind text NOT NULL,
    created_by uuid,
    created_at timestamptz NOT NULL,
    started_at timestamptz,
    finished_at timestamptz,
    version bigint NOT NULL DEFAULT 1
);
CREATE INDEX operations_created_idx ON operations (created_at DESC, id DESC);

CREATE TABLE idempotency_keys (
    principal_id uuid NOT NULL,
    key text NOT NULL,
    fingerprint bytea NOT NULL,
    status smallint,
    headers jsonb,
    body bytea,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (principal_id, key)
);
CREATE INDEX idempotency_keys_created_idx ON idempotency_keys (created_at);

-- Names that other systems use for our objects.
CREATE TABLE external_keys (
    kind text NOT NULL CHECK (kind IN ('user', 'org_unit', 'group', 'course')),
    source text NOT NULL,
    key text NOT NULL,
    object_id uuid NOT NULL,
    -- Whether the thing was made because another one named it by this key, and nothing else is known of it yet.
    is_placeholder boolean NOT NULL DEFAULT false,
    -- What an import did because the key was missing from its file, to be taken back once the key is there again:
    -- {"at": instant, "was": {"status": …}, "is": {"status": …}}.
    missing jsonb,
    created_at timestamptz NOT NULL,
    CONSTRAINT external_keys_key_key PRIMARY KEY (kind, source, key)
);
CREATE INDEX external_keys_object_idx ON external_keys (object_id);
-- A SCIM client has one key for a thing, which it calls its externalId.
CREATE UNIQUE INDEX external_keys_source_key ON external_keys (kind, object_id, source) WHERE source LIKE 'scim:%';

-- Text as filters compare it: without case and without accents, by the same rules on every server. `text::comparable`
-- does the same in Rust.
CREATE FUNCTION comparable(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN octet_length(text) = length(text) THEN upper(text COLLATE "C") COLLATE "C"
        ELSE upper(lower(normalize(regexp_replace(normalize(text, NFD), '[\u0300-\u036f]', '', 'g'), NFC)
            COLLATE "und-x-icu")) COLLATE "C" END;
