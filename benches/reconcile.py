#!/usr/bin/env python3
"""Settling what rules want of everybody, beside PostgreSQL writing the same rows in the same run.

Activates rules that everybody is in the audience of, waits until their requirements are there, lets the daily
reconcile find nothing to do, plans one rule more, and then copies what was written into tables of the same shape.
"""

import argparse
import os
import threading
import time

from harness import cpu_of, provost_of

WRITTEN = ["rule_members", "requirements", "requirement_reasons", "enrollments", "events", "ledger_entries"]

# When a row was written that settling adds or changes.
WRITTEN_AT = {"requirements": "updated_at", "requirement_history": "superseded_at", "requirement_reasons": "recorded_at",
    "requirement_reason_history": "superseded_at", "enrollments": "updated_at", "events": "recorded_at",
    "ledger_entries": "recorded_at"}


class Waits:
    """Changes a user again and again meanwhile, and knows how long that took at most."""

    def __init__(self, provost):
        self.provost, self.token, self.longest, self.is_over = provost, provost.token(), 0, False
        self.user = provost.psql("SELECT id FROM users WHERE username = 'user77'").strip()

    def __enter__(self):
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        return self

    def run(self):
        while not self.is_over:
            began = time.monotonic()
            self.provost.patch(f"/v1/users/{self.user}", {"cost_centre": str(began)}, self.token)
            self.longest = max(self.longest, 1000 * (time.monotonic() - began))
            time.sleep(0.05)

    def __exit__(self, *_):
        self.is_over = True
        self.thread.join()
        print(f"  a PATCH waited {self.longest:.0f} ms at most", flush=True)


def measure(provost, name, work):
    """Prints the seconds and the CPU seconds of `work`."""
    pids = lambda: ([provost.process.pid], provost.postgres())
    before, began = [cpu_of(group) for group in pids()], time.monotonic()
    work()
    seconds = time.monotonic() - began
    mine, server = (after - first for after, first in zip([cpu_of(group) for group in pids()], before))
    print(f"| {name} | {seconds:.1f} | {mine:.1f} | {server:.1f} |", flush=True)


def idle(provost):
    """Waits until no job is left to do and every event of until then is sealed: users may change all the while."""
    # Seldom: each of these connections costs PostgreSQL ten milliseconds.
    while int(provost.psql("SELECT count(*) FROM jobs WHERE state IN ('ready', 'running') AND run_at <= now()")) > 0:
        time.sleep(0.5)
    last = int(provost.psql("SELECT coalesce(max(number), 0) FROM unsealed_events"))
    while int(provost.psql(f"SELECT count(*) FROM (SELECT FROM unsealed_events WHERE number <= {last} LIMIT 1) unsealed")) > 0:
        time.sleep(0.5)


def rule(provost, number, halves):
    """A draft of a rule with a course of its own, for everybody, or for one half or the other."""
    course = provost.post("/v1/courses", {"code": f"course-{number}", "title": f"Course {number}", "language": "en", "modules": [{"title": "All of it"}]})["id"]
    provost.post(f"/v1/courses/{course}/publications")
    due = {"kind": "after_hire", "offset": "P30D", "minimum_lead": "P14D"}
    half = f' and hired_on {["lt", "ge"][number % 2]} "2019-02-09"' if halves else ""
    body = {"code": f"rule-{number}", "name": f"Rule {number}", "audience": {"filter": 'status eq "active"' + half}, "targets": [{"kind": "course", "id": course}], "due": due}
    return provost.post("/v1/rules", body)["id"]


def small(provost, number):
    """An active rule of one department."""
    body = {"code": f"small-{number}", "name": f"Small {number}", "audience": {"filter": f'department eq "Department {number}"'}, "due": {"kind": "after_joining", "offset": "P30D"},
            "targets": [{"kind": "course", "id": provost.get("/v1/courses?limit=1")["data"][0]["id"]}]}
    rule = provost.post("/v1/rules", body)["id"]
    provost.post(f"/v1/rules/{rule}/activation")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--rules", type=int, default=5)
    parser.add_argument("--halves", action="store_true", help="rules for half of the people each")
    parser.add_argument("--small", type=int, default=200, help="rules of a department each, for PATCH")
    arguments = parser.parse_args()
    with provost_of(arguments.users) as provost:
        rules = [rule(provost, number, arguments.halves) for number in range(arguments.rules + 1)]
        idle(provost)
        print(f"{arguments.users:,} users, {arguments.rules} rules{' for half of them' if arguments.halves else ''}, {os.cpu_count()} cores\n")
        print("| what | seconds | CPU s: Provost | CPU s: PostgreSQL |\n|---|---|---|---|")

        def activate():
            for each in rules[:-1]:
                provost.post(f"/v1/rules/{each}/activation")
            idle(provost)

        def job(kind, payload="{}"):
            provost.psql(f"""INSERT INTO jobs (id, kind, payload, state, is_long, run_at, max_attempts, request_id, created_at)
                VALUES (gen_random_uuid(), '{kind}', '{payload}', 'ready', true, now(), 5, 'benchmark', now())""")

        def daily():
            provost.psql("""INSERT INTO day_progress (work, since, until) VALUES ('requirements', now() - interval '9 days', now() - interval '1 day')
                ON CONFLICT (work) DO UPDATE SET since = excluded.since, until = excluded.until""")
            job("requirements.days")
            job("reconcile_day")
            idle(provost)

        def compare():
            provost.post("/v1/requirements/comparisons")
            idle(provost)

        def patch(users):
            token = provost.token()
            for user in users:
                began = time.monotonic()
                provost.patch(f"/v1/users/{user}", {"department": f"Department {len(waits) % 200}"}, token)
                waits.append(1000 * (time.monotonic() - began))

        def plan():
            provost.post(f"/v1/rules/{rules[-1]}/plans")
            idle(provost)

        def copy(written):
            for table, which in written.items():
                keys = provost.psql(f"SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype = 'f'")
                keys = "".join(f"ALTER TABLE copied ADD {key};" for key in keys.splitlines())
                provost.psql(f"CREATE TABLE copied (LIKE {table} INCLUDING ALL EXCLUDING GENERATED); {keys} INSERT INTO copied SELECT * FROM {table} WHERE {which}; DROP TABLE copied")

        measure(provost, "activate all rules", activate)
        measure(provost, "an idle day", daily)
        measure(provost, "a full comparison", compare)
        measure(provost, "plan another rule", plan)
        measure(provost, "PostgreSQL: the same rows into tables of the same shape", lambda: copy({table: "TRUE" for table in WRITTEN}))
        waits = []
        for number in range(arguments.small):
            small(provost, number)
        idle(provost)
        users = provost.psql("SELECT id FROM users WHERE status = 'active' ORDER BY md5(id::text) LIMIT 300").split()
        patch(users[:100])
        waits.clear()
        measure(provost, f"200 PATCH of a user, one after another, under {arguments.small} more rules", lambda: patch(users[100:]))
        print(f"PATCH: p50 {sorted(waits)[len(waits) // 2]:.1f} ms, p95 {sorted(waits)[len(waits) * 95 // 100]:.1f} ms")
        others = provost.psql("SELECT id FROM users WHERE status = 'active' ORDER BY md5(id::text) LIMIT 1000 OFFSET 300").split()
        rows = [{"row_key": str(place), "id": user, "update": {"department": f"Department {(place + 7) % 200}"}} for place, user in enumerate(others)]
        measure(provost, f"1,000 users change department in one request, under {arguments.small} more rules", lambda: provost.post("/v1/users/bulk", {"rows": rows}))

        units = [provost.post("/v1/org-units", {"code": code, "name": code})["id"] for code in ("asking", "moving")]
        provost.psql(f"UPDATE users SET org_unit_id = '{units[1]}' WHERE id IN (SELECT id FROM users WHERE status = 'active' ORDER BY id LIMIT {arguments.users // 5})")
        course = provost.get("/v1/courses?limit=1")["data"][0]["id"]
        body = {"code": "unit", "name": "Unit", "audience": {"org_unit_ids": [units[0]]}, "due": {"kind": "after_joining", "offset": "P30D"}, "targets": [{"kind": "course", "id": course}]}
        provost.post(f"/v1/rules/{provost.post('/v1/rules', body)['id']}/activation")
        idle(provost)

        def move():
            provost.patch(f"/v1/org-units/{units[1]}", {"parent_id": units[0]})
            idle(provost)

        with Waits(provost):
            measure(provost, f"a unit of {arguments.users // 5:,} users moves, until requirements are settled", move)

        # Completions of eleven months ago satisfy what is open, and open the next cycle.
        provost.psql("UPDATE courses SET version = version; UPDATE course_versions SET validity_period = 'P1Y'")

        def complete(first, last):
            """For everybody: one course, or one for each half."""
            courses = [f"'course-{number}'" for number in range(first, last)]
            if arguments.halves:
                courses = [f"'course-{number}'" for number in range(2 * first, 2 * last)]
            provost.psql(f"""INSERT INTO completions (id, user_id, course_id, course_version_id, occurred_at, occurred_on, recorded_at, source)
                SELECT gen_random_uuid(), q.user_id, q.course_id, c.current_version_id, now() - interval '340 days', current_date - 340, now(), 'import'
                FROM requirements q JOIN courses c ON c.id = q.course_id
                WHERE c.code IN ({", ".join(courses)}) AND q.satisfied_at IS NULL AND q.ended_at IS NULL""")

        def renew():
            job("requirements.settle", '{"operation": null}')
            idle(provost)

        complete(0, 2)
        before = {table: int(provost.psql(f"SELECT count(*) FROM {table}")) for table in ("requirements", "events")}
        since = provost.psql("SELECT clock_timestamp()").strip()
        measure(provost, f"{2 * arguments.users:,} completions satisfy, and as many renewals open", renew)
        measure(provost, "PostgreSQL: the rows that this wrote, new and changed", lambda: copy({table: f"{at} >= '{since}'" for table, at in WRITTEN_AT.items()}))
        for table, count in before.items():
            print(f"  {table}: {int(provost.psql(f'SELECT count(*) FROM {table}')) - count:,} more rows")
        # The changes of a user cost something, too: they are made beside renewals of their own.
        complete(2, 3)
        with Waits(provost):
            measure(provost, f"{arguments.users:,} more, while a user changes again and again", renew)
        measure(provost, "the compliance report", lambda: provost.get("/v1/reports/compliance"))
        bare = "SELECT u.org_unit_id, q.due_on < current_date, count(*) FROM requirements q JOIN users u ON u.id = q.user_id GROUP BY 1, 2"
        measure(provost, "PostgreSQL: requirements joined to people and counted", lambda: provost.psql(bare))
        for table in WRITTEN:
            print(f"{table}: {int(provost.psql(f'SELECT count(*) FROM {table}')):,} rows")


if __name__ == "__main__":
    main()
