//! The people and courses that facts are about, looked up and locked before facts are written: for any number of facts by the
//! same few statements.

use std::collections::{HashMap, HashSet};

use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl,
    sql_types,
};
use uuid::Uuid;

use crate::{
    access::{Permission, Protected, Scope, ScopePart, callers, lacks},
    app::Tx,
    catalog::{courses::model::Course, visibility},
    db::{
        Sql,
        schema::{course_versions, courses, users},
    },
    http::{ApiError, ApiResult, Code, Faults},
    people::users::model::UserStatus,
    period::Period,
    sql,
};

/// A person and a course, which facts are about.
pub type Pair = (Uuid, Uuid);

/// The people of some facts, locked.
pub struct Learners(HashMap<Uuid, UserStatus>);

/// Locks people in the order of their ids, so that what is settled about them is settled by one transaction at a time.
pub fn lock(tx: &mut Tx, people: impl IntoIterator<Item = Uuid>) -> ApiResult<Learners> {
    let people: HashSet<Uuid> = people.into_iter().collect();
    let locked: Vec<(Uuid, UserStatus)> = users::table
        .filter(users::id.eq_any(people))
        .order(users::id)
        .select((users::id, users::status))
        .for_no_key_update()
        .load(tx.conn)?;
    Ok(Learners(locked.into_iter().collect()))
}

impl Learners {
    /// 422 for somebody who does not exist.
    pub fn check_exists(&self, user_id: Uuid) -> ApiResult<UserStatus> {
        self.0.get(&user_id).copied().ok_or_else(nobody)
    }

    /// 409 for somebody who has left and so is not to learn.
    pub fn check_learns(&self, user_id: Uuid) -> ApiResult<()> {
        match self.check_exists(user_id)? {
            UserStatus::Archived => Err(ApiError::new(
                Code::UserArchived,
                "Somebody who has left learns nothing; restore them first.",
            )),
            _ => Ok(()),
        }
    }

    /// Their ids.
    pub fn ids(&self) -> Vec<Uuid> {
        self.0.keys().copied().collect()
    }
}

#[derive(QueryableByName)]
struct Coverage {
    /// Whether there is such a person.
    #[diesel(sql_type = sql_types::Bool)]
    user_exists: bool,
    /// Whether there is such a course.
    #[diesel(sql_type = sql_types::Bool)]
    course_exists: bool,
    /// Whether the scope covers the person.
    #[diesel(sql_type = sql_types::Bool)]
    person: bool,
    /// Whether it covers the course.
    #[diesel(sql_type = sql_types::Bool)]
    course: bool,
    /// Whether the caller may see the course.
    #[diesel(sql_type = sql_types::Bool)]
    course_is_seen: bool,
    /// Whether the course is restricted and has nothing to do with the person.
    #[diesel(sql_type = sql_types::Bool)]
    course_is_withheld: bool,
}

/// For each person and course: 403 unless the caller may use `permission` on facts about them, and 422 for a course that they
/// may not see, as for one that does not exist. Asked before anything is looked up, so that nobody learns of people whom they
/// may not see. Who may use it everywhere is told what does not exist.
pub fn allow(tx: &mut Tx, permission: Permission, pairs: &[Pair]) -> ApiResult<Vec<ApiResult<()>>> {
    let scope = tx.scope(permission)?;
    let coverage = coverage(tx, &scope, pairs)?;
    if scope.is_everything() {
        return Ok(coverage.iter().map(exists).collect());
    }
    let is_withheld =
        |coverage: &Coverage| !coverage.person && coverage.course && coverage.course_is_withheld;
    let withheld = pairs
        .iter()
        .zip(&coverage)
        .filter(|(_, coverage)| is_withheld(coverage));
    let withheld: Vec<Pair> = withheld.map(|(pair, _)| *pair).collect();
    let seen = seen_by_role(tx, &withheld)?;
    let allowed = pairs
        .iter()
        .zip(&coverage)
        .map(|(pair, coverage)| match coverage {
            Coverage {
                person: true,
                course_is_seen: true,
                ..
            } => Ok(()),
            Coverage { person: true, .. } => Err(no_course()),
            Coverage {
                course: true,
                course_is_withheld,
                ..
            } if !course_is_withheld || seen.contains(pair) => Ok(()),
            _ => Err(lacks(permission)),
        });
    Ok(allowed.collect())
}

fn coverage(tx: &mut Tx, scope: &Scope, pairs: &[Pair]) -> ApiResult<Vec<Coverage>> {
    let (users, courses): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
    let readable = tx.caller.scope_if_any(Course::READ, tx.now);
    let seen = readable.iter().chain([scope]).map(Course::visible);
    let coverage = sql!(
        "SELECT EXISTS (SELECT FROM users WHERE users.id = asked.user_id) AS user_exists,
            courses.id IS NOT NULL AS course_exists,
            coalesce({users_covered}, FALSE) AS person, coalesce({courses_covered}, FALSE) AS course,
            coalesce(courses.id IS NOT NULL AND {seen}, FALSE) AS course_is_seen,
            coalesce({withheld}, FALSE) AS course_is_withheld
         FROM unnest({users}, {courses}) WITH ORDINALITY AS asked (user_id, course_id, position)
         LEFT JOIN courses ON courses.id = asked.course_id ORDER BY asked.position",
        users_covered = scope.users("asked.user_id"),
        courses_covered = scope.courses("asked.course_id"),
        seen = Sql::any(seen),
        withheld = visibility::withheld_from("asked.user_id"),
    );
    Ok(coverage.load(tx.conn)?)
}

/// Those of the pairs whose person is shown the course by a role that reaches the person: they may be enrolled in it by those
/// who have charge of the course and not of people.
fn seen_by_role(tx: &mut Tx, pairs: &[Pair]) -> ApiResult<HashSet<Pair>> {
    if pairs.is_empty() {
        return Ok(HashSet::new());
    }
    let (users, courses): (Vec<Uuid>, Vec<Uuid>) = pairs.iter().copied().unzip();
    let mut by_scope: Vec<(Scope, Vec<Uuid>)> = Vec::new();
    for person in callers::active(tx.conn, &users)? {
        // What their own self shows them is looked at already. Scopes of several people are often the same.
        let scope = person.scope_if_any(Course::READ, tx.now);
        let Some(scope) = scope.map(|scope| scope.only(|part| part != ScopePart::OwnSelf)) else {
            continue;
        };
        let is_relative = scope.parts().contains(&ScopePart::OwnReports);
        let scope = Scope::new(scope.parts().to_vec(), person.person().filter(|_| is_relative));
        match by_scope.iter_mut().find(|(known, _)| *known == scope) {
            Some((_, people)) => people.push(person.principal_id()),
            None => by_scope.push((scope, vec![person.principal_id()])),
        }
    }
    #[derive(QueryableByName)]
    struct Seen {
        #[diesel(sql_type = sql_types::Uuid)]
        user_id: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        course_id: Uuid,
    }
    let seen: Vec<Seen> =
        sql!(
        "SELECT asked.user_id, asked.course_id FROM unnest({users}, {courses}) AS asked (user_id, course_id)
         JOIN courses ON courses.id = asked.course_id WHERE {any}",
        any = Sql::any(by_scope.into_iter().map(|(scope, people)| {
            sql!("asked.user_id = ANY({people}) AND {visible}", visible = Course::visible(&scope))
        })),
    )
        .load(tx.conn)?;
    Ok(seen.into_iter().map(|row| (row.user_id, row.course_id)).collect())
}

/// 422 for a person and a course that do not exist.
fn exists(coverage: &Coverage) -> ApiResult<()> {
    let mut faults = Faults::default();
    let checks = [
        (coverage.user_exists, nobody()),
        (coverage.course_exists, no_course()),
    ];
    for (_, error) in checks.into_iter().filter(|(exists, _)| !exists) {
        faults.check(Err(error))?;
    }
    faults.into_result()
}

fn nobody() -> ApiError {
    ApiError::field("/user_id", "names nobody")
}

fn no_course() -> ApiError {
    ApiError::field("/course_id", "names no course that exists")
}

/// The version of a course that people take, and how long its completions count.
#[derive(Debug, Clone, Copy)]
pub struct PublishedCourse {
    /// The version.
    pub version_id: Uuid,
    /// How long a completion of it counts; for ever, if none.
    pub validity_period: Option<Period>,
}

/// Some courses with what is published of them.
pub struct Courses(HashMap<Uuid, (bool, Option<PublishedCourse>)>);

/// Reads courses.
pub fn courses(tx: &mut Tx, ids: impl IntoIterator<Item = Uuid>) -> ApiResult<Courses> {
    let ids: HashSet<Uuid> = ids.into_iter().collect();
    let rows: Vec<(Uuid, String, Option<Uuid>, Option<Period>)> = courses::table
        .left_join(course_versions::table.on(courses::current_version_id.eq(course_versions::id.nullable())))
        .filter(courses::id.eq_any(ids))
        .select((
            courses::id,
            courses::status,
            course_versions::id.nullable(),
            course_versions::validity_period.nullable(),
        ))
        .load(tx.conn)?;
    let courses = rows.into_iter().map(|(id, status, version_id, validity_period)| {
        let published = version_id.map(|version_id| PublishedCourse {
            version_id,
            validity_period,
        });
        (id, (status == "retired", published))
    });
    Ok(Courses(courses.collect()))
}

impl Courses {
    /// What is published of a course, whether people begin it still; 409 for one of which nothing is.
    pub fn published(&self, id: Uuid) -> ApiResult<PublishedCourse> {
        let (_, published) = self.0.get(&id).ok_or_else(no_course)?;
        published.ok_or_else(|| ApiError::new(Code::CourseNotPublished, "Publish the course first."))
    }

    /// As [`Courses::published`], of a course that people begin; 409 for one that is retired.
    pub fn open(&self, id: Uuid) -> ApiResult<PublishedCourse> {
        match self.0.get(&id) {
            Some((true, _)) => Err(ApiError::new(
                Code::CourseRetired,
                "Nobody begins a retired course; choose another.",
            )),
            _ => self.published(id),
        }
    }
}

/// Versions of courses, current or not, by their ids.
pub fn versions(
    tx: &mut Tx,
    ids: impl IntoIterator<Item = Uuid>,
) -> ApiResult<HashMap<Uuid, PublishedCourse>> {
    let ids: HashSet<Uuid> = ids.into_iter().collect();
    let rows: Vec<(Uuid, Option<Period>)> = course_versions::table
        .filter(course_versions::id.eq_any(ids))
        .select((course_versions::id, course_versions::validity_period))
        .load(tx.conn)?;
    let versions = rows.into_iter().map(|(version_id, validity_period)| {
        (
            version_id,
            PublishedCourse {
                version_id,
                validity_period,
            },
        )
    });
    Ok(versions.collect())
}
