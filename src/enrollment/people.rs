//! The people and courses that facts are about, looked up and locked before a fact is written.

use diesel::{OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, sql_types::Bool};
use uuid::Uuid;

use crate::{
    access::{Permission, lacks},
    app::Tx,
    db::{
        bind,
        schema::{course_versions, courses, users},
    },
    http::{ApiError, ApiResult, Code},
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

/// 403 unless the caller may use `permission` on facts about this person and course. Asked before anything is
/// looked up, so that nobody learns of people whom they may not see. Who may use it everywhere is told what does not
/// exist.
pub fn allow(tx: &mut Tx, permission: Permission, user_id: Uuid, course_id: Uuid) -> ApiResult<()> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Bool)]
        covered: bool,
    }
    let scope = tx.scope(permission)?;
    if scope.is_everything() {
        return exist(tx, user_id, course_id);
    }
    let row: Row = sql![
        "SELECT coalesce(",
        scope.facts("asked.user_id", "asked.course_id"),
        ", FALSE) AS covered FROM (SELECT ",
        bind(user_id),
        "::uuid AS user_id, ",
        bind(course_id),
        "::uuid AS course_id) asked"
    ]
    .get_result(tx.conn)?;
    if row.covered {
        Ok(())
    } else {
        Err(lacks(permission))
    }
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
    let found: Found = sql![
        "SELECT EXISTS (SELECT FROM users WHERE id = ",
        bind(user_id),
        ") AS \"user\", EXISTS (SELECT FROM courses WHERE id = ",
        bind(course_id),
        ") AS course"
    ]
    .get_result(tx.conn)?;
    let checks = [(found.user, nobody()), (found.course, no_course())];
    for (_, error) in checks.into_iter().filter(|(exists, _)| !exists) {
        tx.gather(Err(error))?;
    }
    Ok(())
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
