-- Failures with secrets, by account and by address. Unlogged: what a crash forgets is counted anew.
CREATE UNLOGGED TABLE failed_attempts (
    key text PRIMARY KEY,
    failures integer NOT NULL,
    -- The first of those that count.
    since timestamptz NOT NULL,
    last_at timestamptz NOT NULL,
    blocked_until timestamptz NOT NULL
);
CREATE INDEX failed_attempts_last_idx ON failed_attempts (last_at);

-- What the daily purge looks for.
CREATE INDEX sessions_over_idx ON sessions ((coalesce(ended_at, expires_at)));

-- What is sent to people who are to choose a password: good for one use.
CREATE TABLE password_tokens (
    -- SHA-256 of a token of 256 random bits.
    token_hash bytea PRIMARY KEY,
    user_id uuid NOT NULL REFERENCES users (id),
    purpose text NOT NULL CHECK (purpose IN ('invitation', 'reset')),
    -- The e-mail address that it went to; NULL where it was shown to whoever invited.
    sent_to text,
    issued_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX password_tokens_user_idx ON password_tokens (user_id);
CREATE INDEX password_tokens_expires_idx ON password_tokens (expires_at);

-- A key is published before it signs.
ALTER TABLE signing_keys ADD COLUMN signs_from timestamptz;
UPDATE signing_keys SET signs_from = created_at;
ALTER TABLE signing_keys ALTER signs_from SET NOT NULL;

-- What tokens of the secret are confined to; NULL for all that the account may do.
ALTER TABLE service_account_secrets ADD COLUMN permissions text[];
