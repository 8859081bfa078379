CREATE TABLE passwords (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    hash text NOT NULL,
    must_change boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL
);

CREATE TABLE service_accounts (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    name_folded text NOT NULL CONSTRAINT service_accounts_name_key UNIQUE,
    status text NOT NULL CHECK (status IN ('active', 'suspended')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX service_accounts_name_idx ON service_accounts (name COLLATE provost_order, id);
CREATE INDEX service_accounts_created_idx ON service_accounts (created_at, id);

CREATE TABLE service_account_secrets (
    id uuid PRIMARY KEY,
    service_account_id uuid NOT NULL REFERENCES service_accounts (id),
    -- SHA-256 of a secret of 256 random bits.
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz,
    -- What it is good for: to get access tokens with, or to be sent to /scim/v2 as it is.
    kind text NOT NULL DEFAULT 'client' CHECK (kind IN ('client', 'scim')),
    -- Whether what is written with it is tried and recorded only.
    dry_run boolean NOT NULL DEFAULT false,
    -- What its tokens are confined to; NULL for all that the account may do.
    permissions text[],
    CHECK (kind = 'scim' OR NOT dry_run)
);
CREATE INDEX service_account_secrets_account_idx ON service_account_secrets (service_account_id);
CREATE UNIQUE INDEX service_account_secrets_one_scim ON service_account_secrets (secret_hash) WHERE kind = 'scim';

CREATE TABLE signing_keys (
    id text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm = 'EdDSA'),
    private_key bytea NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- A key is published before it signs.
    signs_from timestamptz NOT NULL,
    retired_at timestamptz
);

CREATE TABLE roles (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT roles_code_key UNIQUE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    search text NOT NULL GENERATED ALWAYS AS (search_text(lower(name || ' ' || code))) STORED,
    permissions text[] NOT NULL,
    built_in boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX roles_code_idx ON roles (code COLLATE provost_order, id);
CREATE INDEX roles_search_idx ON roles USING gin (search gin_trgm_ops);
CREATE INDEX roles_created_idx ON roles (created_at, id);

CREATE TABLE grants (
    id uuid PRIMARY KEY,
    principal_kind text NOT NULL CHECK (principal_kind IN ('user', 'group', 'service_account')),
    principal_id uuid NOT NULL,
    role_id uuid NOT NULL REFERENCES roles (id),
    scope_kind text NOT NULL CHECK (scope_kind IN
        ('everything', 'org_unit', 'group', 'category', 'course', 'own_reports', 'self')),
    scope_id uuid,
    starts_at timestamptz,
    ends_at timestamptz,
    source text NOT NULL DEFAULT 'api',
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    revoked_at timestamptz,
    -- Groups that hold roles are static.
    group_kind text GENERATED ALWAYS AS (
        CASE WHEN principal_kind = 'group' AND revoked_at IS NULL THEN 'static' END) STORED,
    CONSTRAINT grants_principal_id_fkey FOREIGN KEY (principal_id, group_kind) REFERENCES groups (id, kind),
    CHECK ((scope_kind IN ('org_unit', 'group', 'category', 'course')) = (scope_id IS NOT NULL)),
    CHECK (ends_at > starts_at)
);
-- A role may be granted again in the same scope for another time; that no two count at once is checked when one is given.
CREATE INDEX grants_principal_idx ON grants (principal_kind, principal_id, role_id) WHERE revoked_at IS NULL;
CREATE INDEX grants_created_idx ON grants (created_at, id);

-- OpenID providers by which people sign in.
CREATE TABLE identity_providers (
    id uuid PRIMARY KEY,
    code text NOT NULL UNIQUE,
    name text NOT NULL,
    issuer text NOT NULL UNIQUE,
    client_id text NOT NULL,
    -- As the provider wants to be shown it; NULL for a public client.
    client_secret text,
    scopes text[] NOT NULL,
    redirect_uris text[] NOT NULL,
    audiences text[] NOT NULL,
    enabled boolean NOT NULL,
    creates_people boolean NOT NULL,
    updates_people boolean NOT NULL,
    links_verified_email boolean NOT NULL,
    links_external_key jsonb,
    mapping jsonb NOT NULL,
    groups_claim text,
    groups jsonb NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX identity_providers_created_idx ON identity_providers (created_at, id);
CREATE INDEX identity_providers_name_idx ON identity_providers (name COLLATE provost_order, id);

-- What a provider last said of itself, so that a process that starts while it is out of reach knows its keys.
CREATE TABLE identity_provider_documents (
    provider_id uuid PRIMARY KEY REFERENCES identity_providers (id),
    metadata jsonb NOT NULL,
    keys jsonb NOT NULL,
    fetched_at timestamptz NOT NULL
);

-- Who a provider's subjects are here.
CREATE TABLE identities (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    provider_id uuid NOT NULL CONSTRAINT identities_identity_provider_id_fkey REFERENCES identity_providers (id),
    subject text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    -- When the provider said what was last taken of it: what it said before is out of date.
    said_at timestamptz,
    -- The fields that were taken of what it said: what it says again is no news.
    said jsonb NOT NULL DEFAULT '{}',
    CONSTRAINT identities_subject_key UNIQUE (provider_id, subject),
    -- A person has one account at a provider.
    CONSTRAINT identities_identity_provider_id_key UNIQUE (provider_id, user_id)
);
CREATE INDEX identities_user_idx ON identities (user_id, created_at, id);

-- A sign-in of a person, and the family of its refresh tokens.
CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    user_agent text,
    address text,
    ended_at timestamptz,
    end_reason text CHECK (end_reason IN ('signed_out', 'revoked', 'password_set', 'replayed', 'provider_signed_out')),
    -- By which provider it began, and what the provider calls it.
    identity_provider_id uuid REFERENCES identity_providers (id),
    provider_subject text,
    provider_session_id text,
    -- An expired ID token, by which the provider knows whom to sign out.
    id_token_hint text,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_created_idx ON sessions (user_id, created_at, id);
CREATE INDEX sessions_last_used_idx ON sessions (user_id, last_used_at, id);
-- What the daily purge looks for.
CREATE INDEX sessions_over_idx ON sessions ((coalesce(ended_at, expires_at)));
CREATE INDEX sessions_provider_idx ON sessions (identity_provider_id, provider_subject)
    WHERE identity_provider_id IS NOT NULL;

CREATE TABLE refresh_tokens (
    -- SHA-256 of a token of 256 random bits.
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    user_id uuid NOT NULL REFERENCES users (id),
    issued_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_issued_idx ON refresh_tokens (issued_at);

-- Sign-ins by a provider in which the person came back: given a code of ours, redeemed. One that was only begun has no row;
-- it travels as `state`.
CREATE TABLE sso_flows (
    -- SHA-256 of 256 random bits in its state.
    flow_hash bytea PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES identity_providers (id),
    -- Where the code was sent.
    redirect_uri text NOT NULL,
    code_challenge text NOT NULL,
    returned_at timestamptz NOT NULL,
    -- SHA-256 of the code that the front end redeems.
    code_hash bytea NOT NULL UNIQUE,
    user_id uuid NOT NULL REFERENCES users (id),
    -- What the provider's session needs to be ended by.
    provider_session jsonb NOT NULL,
    expires_at timestamptz NOT NULL,
    redeemed_at timestamptz,
    session_id uuid
);
CREATE INDEX sso_flows_expires_idx ON sso_flows (expires_at);

-- Failures with secrets, by account and by address. Unlogged: what a crash forgets is counted again from zero.
CREATE UNLOGGED TABLE failed_attempts (
    key text PRIMARY KEY,
    failures integer NOT NULL,
    -- The first of those that count.
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
CREATE INDEX failed_attempts_last_idx ON failed_attempts (last_at);

-- What is sent to people who are to choose a password: good for one use.
CREATE TABLE password_tokens (
    -- SHA-256 of a token of 256 random bits.
    token_hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    -- The e-mail address that it went to; NULL where it was shown to the caller who invited.
    sent_to text,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_tokens_user_idx ON password_tokens (user_id);
CREATE INDEX password_tokens_expires_idx ON password_tokens (expires_at);
