CREATE TABLE categories (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL CONSTRAINT categories_code_key UNIQUE,
    name text NOT NULL,
    name_folded text NOT NULL,
    -- Who sees it and its published courses: all who see the catalog, or only principals whose scope covers it.
    visibility text NOT NULL DEFAULT 'everyone' CHECK (visibility IN ('everyone', 'restricted')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX categories_name_folded_idx ON categories (name_folded);
CREATE INDEX categories_name_idx ON categories (name COLLATE provost_order, id);
CREATE INDEX categories_created_idx ON categories (created_at, id);

-- The text search configuration of a language, given by its primary tag; words as they stand where there is none.
CREATE FUNCTION search_configuration(language text) RETURNS regconfig
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE language
        WHEN 'ar' THEN 'arabic'::regconfig
        WHEN 'ca' THEN 'catalan'::regconfig
        WHEN 'da' THEN 'danish'::regconfig
        WHEN 'de' THEN 'german'::regconfig
        WHEN 'el' THEN 'greek'::regconfig
        WHEN 'en' THEN 'english'::regconfig
        WHEN 'es' THEN 'spanish'::regconfig
        WHEN 'eu' THEN 'basque'::regconfig
        WHEN 'fi' THEN 'finnish'::regconfig
        WHEN 'fr' THEN 'french'::regconfig
        WHEN 'ga' THEN 'irish'::regconfig
        WHEN 'hi' THEN 'hindi'::regconfig
        WHEN 'hu' THEN 'hungarian'::regconfig
        WHEN 'hy' THEN 'armenian'::regconfig
        WHEN 'id' THEN 'indonesian'::regconfig
        WHEN 'it' THEN 'italian'::regconfig
        WHEN 'lt' THEN 'lithuanian'::regconfig
        WHEN 'nb' THEN 'norwegian'::regconfig
        WHEN 'ne' THEN 'nepali'::regconfig
        WHEN 'nl' THEN 'dutch'::regconfig
        WHEN 'nn' THEN 'norwegian'::regconfig
        WHEN 'no' THEN 'norwegian'::regconfig
        WHEN 'pt' THEN 'portuguese'::regconfig
        WHEN 'ro' THEN 'romanian'::regconfig
        WHEN 'ru' THEN 'russian'::regconfig
        WHEN 'sr' THEN 'serbian'::regconfig
        WHEN 'sv' THEN 'swedish'::regconfig
        WHEN 'ta' THEN 'tamil'::regconfig
        WHEN 'tr' THEN 'turkish'::regconfig
        WHEN 'yi' THEN 'yiddish'::regconfig
        ELSE 'simple'::regconfig
    END;

-- A word as people type it who leave out its accents.
CREATE FUNCTION without_accents(word text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN normalize(regexp_replace(normalize(word, NFD), '[\u0300-\u036f]', '', 'g'), NFC);

-- The letters of scripts that write no word breaks (Chinese, Japanese and Korean), as they stand in a regular
-- expression's brackets.
CREATE FUNCTION unbroken_letters() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff';

-- A run of such letters as its overlapping pairs; a single letter as it stands.
CREATE FUNCTION letter_pairs(run text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT string_agg(substr(run, n, 2), ' ' ORDER BY n)
        FROM generate_series(1, greatest(length(run) - 1, 1)) AS n);

-- A hyphen between a letter and a digit parts two words: PostgreSQL reads it as the sign of the number, so that COVID 19
-- does not find COVID-19.
CREATE FUNCTION numbers_apart(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(text, '(?<=\w)-(?=\d)', ' ', 'g');

-- What is excluded with a hyphen in it is a phrase: -COVID-19 does not want 19.
CREATE FUNCTION words_together(query text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(query, '(^|\s)-(\w[^\s"]*-\d[^\s"]*)', '\1-"\2"', 'g');

-- What the search reads of a text. Words with accents also stand without them. Scripts that write no word breaks get
-- some: their runs become overlapping pairs of letters, and single ones; queries get the same pairs.
CREATE FUNCTION search_text(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN concat_ws(' ',
        regexp_replace(numbers_apart(text), '[' || unbroken_letters() || ']+', ' ', 'g'),
        (SELECT string_agg(without_accents(word), ' ')
            FROM regexp_split_to_table(regexp_replace(numbers_apart(text), '[' || unbroken_letters() || ']+', ' ', 'g'), '\s+') AS word
            WHERE word <> without_accents(word)),
        (SELECT concat_ws(' ', string_agg(letter_pairs(run[1]), ' '),
                string_agg((SELECT string_agg(letter, ' ') FROM regexp_split_to_table(run[1], '') AS letter), ' '))
            FROM regexp_matches(text, '[' || unbroken_letters() || ']+', 'g') AS run));

-- What somebody typed, for `websearch_to_tsquery`: a run without word breaks becomes the phrase of its pairs.
CREATE FUNCTION search_words(query text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT string_agg(CASE
                WHEN token !~ ('[' || unbroken_letters() || ']') THEN token
                WHEN is_quoted THEN ' ' || letter_pairs(token) || ' '
                ELSE '"' || letter_pairs(token) || '" ' END, '' ORDER BY position)
        FROM (SELECT found[1] AS token, position,
                count(*) FILTER (WHERE found[1] = '"') OVER (ORDER BY position) % 2 = 1 AS is_quoted
            FROM regexp_matches(numbers_apart(words_together(query)), '[' || unbroken_letters() || ']+|"|[^"' || unbroken_letters() || ']+', 'g')
                WITH ORDINALITY AS tokens(found, position)) AS tokens);

-- `array_to_string` is not immutable for every type of item; for text it is.
CREATE FUNCTION joined(texts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(texts, ' ');

-- The working copy of a course: what the next published version will say.
CREATE TABLE courses (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL CONSTRAINT courses_code_key UNIQUE,
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
    validity_period text CHECK (validity_period ~ '^P(?=[0-9])([0-9]{1,4}Y)?([0-9]{1,5}M)?([0-9]{1,5}W)?([0-9]{1,6}D)?$'),
    modules jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(modules) = 'array'),
    current_version_id uuid,
    -- That version's number.
    current_version_number integer,
    -- Whoever writes a course, the search knows of it. Text past the first 20,000 characters is not searched.
    search tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector(search_configuration(language), search_text(title)), 'A')
        || setweight(to_tsvector(search_configuration(language), search_text(joined(tags) || ' ' || coalesce(provider, ''))), 'B')
        || setweight(to_tsvector(search_configuration(language), search_text(left(summary, 20000))), 'C')
        || setweight(to_tsvector(search_configuration(language), search_text(left(description, 20000))), 'D')) STORED,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    retired_at timestamptz
);
CREATE INDEX courses_title_idx ON courses (title COLLATE provost_order, id);
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
