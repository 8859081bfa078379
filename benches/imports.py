#!/usr/bin/env python3
"""Imports of many people, and how long a change of one of them waits meanwhile.

Imports a file of new people, then one that changes each of them, then one in which most are missing; the last two while
people are changed by the API one after the other. Prints what each step took and how long the API's changes waited.
"""

import argparse
import json
import random
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

from harness import ADDRESS, provost_of

PROFILE = {
    "code": "bench", "name": "Benchmark", "resource": "users",
    "mapping": {
        "key": {"source": "hr", "value": {"column": "id"}},
        "fields": {
            "username": {"template": "p{id}"}, "given_name": {"column": "given"}, "family_name": {"column": "family"},
            "title": {"column": "title"}, "department": {"column": "unit"}, "hired_on": {"column": "hired"},
        },
        "references": {
            "manager": {"by": "key", "value": {"column": "boss"}},
            "org_unit": {"by": "name", "value": {"columns": ["unit"]}, "on_missing": "create"},
        },
        "missing": {"then": "archived"},
    },
}


def file_of(people, title):
    """Everybody reports to one of ten times fewer, who may stand anywhere in the file."""
    rows = ["id,given,family,title,unit,hired,boss"]
    for number in range(1, people + 1):
        boss = number // 10 or ""
        rows.append(f"{number},Given{number % 997},Family{number % 9973},{title},Unit {number % 40},20{10 + number % 15}-05-17,{boss}")
    head, *others = rows
    random.Random(7).shuffle(others)
    return "\n".join([head, *others]).encode()


def send(token, method, path, body, kind="application/json", more=()):
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind, **dict(more)}
    with urllib.request.urlopen(urllib.request.Request(ADDRESS + path, body, headers, method=method), timeout=300) as answer:
        return json.load(answer)


def finished(provost, operation):
    while (answer := provost.get(f"/v1/operations/{operation}"))["status"] in ("pending", "running"):
        time.sleep(0.1)
    if answer["status"] != "succeeded":
        raise SystemExit(json.dumps(answer))
    return answer["result"]


def change(provost, people, stop, waits, refused):
    """Changes one person after the other until `stop`."""
    token, chooser = provost.token(), random.Random(11)
    while not stop.is_set():
        path = f"/v1/users/ext:hr:{chooser.randint(1, people)}"
        body = json.dumps({"location": f"L{time.monotonic_ns()}"}).encode()
        for _ in range(9):
            user = provost_get(token, path)
            began = time.monotonic()
            try:
                send(token, "PATCH", path, body, "application/merge-patch+json", [("If-Match", f'"{user["version"]}"')])
                waits.append(time.monotonic() - began)
                break
            except urllib.error.HTTPError as error:
                # The import changed them in between, or held them for too long.
                waits.append(time.monotonic() - began)
                if error.code not in (412, 503):
                    raise
                refused.append(error.code)


def provost_get(token, path):
    request = urllib.request.Request(ADDRESS + path, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=300) as answer:
        return json.load(answer)


def timed(name, work):
    began = time.monotonic()
    result = work()
    print(f"| {name} | {time.monotonic() - began:.1f} s |", flush=True)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", type=int, default=100_000)
    arguments = parser.parse_args()
    with provost_of(0) as provost:
        provost.post("/v1/import-profiles", PROFILE)

        def plan(people, title):
            query = urllib.parse.urlencode({"profile": "bench"})
            sent = send(provost.token(), "POST", f"/v1/imports?{query}", file_of(people, title), "text/csv")
            finished(provost, sent["operation_id"])
            return provost.get(f"/v1/imports/{sent['id']}")

        def apply(planned):
            body = {"plan_hash": planned["plan_hash"], "allow_removals_percent": 100}
            return finished(provost, provost.post(f"/v1/imports/{planned['id']}/application", body)["id"])

        def apply_beside_changes(planned):
            stop, waits, refused = threading.Event(), [], []
            changing = threading.Thread(target=change, args=(provost, people, stop, waits, refused))
            changing.start()
            counts = timed("apply it while others change people of it", lambda: apply(planned))
            stop.set()
            changing.join()
            waits.sort()
            lines.append(
                f"{len(waits)} changes meanwhile, {refused.count(412)} of them outrun by the import, {refused.count(503)} given up; rows refused: {counts['refuse']}; "
                f"median {1000 * waits[len(waits) // 2]:.0f} ms, 99 % within {1000 * waits[len(waits) * 99 // 100]:.0f} ms, longest {1000 * waits[-1]:.0f} ms"
            )

        people, lines = arguments.people, []
        print(f"{people:,} people\n\n| what | took |\n|---|---|")
        planned = timed("plan a file of new people", lambda: plan(people, "Clerk"))
        timed("apply it", lambda: apply(planned))
        planned = timed("plan a file that changes everybody", lambda: plan(people, "Nurse"))
        apply_beside_changes(planned)
        planned = timed("plan a file of a tenth of them", lambda: plan(people // 10, "Nurse"))
        apply_beside_changes(planned)
        print("\n" + "\n".join(lines))


if __name__ == "__main__":
    main()
