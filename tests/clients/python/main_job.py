"""Provost's main job through the generated client: people from an HR file, a course, a rule, a completion, its
certificate, and the report.

    main_job.py URL USERNAME PASSWORD FOLDER_OF_THE_HR_FILE
"""

import json
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from provost_client import AuthenticatedClient, Client
from provost_client.api.certificates import get_certificate_file, list_certificates
from provost_client.api.completions import create_completion
from provost_client.api.courses import create_course, publish_course
from provost_client.api.imports import apply_import, create_import, create_import_profile, get_import
from provost_client.api.operations import get_operation
from provost_client.api.reports import get_compliance_report
from provost_client.api.requirements import list_requirements
from provost_client.api.rules import apply_rule, create_rule, explain_rule, plan_rule
from provost_client.api.sign_in import create_token
from provost_client.api.users import create_user, get_user, update_user
from provost_client.api.verification import verify_certificate
from provost_client.models import (
    Activity,
    ActivityKind,
    ApplyImport,
    ApplyRule,
    Audience,
    Certificate,
    Completion,
    ComplianceCounts,
    ComplianceReport,
    Course,
    CourseVersionWithFindings,
    CreateCompletion,
    CreateCourse,
    CreateImportProfile,
    CreateRule,
    CreateUser,
    DuePolicyAfterJoining,
    DuePolicyAfterJoiningKind,
    Import,
    ImportCounts,
    ImportProfile,
    ImportStatus,
    Module,
    Operation,
    OperationStatus,
    PageCertificate,
    PageRequirement,
    PlanRule,
    Problem,
    ReconcileOutcome,
    Requirement,
    RequirementStatus,
    Rule,
    RuleExplanation,
    RulePlan,
    Target,
    TargetKind,
    TokenRequest,
    TokenResponse,
    UpdateUser,
    User,
    Verification,
    VerificationStatus,
)
from provost_client.types import File

T = TypeVar("T")

PATIENCE_SECONDS = 60


def expect(kind: type[T], answer: object) -> T:
    """The answer, if it is what it should be."""
    assert isinstance(answer, kind), f"wanted {kind.__name__}, got {answer}"
    return answer


def wait_for(what: str, look: Callable[[], T | None]) -> T:
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        found = look()
        if found is not None:
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what}: nothing after {PATIENCE_SECONDS} seconds")


def sign_in(url: str, username: str, password: str) -> AuthenticatedClient:
    request = TokenRequest(grant_type="password", username=username, password=password)
    with Client(url) as anonymous:
        token = expect(TokenResponse, create_token.sync(client=anonymous, body=request))
    return AuthenticatedClient(url, token=token.access_token, raise_on_unexpected_status=True)


def finish(client: AuthenticatedClient, operation_id: UUID) -> Operation:
    """Waits until an operation has succeeded."""

    def look() -> Operation | None:
        operation = expect(Operation, get_operation.sync(operation_id, client=client))
        return operation if operation.finished_at else None

    operation = wait_for("the operation", look)
    assert operation.status is OperationStatus.SUCCEEDED, operation
    return operation


def import_people(client: AuthenticatedClient, folder: Path) -> None:
    """Plans and applies the HR file; a second run has nothing to do."""
    mapping = json.loads((folder / "messy_hr.json").read_text())
    profile = CreateImportProfile.from_dict(mapping)
    expect(ImportProfile, create_import_profile.sync(client=client, body=profile))

    planned = plan_import(client, folder)
    counts = expect(ImportCounts, planned.counts)
    assert counts.create > 10 and counts.refuse > 0, counts

    body = ApplyImport(plan_hash=expect(str, planned.plan_hash))
    operation = expect(Operation, apply_import.sync(str(planned.id), client=client, body=body))
    finish(client, operation.id)

    again = expect(ImportCounts, plan_import(client, folder).counts)
    assert (again.create, again.update, again.end) == (0, 0, 0), again
    assert again.unchanged == counts.create, again


def plan_import(client: AuthenticatedClient, folder: Path) -> Import:
    file = File(payload=BytesIO((folder / "messy_hr.csv").read_bytes()))
    sent = expect(Import, create_import.sync(client=client, body=file, profile="messy_hr"))
    finish(client, sent.operation_id)
    planned = expect(Import, get_import.sync(str(sent.id), client=client))
    assert planned.status is ImportStatus.PLANNED, planned
    return planned


def publish(client: AuthenticatedClient) -> Course:
    """A course with a published version."""
    reading = Activity(kind=ActivityKind.TASK, title="Fire doors", minutes=10)
    draft = CreateCourse(
        code="FIRE-101",
        language="en",
        title="Fire safety",
        validity_period="P2Y",
        modules=[Module(title="Before a fire", activities=[reading])],
    )
    course = expect(Course, create_course.sync(client=client, body=draft))
    version = expect(CourseVersionWithFindings, publish_course.sync(str(course.id), client=client))
    assert version.number == 1, version
    return course


def require(client: AuthenticatedClient, course: Course) -> Rule:
    """A rule that asks the course of everybody in production."""
    draft = CreateRule(
        code="fire-safety-production",
        name="Fire safety in production",
        audience=Audience(filter_='department eq "Production"'),
        targets=[Target(kind=TargetKind.COURSE, id=course.id)],
        due=DuePolicyAfterJoining(kind=DuePolicyAfterJoiningKind.AFTER_JOINING, offset="P30D"),
    )
    rule = expect(Rule, create_rule.sync(client=client, body=draft))
    planning = expect(Operation, plan_rule.sync(str(rule.id), client=client, body=PlanRule()))
    plan = expect(RulePlan, finish(client, planning.id).result)
    assert plan.opens > 0 and plan.ends == 0, plan
    body = ApplyRule(plan_hash=plan.plan_hash)
    applying = expect(Operation, apply_rule.sync(str(rule.id), client=client, body=body))
    applied = expect(ReconcileOutcome, finish(client, applying.id).result)
    assert applied.opened == plan.opens, applied
    return rule


def requirement_of(client: AuthenticatedClient, user: User, course: Course) -> Requirement:
    """What is required of them: one thing."""
    wanted = f'user_id eq "{user.id}" and course_id eq "{course.id}"'
    page = expect(PageRequirement, list_requirements.sync(client=client, filter_=wanted))
    [requirement] = page.data
    return requirement


def complete(client: AuthenticatedClient, user: User, course: Course) -> Certificate:
    """Records a completion; the certificate is issued by a job."""
    done = CreateCompletion(user_id=user.id, course_id=course.id, score=92.5)
    completion = expect(Completion, create_completion.sync(client=client, body=done))

    def look() -> Certificate | None:
        wanted = f'user_id eq "{user.id}"'
        page = expect(PageCertificate, list_certificates.sync(client=client, filter_=wanted))
        return page.data[0] if page.data else None

    certificate = wait_for("the certificate", look)
    assert certificate.completion_id == completion.id, certificate
    return certificate


def check_certificate(client: AuthenticatedClient, url: str, certificate: Certificate) -> None:
    """Verifies it as anybody may, and downloads it."""
    with Client(url) as anybody:
        verified = expect(Verification, verify_certificate.sync(certificate.serial, client=anybody))
    assert verified.status is VerificationStatus.VALID, verified
    assert (verified.name, verified.course) == ("José Ángel De la Cruz", "Fire safety"), verified

    file = expect(File, get_certificate_file.sync(certificate.id, client=client))
    assert file.payload.read().startswith(b"%PDF-"), "the certificate is no PDF"


def check_report(client: AuthenticatedClient, course: Course) -> None:
    """Reads compliance by org unit."""
    answer = get_compliance_report.sync(client=client, course_id=course.id)
    report = expect(ComplianceReport, answer)
    units = {row.org_unit_name: row for row in report.data}

    def outline(counts: ComplianceCounts) -> tuple[int, int, int, int]:
        return (counts.required, counts.satisfied, counts.open_, counts.overdue)

    assert outline(report.total) == (6, 1, 5, 0), report.total
    assert outline(units["Production"].subtree) == (6, 1, 5, 0), units["Production"]
    assert outline(units["Production"].direct) == (1, 0, 1, 0), units["Production"]
    assert outline(units["Line 1"].subtree) == (2, 1, 1, 0), units["Line 1"]
    assert outline(units["Line 2"].subtree) == (3, 0, 3, 0), units["Line 2"]
    assert outline(units["Sales"].subtree) == (0, 0, 0, 0), units["Sales"]


def check_refusals(client: AuthenticatedClient, user: User) -> None:
    """Faults come as problems with a type, and a stale change is refused."""
    wrong = CreateUser(username="", given_name="Ana", family_name="Silva", email="nowhere")
    problem = expect(Problem, create_user.sync(client=client, body=wrong))
    assert (problem.status, problem.code) == (422, "validation_failed"), problem
    pointers = {fault.pointer for fault in problem.errors or []}
    assert pointers == {"/username", "/email"}, problem

    key = str(user.id)
    read = get_user.sync_detailed(key, client=client)
    etag = read.headers["ETag"]
    changed = update_user.sync(key, client=client, if_match=etag, body=UpdateUser(title="Shift Lead"))
    assert expect(User, changed).title == "Shift Lead", changed
    stale = update_user.sync(key, client=client, if_match=etag, body=UpdateUser(title=None))
    assert expect(Problem, stale).status == 412, stale


def main(url: str, username: str, password: str, folder: str) -> None:
    with sign_in(url, username, password) as client:
        import_people(client, Path(folder))
        course = publish(client)
        rule = require(client, course)

        user = expect(User, get_user.sync("ext:hr:7003", client=client))
        requirement = requirement_of(client, user, course)
        assert requirement.status is RequirementStatus.OPEN, requirement
        why = expect(RuleExplanation, explain_rule.sync(str(rule.id), str(user.id), client=client))
        assert why.applies and why.audience.holds, why

        certificate = complete(client, user, course)
        assert requirement_of(client, user, course).status is RequirementStatus.SATISFIED
        check_certificate(client, url, certificate)
        check_report(client, course)
        check_refusals(client, user)


if __name__ == "__main__":
    main(*sys.argv[1:])
