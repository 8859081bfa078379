CREATE OR REPLACE FUNCTION search_text(text text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN concat_ws(' ',
        regexp_replace(text, '[' || unbroken_letters() || ']+', ' ', 'g'),
        (SELECT string_agg(without_accents(word), ' ')
            FROM regexp_split_to_table(regexp_replace(text, '[' || unbroken_letters() || ']+', ' ', 'g'), '\s+') AS word
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
            FROM regexp_matches(query, '[' || unbroken_letters() || ']+|"|[^"' || unbroken_letters() || ']+', 'g')
                WITH ORDINALITY AS tokens(found, position)) AS tokens);

DROP FUNCTION numbers_apart;
DROP FUNCTION words_together;

-- The stored vectors are made anew.
UPDATE courses SET title = title;
