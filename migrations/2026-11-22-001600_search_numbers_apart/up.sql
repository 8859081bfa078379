-- A hyphen between a letter and a digit parts two words: PostgreSQL reads it as the sign of the number, so that COVID 19
-- does not find COVID-19.
CREATE FUNCTION numbers_apart(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(text, '(?<=\w)-(?=\d)', ' ', 'g');

-- What is excluded with a hyphen in it is a phrase: -COVID-19 does not want 19.
CREATE FUNCTION words_together(query text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN regexp_replace(query, '(^|\s)-(\w[^\s"]*-\d[^\s"]*)', '\1-"\2"', 'g');

CREATE OR REPLACE FUNCTION search_text(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN concat_ws(' ',
        regexp_replace(numbers_apart(text), '[' || unbroken_letters() || ']+', ' ', 'g'),
        (SELECT string_agg(without_accents(word), ' ')
            FROM regexp_split_to_table(regexp_replace(numbers_apart(text), '[' || unbroken_letters() || ']+', ' ', 'g'), '\s+') AS word
            WHERE word <> without_accents(word)),
        (SELECT concat_ws(' ', string_agg(letter_pairs(run[1]), ' '),
                string_agg((SELECT string_agg(letter, ' ') FROM regexp_split_to_table(run[1], '') AS letter), ' '))
            FROM regexp_matches(text, '[' || unbroken_letters() || ']+', 'g') AS run));

CREATE OR REPLACE FUNCTION search_words(query text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN (SELECT string_agg(CASE
                WHEN token !~ ('[' || unbroken_letters() || ']') THEN token
                WHEN is_quoted THEN ' ' || letter_pairs(token) || ' '
                ELSE '"' || letter_pairs(token) || '" ' END, '' ORDER BY position)
        FROM (SELECT found[1] AS token, position,
                count(*) FILTER (WHERE found[1] = '"') OVER (ORDER BY position) % 2 = 1 AS is_quoted
            FROM regexp_matches(numbers_apart(words_together(query)), '[' || unbroken_letters() || ']+|"|[^"' || unbroken_letters() || ']+', 'g')
                WITH ORDINALITY AS tokens(found, position)) AS tokens);

-- The stored vectors are made anew.
UPDATE courses SET title = title;
