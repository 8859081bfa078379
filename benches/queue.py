#!/usr/bin/env python3
"""How many short jobs a worker does in a second, beside pgbench with the statements of one job in the same run.

A job here is a request for a reset of a password of somebody who does not exist: it reads once and completes.
"""

import argparse
import pathlib
import re
import subprocess
import tempfile
import time

from harness import provost_of

JOBS = """
INSERT INTO jobs (id, kind, payload, state, is_long, run_at, max_attempts, request_id, created_at)
SELECT gen_random_uuid(), 'users.password_reset', '{{"login": "nobody"}}', 'ready', false, now() + interval '{wait} seconds', 10, '', now()
FROM generate_series(1, {count});
"""

# Claimed jobs, and what an attempt does to one of them.
CLAIMED = """
CREATE TABLE bench_jobs (LIKE jobs INCLUDING ALL);
INSERT INTO bench_jobs (id, kind, payload, state, is_long, run_at, max_attempts, request_id, created_at, attempts, attempt_token, lease_until)
SELECT ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 'bench', '{{}}', 'running', false, now(), 10, '', now(), 1,
       ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, now() + interval '1 hour'
FROM generate_series(1, {count}) AS n;
CREATE SEQUENCE bench_job;
"""
ATTEMPT = """SELECT ('00000000-0000-7000-8000-' || lpad(nextval('bench_job')::text, 12, '0'))::uuid AS id \\gset
BEGIN;
SELECT id, set_config('statement_timeout', '600s', true) FROM bench_jobs WHERE id = :id::uuid AND attempt_token = :id::uuid AND state = 'running' FOR KEY SHARE;
SELECT id FROM users WHERE username_folded = 'nobody';
UPDATE bench_jobs SET state = 'succeeded', attempt_token = NULL, lease_until = NULL, last_error = NULL, finished_at = now()
WHERE id = :id::uuid AND attempt_token = :id::uuid AND state = 'running';
COMMIT;
"""


def jobs_a_second(provost, count):
    wait = 5
    provost.psql(JOBS.format(count=count, wait=wait))
    query = "SELECT count(*), extract(epoch FROM max(finished_at) - min(run_at)) FROM jobs WHERE kind = 'users.password_reset' AND state = 'succeeded'"
    while True:
        done, seconds = provost.psql(query).strip().split("|")
        if int(done) == count:
            break
        time.sleep(0.5)
    provost.psql("DELETE FROM jobs WHERE kind = 'users.password_reset'; VACUUM jobs")
    return count / float(seconds)


def attempts_a_second(provost, clients, count):
    provost.psql("DROP TABLE IF EXISTS bench_jobs; DROP SEQUENCE IF EXISTS bench_job;" + CLAIMED.format(count=count))
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(ATTEMPT)
        script.flush()
        pgbench = next(iter(sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/pgbench"))), "pgbench")
        command = [pgbench, "-n", "-M", "prepared", "-f", script.name, "-c", str(clients), "-j", "2", "-t", str(count // clients),
                   "-h", str(provost.folder / "run"), "-U", "provost", "provost"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return float(re.search(r"tps = ([\d.]+)", output).group(1))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=30_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    with provost_of(1_000) as provost:
        for number in range(arguments.rounds):
            jobs = jobs_a_second(provost, arguments.jobs)
            attempts = attempts_a_second(provost, 8, arguments.jobs)
            print(f"round {number + 1}: {jobs:,.0f} jobs a second; pgbench, 8 clients: {attempts:,.0f}", flush=True)


if __name__ == "__main__":
    main()
