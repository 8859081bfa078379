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
