-- What was uploaded, each once. The bytes are in the store, under the SHA-256 of what they are.
CREATE TABLE blobs (
    sha256 bytea PRIMARY KEY CHECK (octet_length(sha256) = 32),
    bytes bigint NOT NULL CHECK (bytes >= 0),
    -- What its first bytes say that it is.
    media_type text NOT NULL,
    -- `deleting`: nothing uses it, and the collector removes its bytes before its row.
    state text NOT NULL DEFAULT 'stored' CHECK (state IN ('stored', 'deleting')),
    created_at timestamptz NOT NULL,
    -- When it was last uploaded: for a day after that the collector leaves it alone.
    uploaded_at timestamptz NOT NULL
);
CREATE INDEX blobs_uploaded_idx ON blobs (uploaded_at);

-- Uploads that arrive in pieces (tus 1.0) or at once. One that is complete may be used until it expires.
CREATE TABLE uploads (
    id uuid PRIMARY KEY,
    -- Whose upload it is: nobody else may go on with it or use it.
    principal_id uuid NOT NULL,
    file_name text NOT NULL,
    -- `Upload-Metadata` as the client of tus sent it, which it gets back.
    metadata text,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    received bigint NOT NULL DEFAULT 0 CHECK (received BETWEEN 0 AND bytes),
    -- The state of SHA-256 after the bytes that are there, so that none is read again to take it.
    hash_state bytea NOT NULL,
    -- The blob, once it is complete.
    sha256 bytea REFERENCES blobs (sha256),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX uploads_principal_idx ON uploads (principal_id, created_at, id);
CREATE INDEX uploads_expires_idx ON uploads (expires_at);
CREATE INDEX uploads_sha256_idx ON uploads (sha256);

-- What has arrived of an upload that is not complete: each piece is an object of the store, `uploads/{upload_id}/{id}`.
CREATE TABLE upload_pieces (
    upload_id uuid NOT NULL REFERENCES uploads (id) ON DELETE CASCADE,
    position bigint NOT NULL CHECK (position >= 0),
    bytes bigint NOT NULL CHECK (bytes > 0),
    id uuid NOT NULL,
    PRIMARY KEY (upload_id, position)
);

-- What signs the addresses of downloads and launches: one row.
CREATE TABLE address_secrets (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    secret bytea NOT NULL CHECK (octet_length(secret) = 32),
    created_at timestamptz NOT NULL
);
