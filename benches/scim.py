#!/usr/bin/env python3
"""What identity providers send, at a steady rate: half of the requests look somebody up by userName, a third looks somebody
up by externalId and changes them, the others add people and read pages of 100 deep in the list. Then a group's members,
thousands in one PATCH.

Starts Provost on a private PostgreSQL in a temporary data folder. The rate is kept however long answers take.
"""

import argparse
import json
import queue
import random
import threading
import time
import urllib.parse
import urllib.request

from harness import ADDRESS, cpu_of, provost_of

KNOWN = """
INSERT INTO scim_users (user_id, resource, updated_at)
SELECT id, jsonb_build_object('userName', username, 'displayName', given_name || ' ' || family_name), updated_at FROM users
WHERE username LIKE 'user%';
INSERT INTO external_keys (kind, source, key, object_id, created_at)
SELECT 'user', 'scim:{account}', 'ext-' || username, id, now() FROM users WHERE username LIKE 'user%';
VACUUM ANALYZE;
"""


def connect(provost):
    """A service account and the SCIM token of it."""
    account = provost.post("/v1/service-accounts", {"name": "Identity provider"})["id"]
    role = provost.get("/v1/roles?filter=" + urllib.parse.quote('code eq "integration"'))["data"][0]["id"]
    grant = {"principal_kind": "service_account", "principal_id": account, "role_id": role, "scope_kind": "everything"}
    provost.post("/v1/grants", grant)
    token = provost.post(f"/v1/service-accounts/{account}/secrets", {"kind": "scim"})["secret"]
    return account, token


def call(token, method, path, body=None):
    """What SCIM answers."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/scim+json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{ADDRESS}/scim/v2{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answered = answer.read()
    return json.loads(answered) if answered else None


def found(token, filter):
    return call(token, "GET", "/Users?filter=" + urllib.parse.quote(filter))["Resources"]


def request(token, number, people):
    name = f"user{random.randint(1, people)}"
    kind = number % 10
    if kind < 5:
        assert found(token, f'userName eq "{name}"')
    elif kind < 8:
        person = found(token, f'externalId eq "ext-{name}"')[0]["id"]
        value = {"title": f"T{number}", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department": "D"}
        call(token, "PATCH", f"/Users/{person}", {"Operations": [{"op": "Replace", "value": value}]})
    elif kind == 8:
        call(token, "POST", "/Users", {"userName": f"new{number}", "externalId": f"new{number}", "active": True})
    else:
        call(token, "GET", f"/Users?startIndex={random.randint(1, people // 2)}&count=100")


def keep_rate(token, people, rate, seconds):
    """The seconds that each request took from when it was due."""
    due, took, faults = queue.Queue(), [], []

    def work():
        while (job := due.get()) is not None:
            at, number = job
            try:
                request(token, number, people)
            except Exception as fault:
                faults.append(fault)
            took.append(time.monotonic() - at)

    workers = [threading.Thread(target=work) for _ in range(16)]
    for worker in workers:
        worker.start()
    began = time.monotonic()
    for number in range(rate * seconds):
        at = began + number / rate
        time.sleep(max(0, at - time.monotonic()))
        due.put((at, number))
    for _ in workers:
        due.put(None)
    for worker in workers:
        worker.join()
    if faults:
        raise SystemExit(f"{len(faults)} requests failed, the first: {faults[0]!r}")
    return sorted(took)


def change_members(token, people):
    ids = []
    for start in range(1, people + 1, 200):
        page = call(token, "GET", f"/Users?startIndex={start}&count=200&attributes=id")
        ids += [one["id"] for one in page["Resources"]]
    group = call(token, "POST", "/Groups", {"displayName": "Many"})["id"]
    add = [{"op": "Add", "path": "members", "value": [{"value": one} for one in ids]}]
    remove = [{"op": "Remove", "path": f'members[value eq "{one}"]'} for one in ids]
    for what, operations in [("added in one operation", add), ("removed by an operation each", remove)]:
        began = time.monotonic()
        call(token, "PATCH", f"/Groups/{group}", {"Operations": operations})
        print(f"{len(ids):,} members {what}: {time.monotonic() - began:.2f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=25, help="requests a second")
    parser.add_argument("--seconds", type=int, default=30)
    arguments = parser.parse_args()
    with provost_of(arguments.people) as provost:
        account, token = connect(provost)
        provost.psql(KNOWN.format(account=account))
        before = cpu_of([provost.process.pid]), cpu_of(provost.postgres())
        took = keep_rate(token, arguments.people, arguments.rate, arguments.seconds)
        used = cpu_of([provost.process.pid]) - before[0], cpu_of(provost.postgres()) - before[1]
        median, p95 = took[len(took) // 2], took[len(took) * 95 // 100]
        print(f"{arguments.rate} a second for {arguments.seconds} s, {arguments.people:,} people:")
        print(f"median {1000 * median:.0f} ms, 95 % within {1000 * p95:.0f} ms, longest {1000 * took[-1]:.0f} ms")
        print(f"CPU seconds: Provost {used[0]:.1f}, PostgreSQL {used[1]:.1f}")
        change_members(token, 5_000)


if __name__ == "__main__":
    main()
