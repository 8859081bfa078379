-- People as SCIM clients last described them, with all that has no column of its own.
CREATE TABLE scim_users (
    user_id uuid PRIMARY KEY REFERENCES users (id),
    resource jsonb NOT NULL CHECK (jsonb_typeof(resource) = 'object'),
    -- Counts up with changes that leave users.version as it is.
    version bigint NOT NULL DEFAULT 1,
    updated_at timestamptz NOT NULL,
    -- When a client deleted them: they are archived, and SCIM does not know them while they are.
    deleted_at timestamptz,
    -- The client that deleted them, by the source of its external keys: they come back to no other one.
    deleted_by text
);
CREATE INDEX scim_users_deleted_idx ON scim_users (user_id) WHERE deleted_at IS NOT NULL;
CREATE INDEX scim_users_display_name_idx ON scim_users (comparable(resource ->> 'displayName'));

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
