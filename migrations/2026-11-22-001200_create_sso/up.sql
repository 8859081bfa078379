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
CREATE INDEX identity_providers_name_idx ON identity_providers (name, id);

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
    provider_id uuid NOT NULL REFERENCES identity_providers (id),
    subject text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    UNIQUE (provider_id, subject),
    -- A person has one account at a provider.
    UNIQUE (provider_id, user_id)
);
CREATE INDEX identities_user_idx ON identities (user_id, created_at, id);

-- Sign-ins by a provider that are under way: begun, brought back with a code of ours, redeemed.
CREATE TABLE sso_flows (
    -- SHA-256 of the 256 random bits that the provider sends back.
    state_hash bytea PRIMARY KEY,
    provider_id uuid NOT NULL REFERENCES identity_providers (id),
    -- SHA-256 of the cookie of the browser that began.
    browser_hash bytea NOT NULL,
    nonce text NOT NULL,
    code_verifier text NOT NULL,
    -- What the front end asked for, and wants to see again.
    redirect_uri text NOT NULL,
    client_state text,
    code_challenge text NOT NULL,
    expires_at timestamptz NOT NULL,
    returned_at timestamptz,
    -- SHA-256 of the code that the front end redeems.
    code_hash bytea UNIQUE,
    user_id uuid REFERENCES users (id),
    -- What the provider's session needs to be ended by.
    provider_session jsonb,
    redeemed_at timestamptz,
    session_id uuid
);
CREATE INDEX sso_flows_expires_idx ON sso_flows (expires_at);

-- By which provider a session began, and what it calls it.
ALTER TABLE sessions
    ADD COLUMN identity_provider_id uuid REFERENCES identity_providers (id),
    ADD COLUMN provider_subject text,
    ADD COLUMN provider_session_id text,
    -- An expired ID token, by which the provider knows whom to sign out.
    ADD COLUMN id_token_hint text,
    DROP CONSTRAINT sessions_end_reason_check,
    ADD CONSTRAINT sessions_end_reason_check
        CHECK (end_reason IN ('signed_out', 'revoked', 'password_set', 'replayed', 'provider_signed_out'));
CREATE INDEX sessions_provider_idx ON sessions (identity_provider_id, provider_subject)
    WHERE identity_provider_id IS NOT NULL;
