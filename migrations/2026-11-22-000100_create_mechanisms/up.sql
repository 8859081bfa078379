-- What every domain stands on: the ledger, the job queue, operations, stored answers.

-- The order of texts in lists: ICU's root collation compares letters first, then accents, then case, and is the same
-- on every server. It is deterministic, so that it suits keyset pages; `provost doctor` checks its version.
CREATE COLLATION provost_order (provider = icu, locale = 'und');

-- Indexes of groups of three letters: text that contains, begins words with or resembles what is searched for.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- One row for each thing changed, written by the transaction that changed it and never again, except to erase its payload.
-- Stored by user, so that events can be distributed with the facts that they tell of.
CREATE TABLE events (
    -- The nil id where the change is about no user.
    user_id uuid NOT NULL,
    id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('user', 'service_account', 'system')),
    actor_id uuid,
    on_behalf_of uuid,
    request_id text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    -- The version of the payloads' form.
    version smallint NOT NULL,
    object_id uuid NOT NULL,
    before jsonb,
    after jsonb,
    reason text,
    -- NULL once the payload (before, after and reason) is erased.
    salt bytea,
    -- SHA-256 of the salt and the payload, which the chain covers in place of them.
    digest bytea NOT NULL,
    CHECK (salt IS NOT NULL OR (before IS NULL AND after IS NULL AND reason IS NULL)),
    PRIMARY KEY (user_id, id)
);
-- Nothing is ever looked for by these, and they are most of what is stored: ANALYZE need not read them.
ALTER TABLE events ALTER before SET STATISTICS 0, ALTER after SET STATISTICS 0, ALTER salt SET STATISTICS 0,
    ALTER digest SET STATISTICS 0;

-- Which events wait for the sealer: a row for up to 1,000 events of one statement, deleted when they are sealed.
CREATE TABLE unsealed_events (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_ids uuid[] NOT NULL,
    event_ids uuid[] NOT NULL
);

-- The ledger: the sealed events in their order, with what the feed filters by. Append-only.
CREATE TABLE ledger_entries (
    -- 1, 2, 3 … without gaps.
    position bigint PRIMARY KEY,
    hash bytea NOT NULL,
    event_id uuid NOT NULL,
    user_id uuid,
    recorded_at timestamptz NOT NULL,
    actor_kind text NOT NULL,
    actor_id uuid,
    on_behalf_of uuid,
    request_id text NOT NULL,
    action text NOT NULL,
    object_kind text NOT NULL,
    object_id uuid NOT NULL
);
ALTER TABLE ledger_entries ALTER hash SET STATISTICS 0;
CREATE INDEX ledger_entries_action_idx ON ledger_entries (action, position);
CREATE INDEX ledger_entries_object_idx ON ledger_entries (object_id, position);
CREATE INDEX ledger_entries_user_idx ON ledger_entries (user_id, position) WHERE user_id IS NOT NULL;
CREATE INDEX ledger_entries_actor_idx ON ledger_entries (actor_id, position) WHERE actor_id IS NOT NULL;
CREATE INDEX ledger_entries_behalf_idx ON ledger_entries (on_behalf_of, position) WHERE on_behalf_of IS NOT NULL;
CREATE INDEX ledger_entries_request_idx ON ledger_entries (request_id, position);
-- It grows with the position, so that a few bytes for many rows are enough.
CREATE INDEX ledger_entries_event_idx ON ledger_entries USING brin (event_id) WITH (pages_per_range = 32, autosummarize = on);

-- When the events of each thousand positions were recorded: leads from an instant to positions. Instants grow with the positions,
-- but for those of long transactions.
CREATE TABLE ledger_spans (
    -- The position, divided by 1,000.
    span bigint PRIMARY KEY,
    earliest timestamptz NOT NULL,
    latest timestamptz NOT NULL
);

-- The feed: what was sealed, in full.
CREATE VIEW sealed_events AS
    SELECT l.event_id AS id, l.position, l.hash, l.recorded_at, l.actor_kind, l.actor_id, l.on_behalf_of, l.request_id,
        l.action, l.object_kind, e.version, l.object_id, l.user_id, e.before, e.after, e.reason, e.salt, e.digest
    FROM ledger_entries l
    JOIN events e ON e.user_id = coalesce(l.user_id, '00000000-0000-0000-0000-000000000000') AND e.id = l.event_id;

-- The end of the chain: one row, locked by the sealer.
CREATE TABLE ledger_head (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    position bigint NOT NULL,
    hash bytea NOT NULL
);
INSERT INTO ledger_head (position, hash) VALUES (0, '\x0000000000000000000000000000000000000000000000000000000000000000');

-- The keys that sign heads of the ledger, Ed25519; the private half goes when another takes its place.
CREATE TABLE ledger_keys (
    id uuid PRIMARY KEY,
    private_key bytea NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz,
    CHECK (retired_at IS NULL OR private_key = '')
);

CREATE TABLE ledger_heads (
    id uuid PRIMARY KEY,
    position bigint NOT NULL UNIQUE,
    hash bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    key_id uuid NOT NULL REFERENCES ledger_keys,
    signature bytea NOT NULL
);

-- Up to which position the payloads of an action are erased, of those that are erased when they are old.
CREATE TABLE ledger_erasures (
    action text PRIMARY KEY,
    position bigint NOT NULL
);

-- Where each consumer of events is.
CREATE TABLE event_consumers (
    name text PRIMARY KEY,
    -- It has had the events that it wants up to here.
    position bigint NOT NULL,
    -- Failures at the event that comes next.
    attempts integer NOT NULL DEFAULT 0,
    retry_at timestamptz,
    last_error text,
    updated_at timestamptz NOT NULL
);

-- Events whose reaction failed too often.
CREATE TABLE set_aside_events (
    id uuid PRIMARY KEY,
    consumer text NOT NULL,
    position bigint NOT NULL,
    attempts integer NOT NULL,
    last_error text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (consumer, position)
);
CREATE INDEX set_aside_events_created_idx ON set_aside_events (created_at, id);

CREATE TABLE jobs (
    id uuid PRIMARY KEY,
    kind text NOT NULL,
    payload jsonb NOT NULL,
    state text NOT NULL CHECK (state IN ('ready', 'running', 'succeeded', 'dead')),
    -- A ready job with the same kind and key stands for both; taken away when a worker claims the job.
    unique_key text,
    -- Whether it may take seconds: a worker runs few of these at once.
    is_long boolean NOT NULL,
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
CREATE INDEX jobs_ready_idx ON jobs (is_long, priority DESC, run_at, id) WHERE state = 'ready';
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
    kind text NOT NULL CHECK (kind IN ('user', 'org_unit', 'group', 'course', 'absence', 'rule_override', 'extension', 'waiver',
        'course_equivalence', 'rule_issue')),
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
-- Search looks for a key in any case.
CREATE INDEX external_keys_search_idx ON external_keys (kind, comparable(key));

-- An instant as Rust writes it in JSON, with no digits, three or six behind the second: events tell of a thing in one form,
-- whether a statement or Rust writes them. STABLE, as `to_char` is, so that PostgreSQL inlines it: a call takes twice as long.
CREATE FUNCTION json_instant(instant timestamptz) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN regexp_replace(to_char(instant AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US'), '([.]000000|000)$', '') || 'Z';

-- Letters as people type them who leave out accents: lower case, without marks, and with the letters that decompose to
-- nothing as PostgreSQL's `unaccent` has them.
CREATE FUNCTION search_folded(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN normalize(translate(replace(replace(replace(replace(
            lower(regexp_replace(normalize(text, NFKD), '[\u0300-\u036f\u0483-\u0487\u0591-\u05c7\u064b-\u065f\u0670]', '', 'g')),
            'ß', 'ss'), 'æ', 'ae'), 'œ', 'oe'), 'þ', 'th'),
        'ðøđħıłŋŧƀƃƈƌƒƙƚƞƥƭƴƶǥȡȥȴȵȶȼȿɀɇɉɍɏɓɖɗɛɠɨɲʉʋς', 'dodhilntbbccfklnptyzgdzlntcszejrybddegiluvσ'), NFC);

-- The letters of scripts that write no word breaks (Chinese, Japanese, Korean, Thai, Lao, Burmese and Khmer), as they
-- stand in a regular expression's brackets.
CREATE FUNCTION unbroken_letters() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff';

-- A run of such letters as its overlapping pairs; a single letter as it stands.
CREATE FUNCTION letter_pairs(run text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT string_agg(substr(run, n, 2), ' ' ORDER BY n)
        FROM generate_series(1, greatest(length(run) - 1, 1)) AS n);

-- A text without the characters that show nothing and only say where a line may break: soft hyphens, spaces of no width.
CREATE FUNCTION without_break_marks(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN translate(text, U&'\00ad\200b\200d\2060\feff', '');

-- The words of a text, with spaces between. Punctuation inside a word splits it, so that the parser takes nothing for a
-- file, an address or a negative number.
CREATE FUNCTION search_words(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN btrim(regexp_replace(normalize(without_break_marks(text), NFKC), '[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u2000-\u206f' || unbroken_letters() || ']+', ' ', 'g'));

-- What search finds a text by: its words without accents, and the pairs of letters of its runs without word breaks, each
-- letter with the next one or the end, so that every part of a run begins one. Takes the key form of a text, as do the next.
CREATE FUNCTION search_parts(text text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    pairs text;
BEGIN
    IF octet_length(text) = length(text) THEN
        RETURN btrim(regexp_replace(text, '[^a-z0-9]+', ' ', 'g'));
    END IF;
    SELECT string_agg(letter_pairs(run[1] || ' '), ' ') INTO pairs
        FROM regexp_matches(normalize(without_break_marks(text), NFKC), '[' || unbroken_letters() || ']+', 'g') AS run;
    RETURN btrim(regexp_replace(concat_ws(' ', search_folded(search_words(text)), pairs), ' +', ' ', 'g'));
END $$;

-- The column `search` of a table, which one trigram index makes fast: the parts of a text where they differ from it, the text
-- as it is, for filters with `co`, and the words of domains of e-mail addresses, between spaces. So `LIKE '% sil%'` finds the
-- beginning of a word. What everybody has, such as a domain, must be found by its beginning: the index does not tell it from
-- what nobody has.
CREATE FUNCTION search_text(text text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT AS $$
DECLARE
    plain text := regexp_replace(text, '[^ ]+@[^ ]+', '', 'g');
    domains text := coalesce(regexp_replace(substring(text FROM '@.*'), '[!-/:-@[-`{-~]+', ' ', 'g') || ' ', '');
BEGIN
    IF plain ~ '[^a-z0-9 ]' THEN
        RETURN ' ' || search_parts(plain) || ' ' || text || ' ' || domains;
    END IF;
    RETURN ' ' || text || ' ' || domains;
END $$;

-- The place of a text among those like what was typed: the best first. It goes by how the text begins, where names are. Its
-- cost has PostgreSQL work it out once a row.
CREATE FUNCTION search_relevance(typed text, searched text) RETURNS bigint
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT COST 1000 AS $$
BEGIN
    RETURN -1000000 * word_similarity(typed, left(searched, 48));
END $$;

-- Always true. Beside a condition that takes long, it tells PostgreSQL so: fewer rows are then read by an index before they
-- are put in order, rather than more in that order.
CREATE FUNCTION is_costly(text text) RETURNS boolean
    LANGUAGE plpgsql IMMUTABLE COST 200 AS $$
BEGIN
    RETURN true;
END $$;
