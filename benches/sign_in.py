#!/usr/bin/env python3
"""Whether the time of an answer tells if a name is known: wrong passwords for known and unknown names, and requests for a
reset, one after the other in turns, and the difference of their medians."""

import http.client
import os
import statistics
import time
import urllib.parse

from harness import LISTEN, provost_of

PEOPLE = 100_000
ROUNDS = 300
LIMIT_MS = 5

# So many failures would wait. Letters are never sent: there is no worker.
os.environ.update({
    "PROVOST_ACCOUNT_FAILURES": "0",
    "PROVOST_ADDRESS_FAILURES": "0",
    "PROVOST_SMTP_URL": "smtp://127.0.0.1:9",
    "PROVOST_MAIL_FROM": "no-reply@example.com",
    "PROVOST_PASSWORD_PAGE": "https://learn.example.com/password#",
})

PASSWORDS = """
INSERT INTO passwords (user_id, hash, updated_at)
SELECT users.id, (SELECT hash FROM passwords LIMIT 1), now() FROM users WHERE username LIKE 'user%';
ANALYZE passwords;
"""

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}


def sign_in(name):
    return "/oauth/token", urllib.parse.urlencode({"grant_type": "password", "username": name, "password": "wrong"}), FORM


def reset(name):
    return "/account/password-resets", f'{{"login": "{name}"}}', JSON


def ask(connection, request, status):
    path, body, headers = request
    began = time.perf_counter()
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    answer.read()
    took = time.perf_counter() - began
    if answer.status != status:
        raise SystemExit(f"{path}: {answer.status}, not {status}")
    return took * 1000


def compare(what, request, status):
    connection = http.client.HTTPConnection(LISTEN)
    known, unknown = [], []
    for number in range(1, ROUNDS + 1):
        known.append(ask(connection, request(f"user{number}"), status))
        unknown.append(ask(connection, request(f"nobody{number}"), status))
    medians = statistics.median(known), statistics.median(unknown)
    difference = abs(medians[0] - medians[1])
    verdict = "ok" if difference < LIMIT_MS else "TOO MUCH"
    print(f"{what}: known {medians[0]:.2f} ms, unknown {medians[1]:.2f} ms, difference {difference:.2f} ms ({verdict})")


with provost_of(PEOPLE, "--no-worker") as provost:
    provost.psql(PASSWORDS)
    compare("wrong password", sign_in, 400)
    compare("request for a reset", reset, 202)
