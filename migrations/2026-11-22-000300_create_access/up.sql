CREATE TABLE passwords (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    hash text NOT NULL,
    must_change boolean NOT NULL DEFAULT false,
    updated_at timestamptz NOT NULL
);

CREATE TABLE service_accounts (
    id uuid PRIMARY KEY,
    name text NOT NULL CONSTRAINT service_accounts_name_key UNIQUE,
    status text NOT NULL CHECK (status IN ('active', 'suspended')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX service_accounts_created_idx ON service_accounts (created_at, id);

CREATE TABLE service_account_secrets (
    id uuid PRIMARY KEY,
    service_account_id uuid NOT NULL REFERENCES service_accounts (id),
    -- SHA-256 of a secret of 256 random bits.
    secret_hash bytea NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX service_account_secrets_account_idx ON service_account_secrets (service_account_id);

CREATE TABLE signing_keys (
    id text PRIMARY KEY,
    algorithm text NOT NULL CHECK (algorithm = 'EdDSA'),
    private_key bytea NOT NULL,
    public_key bytea NOT NULL,
    created_at timestamptz NOT NULL,
    retired_at timestamptz
);

CREATE TABLE roles (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT roles_code_key UNIQUE,
    name text NOT NULL,
    description text NOT NULL DEFAULT '',
    permissions text[] NOT NULL,
    built_in boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
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
    CHECK ((scope_kind IN ('org_unit', 'group', 'category', 'course')) = (scope_id IS NOT NULL)),
    CHECK (ends_at > starts_at)
);
CREATE UNIQUE INDEX grants_role_id_key ON grants
    (principal_kind, principal_id, role_id, scope_kind, coalesce(scope_id, '00000000-0000-0000-0000-000000000000'))
    WHERE revoked_at IS NULL;
CREATE INDEX grants_created_idx ON grants (created_at, id);
