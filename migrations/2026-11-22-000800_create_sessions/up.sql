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
    end_reason text CHECK (end_reason IN ('signed_out', 'revoked', 'password_set', 'replayed')),
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX sessions_created_idx ON sessions (user_id, created_at, id);
CREATE INDEX sessions_last_used_idx ON sessions (user_id, last_used_at, id);

CREATE TABLE refresh_tokens (
    -- SHA-256 of a token of 256 random bits.
    token_hash bytea PRIMARY KEY,
    session_id uuid NOT NULL REFERENCES sessions (id),
    user_id uuid NOT NULL REFERENCES users (id),
    issued_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX refresh_tokens_issued_idx ON refresh_tokens (issued_at);
