#!/usr/bin/env python3
"""Writing and sealing events, beside an earlier build in the same run.

Each build gets a database of its own, with the same people. A statement records an event for each of many opened requirements,
as the statements of rules do, and the build's own sealer seals them. The earlier build is one whose `events` have a
column `position` (before the ledger got tables of its own).
"""

import argparse
import os
import statistics
import time

from harness import cpu_of, provost_of

ROWS = """(SELECT overlay(gen_random_uuid()::text PLACING '01990000-0000-7' FROM 1)::uuid AS id,
    ('00000000-0000-7000-8000-' || lpad((n % {people} + 1)::text, 12, '0'))::uuid AS user_id, n FROM generate_series(1, {events}) AS n) opened"""
AFTER = """jsonb_build_object('id', id, 'user_id', user_id, 'course_id', '01990000-0000-7000-8000-000000000001'::uuid, 'cycle', 1, 'opens_on', current_date,
    'due_on', current_date + 30, 'reasons', jsonb_build_array(jsonb_build_object('kind', 'rule', 'rule_id', '01990000-0000-7000-8000-000000000002'::uuid,
    'rule_version', 1, 'assigned_by', NULL, 'note', NULL, 'due_on', current_date + 30)))"""

BEFORE = """INSERT INTO events (id, recorded_at, actor_kind, actor_id, on_behalf_of, request_id, action, object_kind, object_id, user_id, before, after)
    SELECT overlay(gen_random_uuid()::text PLACING '01990000-0000-7' FROM 1)::uuid, now(), 'system', NULL, NULL, 'benchmark', 'requirement.opened',
        'requirement', id, user_id, NULL, {after} FROM {rows};"""
NOW = """WITH changes AS (SELECT 'requirement.opened' AS action, id, user_id, NULL::jsonb AS before, {after} AS after FROM {rows}),
    appended AS (INSERT INTO events (id, user_id, recorded_at, actor_kind, actor_id, on_behalf_of, request_id, action, object_kind, version,
            object_id, before, after, reason, salt, digest)
        SELECT event_id, user_id, now(), 'system', NULL, NULL, 'benchmark', action, 'requirement', 1, id, before, after, NULL, salt,
            sha256(salt || convert_to(jsonb_build_array(before, after, NULL::text)::text, 'UTF8'))
        FROM (SELECT *, overlay(gen_random_uuid()::text PLACING '01990000-0000-7' FROM 1)::uuid AS event_id,
            uuid_send(gen_random_uuid()) AS salt FROM changes) AS salted RETURNING user_id, id),
    told AS (INSERT INTO unsealed_events (user_ids, event_ids) SELECT array_agg(user_id), array_agg(id)
        FROM (SELECT user_id, id, row_number() OVER () - 1 AS place FROM appended) AS numbered GROUP BY place / 1000)
    SELECT count(*) FROM appended;"""


def wal(provost):
    return int(provost.psql("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint"))


def measure(provost, work):
    """Seconds, CPU seconds of Provost and PostgreSQL together, and MB of WAL."""
    pids = lambda: [provost.process.pid, *provost.postgres()]
    cpu, logged, began = cpu_of(pids()), wal(provost), time.monotonic()
    work()
    return time.monotonic() - began, cpu_of(pids()) - cpu, (wal(provost) - logged) / 1e6


def run(binary, statement, unsealed, arguments):
    """Writes and seals on a fresh database of `binary`; answers the figures of both, and of a filtered page of the feed."""
    os.environ["PROVOST_BIN"] = binary
    with provost_of(arguments.people) as provost:
        is_idle = lambda: int(provost.psql(f"SELECT count(*) FROM ({unsealed}) AS waiting")) == 0

        def seal():
            while not is_idle():
                time.sleep(0.05)

        seal()
        provost.psql("CHECKPOINT")
        # One transaction: the sealer sees nothing before it ends.
        written = measure(provost, lambda: provost.psql(statement))
        sealed = measure(provost, seal)
        provost.psql("CHECKPOINT; VACUUM ANALYZE")
        token = provost.token()
        page = "/v1/events?filter=action%20eq%20%22user.updated%22&limit=50"
        pages = [measure(provost, lambda: provost.get(page, token))[0] * 1000 for _ in range(11)]
        return written, sealed, statistics.median(pages)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", help="the earlier build")
    parser.add_argument("now", help="the present build")
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    rows = ROWS.format(people=arguments.people, events=arguments.events)
    builds = {
        "before": (arguments.before, BEFORE, "SELECT FROM events WHERE position IS NULL LIMIT 1"),
        "now": (arguments.now, NOW, "SELECT FROM unsealed_events LIMIT 1"),
    }
    print(f"{arguments.events:,} events of {arguments.people:,} people, {os.cpu_count()} cores\n")
    print("| build | write: s | CPU s | WAL MB | seal: s | CPU s | WAL MB | sealed a second | a filtered page: ms |")
    print("|---|---|---|---|---|---|---|---|---|")
    totals = {}
    for _ in range(arguments.rounds):
        for name, (binary, statement, unsealed) in builds.items():
            statement = statement.format(after=AFTER, rows=rows)
            written, sealed, page = run(os.path.abspath(binary), statement, unsealed, arguments)
            figures = [*written, *sealed]
            rate = arguments.events / sealed[0]
            print(f"| {name} | " + " | ".join(f"{figure:.1f}" for figure in figures) + f" | {rate:,.0f} | {page:.1f} |", flush=True)
            totals.setdefault(name, []).append((written[1] + sealed[1], written[2] + sealed[2]))
    cpu, logged = ([statistics.median(total[index] for total in totals[name]) for name in ("now", "before")] for index in (0, 1))
    print(f"\nWriting and sealing together: CPU {cpu[0] / cpu[1]:.2f} × before, WAL {logged[0] / logged[1]:.2f} ×.")


if __name__ == "__main__":
    main()
