CREATE TABLE certificate_templates (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL CONSTRAINT certificate_templates_code_key UNIQUE,
    name text NOT NULL,
    layout jsonb NOT NULL,
    -- The one used where a course names none.
    is_default boolean NOT NULL DEFAULT false,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE UNIQUE INDEX certificate_templates_is_default_key ON certificate_templates (is_default)
    WHERE is_default AND archived_at IS NULL;
CREATE INDEX certificate_templates_created_idx ON certificate_templates (created_at, id);

CREATE TABLE certificates (
    id uuid NOT NULL,
    user_id uuid NOT NULL REFERENCES users (id),
    course_id uuid NOT NULL REFERENCES courses (id),
    completion_id uuid NOT NULL,
    -- 128 random bits in base 32: nobody guesses another's.
    serial text NOT NULL,
    state text NOT NULL CHECK (state IN ('issued', 'revoked', 'superseded')),
    -- What it shows, frozen when it was issued.
    shown jsonb NOT NULL,
    layout jsonb NOT NULL,
    issued_at timestamptz NOT NULL,
    -- The day that it was for the person.
    issued_on date NOT NULL,
    valid_until date,
    revoked_at timestamptz,
    revoke_reason text,
    superseded_by uuid,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, id),
    CHECK ((state = 'revoked') = (revoked_at IS NOT NULL)),
    CHECK ((state = 'superseded') = (superseded_by IS NOT NULL))
);
CREATE UNIQUE INDEX certificates_one_issued ON certificates (user_id, completion_id) WHERE state = 'issued';
CREATE INDEX certificates_id_idx ON certificates (id);
CREATE INDEX certificates_serial_idx ON certificates (serial);
CREATE INDEX certificates_valid_idx ON certificates (valid_until) WHERE state = 'issued' AND valid_until IS NOT NULL;
CREATE INDEX certificates_created_idx ON certificates (created_at, id);

CREATE TABLE certificate_files (
    user_id uuid NOT NULL,
    certificate_id uuid NOT NULL,
    pdf bytea NOT NULL,
    PRIMARY KEY (user_id, certificate_id),
    FOREIGN KEY (user_id, certificate_id) REFERENCES certificates (user_id, id)
);
