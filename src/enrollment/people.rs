//! The people and courses that facts are about, looked up and locked before a fact is written.

use diesel::{
    OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl,
    dsl::{exists, select},
    sql_types::Bool,
};
use uuid::Uuid;

use crate::{
    access::{Permission, Protected, Scope, ScopePart, callers, lacks},
    app::Tx,
    catalog::courses::model::Course,
    db::{
        Condition, Sql,
        schema::{course_versions, courses, users},
    },
    http::{ApiError, ApiResult, Code, Faults},
    ledger::ActorKind,
    people::users::model::UserStatus,
    period::Period,
    sql,
};

/// Locks the person, so that what is settled about them is settled by one transaction at a time.
pub fn lock(tx: &mut Tx, user_id: Uuid) -> ApiResult<UserStatus> {
    users::table
        .find(user_id)
        .select(users::status)
        .for_no_key_update()
        .first(tx.conn)
        .optional()?
        .ok_or_else(nobody)
}

/// Locks a person who is to learn; 409 for one who has left.
pub fn lock_learner(tx: &mut Tx, user_id: Uuid) -> ApiResult<()> {
    match lock(tx, user_id)? {
        UserStatus::Archived => Err(ApiError::new(
            Code::UserArchived,
            "Somebody who has left learns nothing; restore them first.",
        )),
        _ => Ok(()),
    }
}

/// 403 unless the caller may use `permission` on facts about this person and course, and 422 for a course that they may
/// not see, as for one that does not exist. Asked before anything is looked up, so that nobody learns of people whom they
/// may not see. Who may use it everywhere is told what does not exist.
pub fn allow(tx: &mut Tx, permission: Permission, user_id: Uuid, course_id: Uuid) -> ApiResult<()> {
    let scope = tx.scope(permission)?;
    if scope.is_everything() {
        return exist(tx, user_id, course_id);
    }
    let reach = reach(tx, &scope, user_id, course_id)?;
    if reach.person {
        return if reach.course_is_seen {
            Ok(())
        } else {
            Err(no_course())
        };
    }
    if reach.course && (!reach.course_is_kept || sees(tx, user_id, course_id)?) {
        return Ok(());
    }
    Err(lacks(permission))
}

#[derive(QueryableByName)]
struct Coverage {
    /// Whether the scope covers the person.
    #[diesel(sql_type = Bool)]
    person: bool,
    /// Whether it covers the course.
    #[diesel(sql_type = Bool)]
    course: bool,
    /// Whether the caller may see the course.
    #[diesel(sql_type = Bool)]
    course_is_seen: bool,
    /// Whether the course is restricted and this user is outside its audience.
    #[diesel(sql_type = Bool)]
    course_is_kept: bool,
}

fn reach(tx: &mut Tx, scope: &Scope, user_id: Uuid, course_id: Uuid) -> ApiResult<Coverage> {
    let readable = tx.caller.scope_if_any(Course::READ, tx.now);
    let seen = readable.iter().chain([scope]).map(Course::visible);
    let of_person = Scope::new(vec![ScopePart::OwnSelf], Some(user_id));
    let reach = sql!(
        "SELECT coalesce({users}, FALSE) AS person, coalesce({courses}, FALSE) AS course,
            EXISTS (SELECT FROM courses WHERE courses.id = asked.course_id
                    AND {seen}) AS course_is_seen,
            EXISTS (SELECT FROM courses WHERE courses.id = asked.course_id
                    AND courses.current_version_id IS NOT NULL AND NOT {visible}) AS course_is_kept
         FROM (SELECT {user_id}::uuid AS user_id, {course_id}::uuid AS course_id) asked",
        users = scope.users("asked.user_id"),
        courses = scope.courses("asked.course_id"),
        seen = Sql::any(seen),
        visible = Course::visible(&of_person),
    );
    Ok(reach.get_result(tx.conn)?)
}

/// Whether a role of the user shows them the course: a user who may see a restricted course may be enrolled
/// in it by those who have charge of the course and not of people.
fn sees(tx: &mut Tx, user_id: Uuid, course_id: Uuid) -> ApiResult<bool> {
    let person = callers::load(tx.conn, ActorKind::User, user_id, tx.now)?;
    let Some(scope) = person.and_then(|person| person.scope_if_any(Course::READ, tx.now)) else {
        return Ok(false);
    };
    let seen = courses::table
        .find(course_id)
        .filter(Condition::new(Course::visible(&scope)));
    Ok(select(exists(seen)).get_result(tx.conn)?)
}

/// 422 for a person and a course that do not exist.
fn exist(tx: &mut Tx, user_id: Uuid, course_id: Uuid) -> ApiResult<()> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = Bool)]
        user: bool,
        #[diesel(sql_type = Bool)]
        course: bool,
    }
    let found: Found = sql!(
        "SELECT EXISTS (SELECT FROM users WHERE id = {user_id}) AS \"user\",
            EXISTS (SELECT FROM courses WHERE id = {course_id}) AS course"
    )
    .get_result(tx.conn)?;
    let mut faults = Faults::default();
    let checks = [(found.user, nobody()), (found.course, no_course())];
    for (_, error) in checks.into_iter().filter(|(exists, _)| !exists) {
        faults.check(Err(error))?;
    }
    faults.into_result()
}

fn nobody() -> ApiError {
    ApiError::field("/user_id", "names nobody")
}

/// What is answered to the id of a course that does not exist.
pub fn no_course() -> ApiError {
    ApiError::field("/course_id", "names no course that exists")
}

/// The version of a course that people take, and how long its completions count.
pub struct PublishedCourse {
    /// The version.
    pub version_id: Uuid,
    /// How long a completion of it counts; for ever, if none.
    pub validity_period: Option<Period>,
}

/// The published version of a course that can be begun; 409 for one that is a draft or retired.
pub fn published_course(tx: &mut Tx, course_id: Uuid) -> ApiResult<PublishedCourse> {
    let (status, version_id) = courses::table
        .find(course_id)
        .select((courses::status, courses::current_version_id))
        .first::<(String, Option<Uuid>)>(tx.conn)
        .optional()?
        .ok_or_else(no_course)?;
    if status == "retired" {
        return Err(ApiError::new(
            Code::CourseRetired,
            "Nobody begins a retired course; choose another.",
        ));
    }
    version(tx, version_id)
}

/// A version of a course, current or not; 409 for a course that has none.
pub fn version(tx: &mut Tx, version_id: Option<Uuid>) -> ApiResult<PublishedCourse> {
    let unpublished = || ApiError::new(Code::CourseNotPublished, "Publish the course first.");
    let version_id = version_id.ok_or_else(unpublished)?;
    let validity_period = course_versions::table
        .find(version_id)
        .select(course_versions::validity_period)
        .first(tx.conn)?;
    Ok(PublishedCourse {
        version_id,
        validity_period,
    })
}
