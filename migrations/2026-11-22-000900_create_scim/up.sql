-- What a secret is good for: to get access tokens with, or to be sent to /scim/v2 as it is.
ALTER TABLE service_account_secrets
    ADD COLUMN kind text NOT NULL DEFAULT 'client' CHECK (kind IN ('client', 'scim')),
    -- Whether what is written with it is tried and recorded only.
    ADD COLUMN dry_run boolean NOT NULL DEFAULT false,
    ADD CHECK (kind = 'scim' OR NOT dry_run);
CREATE UNIQUE INDEX service_account_secrets_scim_key ON service_account_secrets (secret_hash) WHERE kind = 'scim';

-- A thing has one key of a SCIM client, which it calls its externalId.
CREATE UNIQUE INDEX external_keys_scim_key ON external_keys (kind, object_id, source) WHERE source LIKE 'scim:%';

-- People as SCIM clients last described them, with all that has no column of its own.
CREATE TABLE scim_users (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    resource jsonb NOT NULL CHECK (jsonb_typeof(resource) = 'object'),
    -- Counts up with changes that leave users.version as it is.
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    -- When a client deleted them: they are archived, and SCIM does not know them while they are.
    deleted_at timestamptz
);
CREATE INDEX scim_users_deleted_idx ON scim_users (user_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX scim_users_display_name_idx ON scim_users (lower(resource ->> 'displayName'));
CREATE INDEX groups_name_folded_idx ON groups (lower(name));

-- Requests of SCIM tokens that only try: what they would have changed.
CREATE TABLE scim_dry_runs (
    id uuid PRIMARY KEY,
    service_account_id uuid NOT NULL,
    secret_id uuid NOT NULL,
    request_id text NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    body jsonb,
    status integer NOT NULL,
    detail text,
    changes jsonb NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX scim_dry_runs_created_idx ON scim_dry_runs (created_at, id);
