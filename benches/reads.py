#!/usr/bin/env python3
"""Reading one user and a page of 50, beside pgbench with the same statements in the same run.

Starts Provost on a private PostgreSQL in a temporary data folder, fills it with people, and measures with wrk.
CPU is read from /proc for Provost's process and for PostgreSQL's apart.
"""

import argparse
import os
import re
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from harness import ADDRESS, cpu_of, memory_of, provost_of

COLUMNS = """id, username, email, given_name, family_name, status, locale, time_zone, title, job_code, department, location,
cost_centre, employment_type, hired_on, left_on, manager_id, org_unit_id, location_id, attributes, activated_on, version, created_at, updated_at"""

# What Provost sends for `GET /v1/users/{id}` and for the first page of `GET /v1/users`.
STATEMENTS = {
    "one user": "\\set n random(1, 1000)\n"
    f"SELECT {COLUMNS}, TRUE FROM users WHERE id = ('00000000-0000-7000-8000-' || lpad(:n::text, 12, '0'))::uuid AND TRUE LIMIT 1;",
    "page of 50": f"SELECT {COLUMNS}, to_jsonb(created_at) FROM users WHERE (TRUE AND TRUE) ORDER BY created_at, id LIMIT 51;",
}


def first_answer(script, token):
    """What the server says to the script's first request, for the message when it refuses."""
    path = re.search(r'"(/v1/[^"]*)"', script).group(1)
    path += next(iter(re.findall(r'"([0-9a-f-]{36})"', script)), "")
    request = urllib.request.Request(ADDRESS + path, headers={"Authorization": f"Bearer {token}"})
    try:
        return urllib.request.urlopen(request).read()
    except urllib.error.HTTPError as error:
        return error.read()


def measure_wrk(provost, token, path_script, connections, seconds):
    """Requests a second, and CPU milliseconds a request of Provost and of PostgreSQL."""
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(path_script.replace("TOKEN", token))
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script.name, ADDRESS]
        before = cpu_of([provost.process.pid]), cpu_of(provost.postgres())
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        after = cpu_of([provost.process.pid]), cpu_of(provost.postgres())
    if "Non-2xx" in output:
        raise SystemExit(f"{output}\nOne of the answers: {first_answer(path_script, token)}")
    requests = int(re.search(r"(\d+) requests in", output).group(1))
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
    p99 = re.search(r"99%\s+(\S+)", output).group(1)
    return rate, p99, 1000 * (after[0] - before[0]) / requests, 1000 * (after[1] - before[1]) / requests


def measure_pgbench(provost, statement, connections, seconds):
    """Transactions a second, and CPU milliseconds each of pgbench and of PostgreSQL."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as script:
        script.write(statement)
        script.flush()
        os.chmod(script.name, 0o644)
        command = ["pgbench", "-n", "-M", "prepared", "-c", str(connections), "-j", "1", "-T", str(seconds), "-f", script.name]
        command += ["-h", str(provost.folder / "run"), "-U", "provost", "provost"]
        server_before, mine_before = cpu_of(provost.postgres()), os.times()
        # Backends end with pgbench: their time is read before that, while it still runs.
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        server_after = server_before
        deadline = time.monotonic() + seconds - 0.3
        while time.monotonic() < deadline:
            time.sleep(0.1)
        server_after = cpu_of(provost.postgres())
        elapsed_share = (seconds - 0.3) / seconds
        output, errors = process.communicate()
        mine_after = os.times()
    if process.returncode:
        raise SystemExit(errors)
    count = int(re.search(r"actually processed: (\d+)", output).group(1))
    rate = float(re.search(r"tps = ([\d.]+)", output).group(1))
    client = mine_after.children_user + mine_after.children_system - mine_before.children_user - mine_before.children_system
    return rate, 1000 * client / count, 1000 * (server_after - server_before) / (count * elapsed_share)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=100_000)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=10)
    arguments = parser.parse_args()

    with provost_of(arguments.users) as provost:
        binary, start = provost.binary, provost.first_start
        ids = [f"00000000-0000-7000-8000-{n:012d}" for n in range(1, 1001)]
        idle = memory_of(provost.process.pid)
        token = provost.token()
        scripts = {
            "one user": 'local ids = {"' + '","'.join(ids) + '"}\nlocal n = 0\n'
            'wrk.headers["Authorization"] = "Bearer TOKEN"\n'
            'request = function() n = n % #ids + 1 return wrk.format("GET", "/v1/users/" .. ids[n]) end\n',
            "page of 50": 'wrk.headers["Authorization"] = "Bearer TOKEN"\n'
            'request = function() return wrk.format("GET", "/v1/users?limit=50") end\n',
        }
        print(f"{arguments.users:,} users, {arguments.connections} connections, {os.cpu_count()} cores\n")
        print("| read | | a second | p99 | CPU ms: client or Provost | CPU ms: PostgreSQL | CPU ms: both |")
        print("|---|---|---|---|---|---|---|")
        for name, script in scripts.items():
            measure_wrk(provost, token, script, arguments.connections, 2)
            rate, p99, mine, server = measure_wrk(provost, token, script, arguments.connections, arguments.seconds)
            limit_rate, limit_client, limit_server = measure_pgbench(provost, STATEMENTS[name], arguments.connections, arguments.seconds)
            limit = limit_client + limit_server
            print(f"| {name} | Provost | {rate:,.0f} | {p99} | {mine:.3f} | {server:.3f} | {mine + server:.3f} = {(mine + server) / limit:.1f} × |")
            print(f"| | pgbench | {limit_rate:,.0f} | | {limit_client:.3f} | {limit_server:.3f} | {limit:.3f} |")
        loaded = memory_of(provost.process.pid)
        provost.stop()
        starts = []
        for _ in range(5):
            starts.append(provost.start())
            provost.stop()
        print(f"\nmemory: {idle:.0f} MiB idle, {loaded:.0f} MiB after the load (limit 100)")
        print(f"first start, cluster there: {start:.2f} s; cold start to ready: {min(starts):.2f} to {max(starts):.2f} s (limit 0.5)")
        print(f"binary: {os.path.getsize(binary) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
