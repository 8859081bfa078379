#!/usr/bin/env python3
"""Searches (`q`) and filters with `co`, beside the CPU time that each may take in PostgreSQL.

Starts Provost on a private PostgreSQL in a temporary data folder with people and courses, and asks for each page many times.
CPU is read from /proc for PostgreSQL's processes. Also measured: what
writing rows costs with the search and without it.
"""

import argparse
import urllib.parse

from harness import TICKS, cpu_of, provost_of

# Names of many peoples; the first ones of each list are common.
NAMES = """
CREATE TEMP TABLE given AS SELECT row_number() OVER () - 1 AS n, name FROM unnest(string_to_array(
    'Maria José Ana Michael Anna Peter Zoë João Graça Łukasz Christopher Patricia Mohamed فاطمة يوسف 小龙 太郎 Jürgen Çağla Seán '
    || 'Małgorzata Väinö Nikhil Priyanka Elizabeth Jennifer Andrés Ximena Thijs Femke Kabir Saanvi Onni Helmi Iñaki Óscar', ' ')) AS name;
CREATE TEMP TABLE family AS SELECT row_number() OVER () - 1 AS n, name FROM (
    SELECT unnest(string_to_array('Silva Smith Müller Santos Garcia Kowalski Fernandez Schmidt 李 山田 السباعي O''Neil Meyer Nowak Jensen', ' ')) AS name
    UNION ALL SELECT initcap(a || b || c) FROM unnest(string_to_array('ba ce di fo gu ha ke li mo na per qui ro sa tor vel wi za', ' ')) AS a,
        unnest(string_to_array('ca de fi go la me ni po ra se ti vo', ' ')) AS b,
        unnest(string_to_array('berg dal ez ino lund mann off ski son ton va zzi', ' ')) AS c) AS names;
UPDATE users SET given_name = given.name, given_name_folded = lower(given.name), family_name = family.name,
    family_name_folded = lower(family.name), username = lower('u' || right(users.id::text, 6)), username_folded = lower('u' || right(users.id::text, 6)),
    email = right(users.id::text, 6) || '@example.com', email_folded = right(users.id::text, 6) || '@example.com'
FROM given, family
WHERE given.n = floor(36 * power((hashtext(users.id::text) & 65535) / 65536.0, 2))
    AND users.username <> 'admin' AND family.n = floor(2600 * power((hashtext(users.id::text || 'f') & 65535) / 65536.0, 3));
INSERT INTO external_keys (kind, source, key, object_id, created_at)
SELECT 'user', 'hr', 'E-' || right(id::text, 6), id, now() FROM users;
VACUUM FULL ANALYZE users;
VACUUM ANALYZE external_keys;
"""

COURSES = """
CREATE TEMP TABLE topics AS SELECT row_number() OVER () - 1 AS n, topic FROM unnest(string_to_array('fire doors,ladders,data privacy,'
    || 'working at height,machine guarding,chemical labels,first aid,leadership,negotiation,accounting,night shifts,forklifts,hand hygiene,'
    || 'phishing,contracts,customer complaints,brewing,welding,cranes,radiation', ',')) AS topic;
INSERT INTO courses (id, code, code_folded, status, title, summary, description, language, tags, created_at, updated_at)
SELECT gen_random_uuid(), 'C-' || i, 'c-' || i, 'published', initcap(a.topic) || ' ' || i || CASE WHEN i % 70 = 0 THEN ': safety' ELSE '' END,
    'What everybody must know of ' || b.topic || '.',
    'The safety rules and the practice of ' || a.topic || ' and ' || b.topic || '. ' || repeat('It takes an hour and ends with a test. ', 5),
    (ARRAY['en', 'en', 'en', 'de', 'fr', 'es', 'pt', 'zh'])[1 + i % 8], ARRAY['safety', 'tag' || i % 50], now(), now()
FROM generate_series(1, {count}) AS i JOIN topics a ON a.n = i % 20 JOIN topics b ON b.n = i * 7 % 19;
VACUUM ANALYZE courses;
"""

# A page, and the milliseconds of CPU that it may take.
PAGES = [
    ("/v1/users?q=silva", 10),
    ("/v1/users?q=maria+silva", 10),
    ("/v1/users?q=ann+kow", 10),
    ("/v1/users?q=graca", 10),
    ("/v1/users?q=m", 10),
    ("/v1/users?q=m+s", 10),
    ("/v1/users?q=example", 10),
    ("/v1/users?q=E-012345", 10),
    ("/v1/users?q=012345@example.com", 10),
    ("/v1/users?q=u012345", 10),
    ("/v1/users?q=李小龙", 10),
    ("/v1/users?q=السباعي", 10),
    ("/v1/users?q=sliva", 40),
    ("/v1/users?q=micheal", 40),
    ("/v1/users?q=maria+fernadez", 40),
    ("/v1/users?q=meier", 40),
    ("/v1/users?q=kowalsky+anna", 40),
    ("/v1/users?q=nobdy", 40),
    ('/v1/users?filter=username co "qxj"', 5),
    ('/v1/users?filter=email co "nobody@"', 5),
    ('/v1/users?filter=given_name co "xyz" or family_name co "xyz"', 5),
    ("/v1/courses?q=safety", 10),
    ("/v1/courses?q=safety+rules", 10),
    ("/v1/courses?q=the+test", 10),
    ("/v1/courses?q=welding", 10),
    ("/v1/courses?q=nothing+of+it", 10),
    ("/v1/courses?q=safety&sort=title", 10),
]

# The same rows written into a table without the column and its index, and into one with them.
TABLES = """
CREATE TABLE plain (LIKE users INCLUDING ALL EXCLUDING GENERATED);
ALTER TABLE plain DROP search;
CREATE TABLE searched (LIKE users INCLUDING ALL);
"""
COLUMNS = """id, username, username_folded, email, email_folded, given_name, given_name_folded, family_name, family_name_folded, status, title,
    department, hired_on, created_at, updated_at"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--courses", type=int, default=20_000)
    parser.add_argument("--requests", type=int, default=50)
    arguments = parser.parse_args()

    with provost_of(arguments.users) as provost:
        provost.psql(NAMES)
        provost.psql(COURSES.format(count=arguments.courses))
        token = provost.token()
        print(f"{arguments.users:,} users, {arguments.courses:,} courses\n")
        print("| page | rows | CPU ms of PostgreSQL | limit |")
        print("|---|---|---|---|")
        for path, limit in PAGES:
            address = urllib.parse.quote(path, safe="/?=&+")
            rows = len(provost.get(address, token)["data"])
            before = cpu_of(provost.postgres())
            for _ in range(arguments.requests):
                provost.get(address, token)
            spent = 1000 * (cpu_of(provost.postgres()) - before) / arguments.requests
            print(f"| `{path}` | {rows} | {spent:.1f} | {limit} |{'' if spent <= limit else ' over'}", flush=True)
        provost.psql(TABLES)
        print()
        for table in ["plain", "searched", "plain", "searched"]:
            # The connection's process knows what it used.
            used = provost.psql(f"INSERT INTO {table} ({COLUMNS}) SELECT {COLUMNS} FROM users; SELECT pg_read_file('/proc/self/stat')")
            fields = used.rsplit(")", 1)[1].split()
            print(f"INSERT of {arguments.users:,} users, {table}: {(int(fields[11]) + int(fields[12])) / TICKS:.1f} CPU s", flush=True)
            provost.psql(f"TRUNCATE {table}")


if __name__ == "__main__":
    main()
