"""Puts ids of things that exist in the place of made-up ones, in most requests: else nearly all of them would end in
404 before they reach anything.

The administrator who calls and their grant are spared: without them all the rest would be answered 401 or 403.
"""

import json
import os
import random
import urllib.request
from typing import Any

import schemathesis

# What tus calls bytes.
schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

SHARE = 0.8
MOST_OF_A_KIND = 200
NOBODY = "00000000-0000-7000-8000-000000000000"

# Members of bodies and queries that name something, and where such things are listed.
REFERENCES = {
    "category_id": "/v1/categories",
    "certificate_template_id": "/v1/certificate-templates",
    "course_id": "/v1/courses",
    "rule_id": "/v1/rules",
    "manager_id": "/v1/users",
    "org_unit_id": "/v1/org-units",
    "parent_id": "/v1/org-units",
    "principal_id": "/v1/service-accounts",
    "profile": "/v1/import-profiles",
    "role_id": "/v1/roles",
    "scope_id": "/v1/org-units",
    "template_id": "/v1/certificate-templates",
    "user_id": "/v1/users",
    "add": "/v1/users",
    "remove": "/v1/users",
}

known: dict[str, list[str]] = {}
spared: set[str] = set()
chance = random.Random(1)


def read(path: str) -> Any:
    request = urllib.request.Request(
        os.environ["PROVOST_URL"] + path,
        headers={"Authorization": f"Bearer {os.environ['PROVOST_TOKEN']}"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def learn(path: str, answer: Any) -> None:
    """Remembers the things of a list, or the one that was made."""
    if not isinstance(answer, dict):
        return
    things = answer.get("data", [answer])
    for thing in things if isinstance(things, list) else []:
        found = thing.get("id") if isinstance(thing, dict) else None
        ids = known.setdefault(path, [])
        if found and found not in spared and found not in ids:
            ids.append(found)
            del ids[:-MOST_OF_A_KIND]


def one_of(path: str | None, instead_of: Any) -> Any:
    ids = known.get(path or "")
    if ids and chance.random() < SHARE:
        return chance.choice(ids)
    return spare(instead_of)


def spare(value: Any) -> Any:
    """schemathesis sends ids again that it has read, those of the caller among them."""
    return NOBODY if isinstance(value, str) and value in spared else value


def filled(value: Any) -> Any:
    """A body or query with ids of things that exist."""
    if isinstance(value, list):
        return [filled(item) for item in value]
    if not isinstance(value, dict):
        return spare(value)
    members = {}
    for name, member in value.items():
        path = REFERENCES.get(name)
        if path and isinstance(member, list):
            members[name] = [one_of(path, item) for item in member]
        else:
            members[name] = one_of(path, member) if path else filled(member)
    return members


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    segments = case.operation.path.split("/")
    for place, segment in enumerate(segments):
        name = segment.strip("{}")
        if segment.startswith("{") and name in (case.path_parameters or {}):
            listed = "/".join(segments[:place])
            # What is named below something else may be listed elsewhere.
            source = listed if known.get(listed) else REFERENCES.get(name)
            case.path_parameters[name] = one_of(source, case.path_parameters[name])
    if "If-Match" in (case.headers or {}) and chance.random() < SHARE:
        case.headers["If-Match"] = "*"
    case.query = filled(case.query)
    case.body = filled(case.body)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    if response.status_code in (200, 201) and case.operation.method in ("get", "post"):
        try:
            learn(case.operation.path, response.json())
        except ValueError:
            pass  # A file.


me = read("/v1/me")
spared.add(me["id"])
for grant in read("/v1/grants?limit=200")["data"]:
    if grant["principal_id"] == me["id"]:
        spared.add(grant["id"])
for path, item in read("/openapi.json")["paths"].items():
    if path.startswith("/v1/") and "{" not in path and "get" in item and path != "/v1/me":
        learn(path, read(path))
