CREATE TABLE categories (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL CONSTRAINT categories_code_key UNIQUE,
    name text NOT NULL,
    name_folded text NOT NULL,
    search text NOT NULL GENERATED ALWAYS AS (search_text(name_folded || ' ' || code_folded)) STORED,
    -- Who sees it and its published courses: all who see the catalog, or only principals whose scope covers it.
    visibility text NOT NULL DEFAULT 'everyone' CHECK (visibility IN ('everyone', 'restricted')),
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX categories_name_folded_idx ON categories (name_folded);
CREATE INDEX categories_code_idx ON categories (code COLLATE provost_order, id);
CREATE INDEX categories_name_idx ON categories (name COLLATE provost_order, id);
CREATE INDEX categories_search_idx ON categories USING gin (search gin_trgm_ops);
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

-- Words of letters and digits with a space wherever one follows the other: `tls1` as `tls 1`.
CREATE FUNCTION digits_apart(words text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(words, '(?<=[^0-9 ])(?=[0-9])|(?<=[0-9])(?=[^0-9 ])', ' ', 'g');

-- A text as a lexeme.
CREATE FUNCTION search_lexeme(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '''' || replace(replace(text, '\', '\\'), '''', '''''') || '''';

-- What stands between spaces as it is spelled, without the punctuation around it: `c++`, `c#`, `node.js`, `.net`. An
-- equals sign tells it from words. What is too long for a lexeme is left out.
CREATE FUNCTION search_spellings(text text) RETURNS SETOF text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT search_lexeme('=' || spelling)
        FROM (SELECT rtrim(ltrim(token, '"''“”„‘’«»()[]{}<>,;:!?…¿¡*_|~`=-/&%'), '"''“”„‘’«»()[]{}<>,;:!?…¿¡*_|~`=-/&%.') AS spelling
            FROM unnest(string_to_array(regexp_replace(lower(normalize(without_break_marks(text), NFKC)), '\s+', ' ', 'g'), ' ')) AS token
            OFFSET 0) AS spellings
        WHERE length(spelling) BETWEEN 1 AND 60;
    END;

-- What the index holds of a text: its words in the language's forms and as they stand, stop words too; the same without
-- accents; words of letters and digits also split; runs without word breaks as overlapping pairs of letters, and as
-- single ones; and what stands between spaces as it is spelled. (`OFFSET 0` has each step taken once.)
CREATE FUNCTION search_vector(configuration regconfig, text text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN text = '' THEN '' ELSE
        (SELECT to_tsvector(configuration, words)
            || to_tsvector('simple', folded)
            || CASE WHEN folded = lower(words) THEN '' ELSE to_tsvector(configuration, folded) END
            || CASE WHEN folded ~ '[0-9]' THEN to_tsvector('simple', digits_apart(
                (SELECT coalesce(string_agg(word[1], ' '), '') FROM regexp_matches(folded, '[^ ]*(?:[^0-9 ][0-9]|[0-9][^0-9 ])[^ ]*', 'g') AS word)))
                ELSE '' END
            || CASE WHEN text ~ ('[' || unbroken_letters() || ']') THEN
                (SELECT to_tsvector('simple', string_agg(letter_pairs(run[1]), ' '))
                    || to_tsvector('simple', string_agg(regexp_replace(run[1], '(.)', '\1 ', 'g'), ' '))
                FROM regexp_matches(normalize(text, NFKC), '[' || unbroken_letters() || ']+', 'g') AS run) ELSE '' END
            || (SELECT coalesce(string_agg(spelling || ':1', ' '), '') FROM search_spellings(text) AS spelling)::tsvector
        FROM (SELECT words, search_folded(words) AS folded
            FROM (SELECT search_words(text) AS words OFFSET 0) AS cleaned OFFSET 0) AS read) END;

-- What somebody typed, token by token: `-` excludes what follows it, double quotes make a phrase, and `or` between two
-- others begins an alternative.
CREATE FUNCTION search_tokens(typed text) RETURNS TABLE (alternative bigint, is_excluded boolean, is_quoted boolean, token text)
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    BEGIN ATOMIC
        SELECT alternative, sign = '-', quoted IS NOT NULL, coalesce(quoted, bare)
        FROM (SELECT *, count(*) FILTER (WHERE is_or) OVER (ORDER BY position) AS alternative
            FROM (SELECT *, sign = '' AND lower(bare) IS NOT DISTINCT FROM 'or'
                    AND position > 1 AND position < count(*) OVER () AS is_or
                FROM (SELECT found[1] AS sign, found[2] AS quoted, found[3] AS bare, position
                    FROM regexp_matches(typed, '(-?)(?:"([^"]*)"?|([^\s"]+))', 'g') WITH ORDINALITY AS tokens(found, position)) AS read) AS told) AS counted
        WHERE NOT is_or ORDER BY position;
    END;

-- A text as a phrase: in the language's forms, as it stands, without accents, and with letters and digits apart. Its
-- runs without word breaks are phrases of their pairs.
CREATE FUNCTION search_phrase(configuration regconfig, text text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    words text := search_words(text);
    folded text := search_folded(words);
    phrase tsquery := phraseto_tsquery('simple', folded);
    form tsquery;
    run text;
BEGIN
    FOREACH form IN ARRAY ARRAY[phraseto_tsquery(configuration, words), phraseto_tsquery(configuration, folded),
            phraseto_tsquery('simple', digits_apart(folded))] LOOP
        IF NOT phrase @> form THEN
            phrase := phrase || form;
        END IF;
    END LOOP;
    IF text ~ ('[' || unbroken_letters() || ']') THEN
        FOR run IN SELECT match[1] FROM regexp_matches(normalize(text, NFKC), '[' || unbroken_letters() || ']+', 'g') AS match LOOP
            phrase := phrase && phraseto_tsquery('simple', letter_pairs(run));
        END LOOP;
    END IF;
    RETURN phrase;
END $$;

-- What somebody typed, as the index of a language has it. Every word must be there, in any of its forms; stop words only if
-- there is nothing else: they count in the order of what is found.
CREATE FUNCTION search_query(configuration regconfig, typed text) RETURNS tsquery
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    wanted tsquery := '';
    needed tsquery := '';
    stop_words tsquery := '';
    excluded tsquery := '';
    reading bigint := 0;
    told record;
    word text;
BEGIN
    FOR told IN SELECT * FROM search_tokens(typed) LOOP
        IF told.alternative <> reading THEN
            wanted := wanted || (CASE WHEN numnode(needed) = 0 THEN stop_words ELSE needed END && excluded);
            needed := ''; stop_words := ''; excluded := '';
            reading := told.alternative;
        END IF;
        IF told.is_excluded THEN
            excluded := excluded && !!search_phrase(configuration, told.token);
        ELSIF told.is_quoted THEN
            needed := needed && search_phrase(configuration, told.token);
        ELSE
            FOREACH word IN ARRAY string_to_array(search_words(told.token), ' ') LOOP
                IF to_tsvector(configuration, word) = '' THEN
                    stop_words := stop_words && search_phrase(configuration, word);
                ELSE
                    needed := needed && search_phrase(configuration, word);
                END IF;
            END LOOP;
            IF told.token ~ ('[' || unbroken_letters() || ']') THEN
                needed := needed && search_phrase(configuration, regexp_replace(told.token, '[^' || unbroken_letters() || ']+', ' ', 'g'));
            END IF;
        END IF;
    END LOOP;
    RETURN wanted || (CASE WHEN numnode(needed) = 0 THEN stop_words ELSE needed END && excluded);
END $$;

-- What somebody typed, as it is spelled: for the order only.
CREATE FUNCTION search_spelling(typed text) RETURNS tsquery
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT coalesce(string_agg(spelling, ' | '), '')::tsquery
        FROM search_tokens(typed), search_spellings(token) AS spelling WHERE NOT is_excluded);

-- `array_to_string` is not immutable for every type of item; for text it is.
CREATE FUNCTION joined(texts text[]) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_to_string(texts, ' ');

-- The library: what courses are made of.
CREATE TABLE contents (
    id uuid PRIMARY KEY,
    code text NOT NULL,
    code_folded text NOT NULL CONSTRAINT contents_code_key UNIQUE,
    kind text NOT NULL CHECK (kind IN ('file', 'page', 'video', 'link', 'package')),
    title text NOT NULL,
    description text NOT NULL DEFAULT '',
    language text NOT NULL,
    category_id uuid REFERENCES categories (id),
    tags text[] NOT NULL DEFAULT '{}',
    owner_id uuid REFERENCES users (id),
    search text NOT NULL GENERATED ALWAYS AS (search_text(lower(title) || ' ' || code_folded || ' ' || joined(tags))) STORED,
    -- The latest version that is ready.
    current_version_id uuid,
    current_version_number integer,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz
);
CREATE INDEX contents_code_idx ON contents (code COLLATE provost_order, id);
CREATE INDEX contents_title_idx ON contents (title COLLATE provost_order, id);
CREATE INDEX contents_created_idx ON contents (created_at, id);
CREATE INDEX contents_updated_idx ON contents (updated_at, id);
CREATE INDEX contents_category_idx ON contents (category_id);
CREATE INDEX contents_owner_idx ON contents (owner_id);
CREATE INDEX contents_tags_idx ON contents USING gin (tags);
CREATE INDEX contents_search_idx ON contents USING gin (search gin_trgm_ops);

-- What a content was at a time. Never changed once it is ready, until it is deleted.
CREATE TABLE content_versions (
    id uuid PRIMARY KEY,
    content_id uuid NOT NULL REFERENCES contents (id),
    number integer NOT NULL,
    -- `importing`: a package is being read; `refused`: it cannot be used, `findings` says why; `deleted`: what it showed is gone.
    state text NOT NULL CHECK (state IN ('importing', 'ready', 'refused', 'deleted')),
    -- By the kind of the content: the text of a page, the address of a link, the manifest of a package. NULL: not read yet,
    -- refused, or deleted.
    body jsonb,
    -- The uploaded file, where there is one.
    sha256 bytea REFERENCES blobs (sha256),
    file_name text,
    findings jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(findings) = 'array'),
    note text,
    created_by uuid,
    created_at timestamptz NOT NULL,
    CHECK (state <> 'ready' OR body IS NOT NULL),
    CONSTRAINT content_versions_one_number UNIQUE (content_id, number)
);
CREATE INDEX content_versions_sha256_idx ON content_versions (sha256);
ALTER TABLE contents ADD CONSTRAINT contents_current_version_id_fkey
    FOREIGN KEY (current_version_id) REFERENCES content_versions (id);

-- The files inside a package's archive, which stays one blob: where the bytes of each are.
CREATE TABLE content_files (
    content_version_id uuid NOT NULL REFERENCES content_versions (id),
    path text NOT NULL,
    position bigint NOT NULL CHECK (position >= 0),
    compressed bigint NOT NULL CHECK (compressed >= 0),
    method text NOT NULL CHECK (method IN ('stored', 'deflated')),
    crc32 bigint NOT NULL,
    bytes bigint NOT NULL CHECK (bytes >= 0),
    media_type text NOT NULL,
    PRIMARY KEY (content_version_id, path)
);

-- Captions and the like of a video.
CREATE TABLE content_tracks (
    content_version_id uuid NOT NULL REFERENCES content_versions (id),
    language text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('captions', 'subtitles', 'descriptions', 'transcript')),
    sha256 bytea NOT NULL REFERENCES blobs (sha256),
    PRIMARY KEY (content_version_id, language, kind)
);
CREATE INDEX content_tracks_sha256_idx ON content_tracks (sha256);

-- What findings do when a course is published, where the academy chose it: at most one row.
CREATE TABLE content_checks (
    id uuid PRIMARY KEY,
    choices jsonb NOT NULL CHECK (jsonb_typeof(choices) = 'array'),
    version bigint NOT NULL,
    updated_at timestamptz NOT NULL
);

-- The versions of contents that modules refer to.
CREATE FUNCTION contents_of(modules jsonb) RETURNS uuid[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(SELECT DISTINCT (found #>> '{}')::uuid
        FROM jsonb_path_query(modules, '$[*].activities[*].content_version_id ? (@ != null)') AS found);

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
    content_version_ids uuid[] NOT NULL GENERATED ALWAYS AS (contents_of(modules)) STORED,
    current_version_id uuid,
    -- That version's number.
    current_version_number integer,
    -- However a course is written, the search knows of it. Text past the first 20,000 characters is not searched.
    search tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(search_vector('simple', code) || search_vector(search_configuration(language), title), 'A')
        || setweight(search_vector(search_configuration(language), joined(tags) || ' ' || coalesce(provider, '')), 'B')
        || setweight(search_vector(search_configuration(language), left(summary, 20000)), 'C')
        || setweight(search_vector(search_configuration(language), left(description, 20000)), 'D')) STORED,
    -- What of it stands in code and title: such courses are ranked before others are looked at.
    title_search tsvector NOT NULL GENERATED ALWAYS AS (
        search_vector('simple', code) || search_vector(search_configuration(language), title)) STORED,
    version bigint NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    retired_at timestamptz
) WITH (toast_tuple_target = 8160); -- A search reads `search` of a thousand rows: it stays beside them.
CREATE INDEX courses_code_idx ON courses (code COLLATE provost_order, id);
CREATE INDEX courses_title_idx ON courses (title COLLATE provost_order, id);
CREATE INDEX courses_created_idx ON courses (created_at, id);
CREATE INDEX courses_updated_idx ON courses (updated_at, id);
CREATE INDEX courses_category_idx ON courses (category_id);
CREATE INDEX courses_content_versions_idx ON courses USING gin (content_version_ids);
CREATE INDEX courses_tags_idx ON courses USING gin (tags);
CREATE INDEX courses_language_idx ON courses (language);
CREATE INDEX courses_search_idx ON courses USING gin (search);
CREATE INDEX courses_title_search_idx ON courses USING gin (title_search);
-- By what lists of other resources find the courses that their rows name.
CREATE INDEX courses_names_search_idx ON courses USING gin (search_text(lower(title) || ' ' || code_folded) gin_trgm_ops);

-- What learners take. What is frozen never changes: a candidate, which testers take, is published as it stands.
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
    content_version_ids uuid[] NOT NULL GENERATED ALWAYS AS (contents_of(modules)) STORED,
    -- The last day on which completions of earlier versions count; NULL: they still count.
    earlier_count_until date,
    -- Why it was frozen, for those who test it.
    note text,
    frozen_at timestamptz NOT NULL,
    -- A candidate has neither of these.
    published_at timestamptz,
    discarded_at timestamptz,
    CONSTRAINT course_versions_one_number UNIQUE (course_id, number),
    CHECK (num_nonnulls(published_at, discarded_at) <= 1)
);

-- Who tests a candidate, and what they found.
CREATE TABLE course_testers (
    course_version_id uuid NOT NULL REFERENCES course_versions (id),
    user_id uuid NOT NULL REFERENCES users (id),
    -- Their test enrollment.
    enrollment_id uuid NOT NULL,
    verdict text CHECK (verdict IN ('approved', 'rejected')),
    note text,
    decided_at timestamptz,
    PRIMARY KEY (course_version_id, user_id),
    CHECK ((verdict IS NULL) = (decided_at IS NULL))
);
CREATE INDEX course_testers_user_idx ON course_testers (user_id);
CREATE INDEX course_versions_content_versions_idx ON course_versions USING gin (content_version_ids);
ALTER TABLE courses ADD CONSTRAINT courses_current_version_id_fkey
    FOREIGN KEY (current_version_id) REFERENCES course_versions (id);
