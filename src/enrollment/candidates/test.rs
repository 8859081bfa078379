//! Freezes candidates, has testers take them, and publishes or withdraws them.

use std::collections::HashSet;

use uuid::Uuid;

use super::{
    model::{
        CandidateState, CourseCandidate, CourseTester, CreateCourseCandidate, GiveVerdict,
        PublishCourseCandidate, Verdict,
    },
    store,
};
use crate::{
    app::Tx,
    authz::{Authorized, Permission},
    catalog::courses::{model::Course, publish, versions::model::CourseVersionWithFindings},
    db::Fixed,
    enrollment::{
        enrollments::{
            self,
            model::{Enrollment, EnrollmentKind, EnrollmentSource},
        },
        events::{
            CANDIDATE_CREATED, CANDIDATE_UPDATED, CANDIDATE_WITHDRAWN, ENROLLMENT_CREATED,
            ENROLLMENT_WITHDRAWN,
        },
        people,
    },
    http::{ApiError, ApiResult, Code, Faults},
    ledger::{Event, EventKind},
    resource::record::as_json,
    sql,
};

/// Freezes the working copy of a course as a candidate.
pub fn create(
    tx: &mut Tx,
    course: &Authorized<Course>,
    new: CreateCourseCandidate,
) -> ApiResult<CourseCandidate> {
    let (version_id, _) = publish::freeze(tx, course, new.note)?;
    enroll(
        tx,
        course.id,
        version_id,
        &HashSet::new(),
        &new.tester_ids,
        "tester_ids",
    )?;
    let candidate = store::of_version(tx, version_id)?;
    tx.record(Event::new(&CANDIDATE_CREATED, version_id).after(&candidate));
    Ok(candidate)
}

/// Adds testers to an open candidate.
pub fn add_testers(
    tx: &mut Tx,
    course: &Authorized<Course>,
    number: i32,
    users: &[Uuid],
) -> ApiResult<CourseCandidate> {
    let before = open(tx, course, number)?;
    let known = before.testers.iter().map(|tester| tester.user_id).collect();
    enroll(tx, course.id, before.id, &known, users, "user_ids")?;
    changed(tx, &CANDIDATE_UPDATED, &before)
}

/// Gives users test enrollments in a frozen version. All faults are told at once, below the member that names the users.
fn enroll(
    tx: &mut Tx,
    course_id: Uuid,
    version_id: Uuid,
    known: &HashSet<Uuid>,
    users: &[Uuid],
    member: &str,
) -> ApiResult<()> {
    let mut taken = known.clone();
    let places: Vec<(usize, Uuid)> = users
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, user)| taken.insert(*user))
        .collect();
    let pairs: Vec<people::Pair> = places.iter().map(|(_, user)| (*user, course_id)).collect();
    let allowed = people::allow(tx, Permission::EnrollmentsWrite, &pairs)?;
    let learners = people::lock(tx, pairs.iter().map(|(user, _)| *user))?;
    let mut faults = Faults::default();
    for ((place, user), allowed) in places.iter().zip(allowed) {
        let fault = allowed.and_then(|()| learners.check_learns(*user));
        let told = |fault: ApiError| {
            let first = fault.fields.first().map(|first| first.detail.clone());
            let detail = first.unwrap_or_else(|| fault.detail.to_string());
            ApiError::field(format!("/{member}/{place}"), detail)
        };
        faults.check(fault.map_err(told))?;
    }
    faults.into_result()?;
    let rows: Vec<Enrollment> = pairs
        .iter()
        .map(|pair| {
            Enrollment::new(
                *pair,
                version_id,
                EnrollmentSource::Person,
                EnrollmentKind::Test,
                tx.now,
            )
        })
        .collect();
    enrollments::store::insert(tx, &rows)?;
    for row in &rows {
        tx.record(
            Event::new(&ENROLLMENT_CREATED, row.id)
                .about(row.user_id)
                .after(row),
        );
    }
    let testers: Vec<(Uuid, Uuid)> = rows.iter().map(|row| (row.user_id, row.id)).collect();
    store::add_testers(tx, version_id, &testers)
}

/// Keeps what the tester of a test enrollment says of its candidate.
pub fn decide(
    tx: &mut Tx,
    enrollment: &Authorized<Enrollment>,
    given: &GiveVerdict,
) -> ApiResult<CourseTester> {
    if enrollment.kind != EnrollmentKind::Test {
        return Err(ApiError::new(
            Code::EnrollmentIsNoTest,
            "Only testers of a candidate give a verdict, by their test enrollment.",
        ));
    }
    if tx.caller.person() != Some(enrollment.user_id) {
        return Err(ApiError::new(
            Code::Forbidden,
            "Only the tester gives the verdict: sign in as the user of this enrollment.",
        ));
    }
    let before = store::of_version(tx, enrollment.course_version_id)?;
    check_open(&before)?;
    let note = given.note.as_deref();
    if !store::decide(tx, before.id, enrollment.user_id, given.verdict, note)? {
        return Err(ApiError::new(
            Code::VerdictGiven,
            "You have decided already. Ask for a new candidate, and decide again there.",
        ));
    }
    let after = changed(tx, &CANDIDATE_UPDATED, &before)?;
    let own = after
        .testers
        .into_iter()
        .find(|tester| tester.user_id == enrollment.user_id);
    own.ok_or_else(|| ApiError::internal("the tester is missing"))
}

/// Publishes an open candidate exactly as it was frozen, and ends its test enrollments.
pub fn publish(
    tx: &mut Tx,
    course: &Authorized<Course>,
    number: i32,
    how: &PublishCourseCandidate,
) -> ApiResult<CourseVersionWithFindings> {
    let candidate = open(tx, course, number)?;
    if course
        .current_version_number
        .is_some_and(|current| current > number)
    {
        return Err(ApiError::new(
            Code::CandidateOutdated,
            "A later version was published after this candidate was frozen: freeze a new candidate.",
        ));
    }
    let approves = |verdict: Option<Verdict>| verdict == Some(Verdict::Approved);
    let is_approved =
        !candidate.testers.is_empty() && candidate.testers.iter().all(|tester| approves(tester.verdict));
    if !how.without_approval && !is_approved {
        return Err(ApiError::new(
            Code::CandidateNotApproved,
            "Wait until all testers approve it, of whom there must be one, or publish it with `without_approval`.",
        ));
    }
    let (modules, until) = (&candidate.modules, how.earlier_count_until);
    let published = publish::publish_candidate(tx, course, candidate.id, modules, until)?;
    end_tests(tx, candidate.id)?;
    Ok(published)
}

/// Withdraws an open candidate, and ends its test enrollments.
pub fn withdraw(tx: &mut Tx, course: &Authorized<Course>, number: i32) -> ApiResult<CourseCandidate> {
    let before = open(tx, course, number)?;
    store::discard(tx, before.id)?;
    end_tests(tx, before.id)?;
    changed(tx, &CANDIDATE_WITHDRAWN, &before)
}

/// The open candidate of a course, whose row is locked by its proof.
fn open(tx: &mut Tx, course: &Authorized<Course>, number: i32) -> ApiResult<CourseCandidate> {
    let candidate = store::find(tx, course.id, number)?;
    check_open(&candidate)?;
    Ok(candidate)
}

fn check_open(candidate: &CourseCandidate) -> ApiResult<()> {
    match candidate.state {
        CandidateState::Open => Ok(()),
        state => Err(ApiError::new(
            Code::CandidateClosed,
            format!("It is {} already; freeze a new candidate.", state.as_str()),
        )),
    }
}

fn changed(tx: &mut Tx, kind: &'static EventKind, before: &CourseCandidate) -> ApiResult<CourseCandidate> {
    let after = store::of_version(tx, before.id)?;
    if after != *before {
        tx.record(Event::new(kind, after.id).before(before).after(&after));
    }
    Ok(after)
}

fn end_tests(tx: &mut Tx, version_id: Uuid) -> ApiResult<()> {
    sql!(
        "SELECT FROM enrollments WHERE course_version_id = {version_id} AND kind = 'test'
            AND user_id IN (SELECT user_id FROM course_testers WHERE course_version_id = {version_id}) FOR NO KEY UPDATE"
    )
    .execute(tx.conn)?;
    let (now, ended) = (
        tx.now,
        "('completed', 'failed', 'withdrawn', 'expired', 'denied')",
    );
    let statement = sql!(
        "present AS (SELECT e.* FROM enrollments e JOIN course_testers t ON t.user_id = e.user_id AND t.enrollment_id = e.id
            WHERE t.course_version_id = {version_id} AND e.state NOT IN {ended}),
         ended AS (UPDATE enrollments e SET state = 'withdrawn', ended_at = {now}, updated_at = {now}, version = e.version + 1
            FROM present WHERE e.user_id = present.user_id AND e.id = present.id RETURNING e.*),
         changes AS (SELECT {ENROLLMENT_WITHDRAWN.action} AS action, e.id, e.user_id, {before} AS before, {after} AS after
            FROM ended e JOIN present p ON p.user_id = e.user_id AND p.id = e.id)",
        ended = Fixed(ended),
        before = as_json::<Enrollment>("p."),
        after = as_json::<Enrollment>("e."),
    );
    tx.record_changes(&[&ENROLLMENT_WITHDRAWN], statement).map(drop)
}
