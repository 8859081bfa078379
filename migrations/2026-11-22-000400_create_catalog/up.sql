CREATE TABLE categories (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT categories_code_key UNIQUE,
    name text NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX categories_name_idx ON categories (name, id);
CREATE INDEX categories_created_idx ON categories (created_at, id);

-- The working copy of a course: what the next published version will say.
CREATE TABLE courses (
    id uuid PRIMARY KEY,
    code text NOT NULL CONSTRAINT courses_code_key UNIQUE,
    status text NOT NULL CHECK (status IN ('draft', 'published', 'retired')),
    title text NOT NULL,
    summary text NOT NULL DEFAULT '',
    description text NOT NULL DEFAULT '',
    language text NOT NULL,
    category_id uuid REFERENCES categories (id),
    tags text[] NOT NULL DEFAULT '{}',
    provider text,
    level text CHECK (level IN ('introductory', 'intermediate', 'advanced')),
    duration_minutes integer CHECK (duration_minutes > 0),
    credits double precision CHECK (credits >= 0),
    -- How long a completion counts: an ISO 8601 duration of whole years, months, weeks or days.
    validity_period text,
    modules jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(modules) = 'array'),
    current_version_id uuid,
    search tsvector NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    retired_at timestamptz
);
CREATE INDEX courses_title_idx ON courses (title, id);
CREATE INDEX courses_created_idx ON courses (created_at, id);
CREATE INDEX courses_updated_idx ON courses (updated_at, id);
CREATE INDEX courses_category_idx ON courses (category_id);
CREATE INDEX courses_tags_idx ON courses USING gin (tags);
CREATE INDEX courses_search_idx ON courses USING gin (search);

-- What learners take; never changed after it is written.
CREATE TABLE course_versions (
    id uuid PRIMARY KEY,
    course_id uuid NOT NULL REFERENCES courses (id),
    number integer NOT NULL,
    title text NOT NULL,
    summary text NOT NULL,
    description text NOT NULL,
    language text NOT NULL,
    duration_minutes integer,
    credits double precision,
    validity_period text,
    modules jsonb NOT NULL,
    published_at timestamptz NOT NULL,
    CONSTRAINT course_versions_number_key UNIQUE (course_id, number)
);
ALTER TABLE courses ADD CONSTRAINT courses_current_version_fkey
    FOREIGN KEY (current_version_id) REFERENCES course_versions (id);
