//! Looks up and locks the users and courses of facts before the facts are written: the same few statements for one fact and
//! for a thousand.

use std::collections::{HashMap, HashSet};

use diesel::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl,
    sql_types,
};
use uuid::Uuid;

use crate::{
    access::callers,
    app::Tx,
    authz::{Permission, Protected, Scope, ScopePart, lacks},
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

/// The user and the course of a fact.
pub type Pair = (Uuid, Uuid);

/// Locked users.
pub struct Learners(HashMap<Uuid, UserStatus>);

/// Locks users in the order of their ids, so that one transaction at a time writes facts about a user.
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
    /// 422 for a user who does not exist.
    pub fn check_exists(&self, user_id: Uuid) -> ApiResult<UserStatus> {
        self.0.get(&user_id).copied().ok_or_else(nobody)
    }

    /// 409 for an archived user.
    pub fn check_learns(&self, user_id: Uuid) -> ApiResult<()> {
        match self.check_exists(user_id)? {
            UserStatus::Archived => Err(ApiError::new(
                Code::UserArchived,
                "An archived user takes no courses; restore the user first.",
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
    /// Whether the user exists.
    #[diesel(sql_type = sql_types::Bool)]
    user_exists: bool,
    /// Whether the course exists.
    #[diesel(sql_type = sql_types::Bool)]
    course_exists: bool,
    /// Whether the scope covers the user.
    #[diesel(sql_type = sql_types::Bool)]
    person: bool,
    /// Whether it covers the course.
    #[diesel(sql_type = sql_types::Bool)]
    course: bool,
    /// Whether the caller may see the course.
    #[diesel(sql_type = sql_types::Bool)]
    course_is_seen: bool,
    /// Whether the course is restricted and this user is outside its audience.
    #[diesel(sql_type = sql_types::Bool)]
    course_is_withheld: bool,
}

/// Checks for each user and course whether the caller may use `permission` on facts about them: 403 if not, and 422 for a
/// course that the caller may not see, as for one that does not exist. This is the first check, so that callers learn nothing
/// about users whom they may not see. Callers with the scope of everything are told what does not exist.
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
    let withheld = match scope.is_everything() {
        true => Sql::never(),
        false => visibility::withheld_from("asked.user_id"),
    };
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
    );
    Ok(coverage.load(tx.conn)?)
}

/// The pairs whose user may see the course by a role of their own. Callers whose scope covers the course and not the user may
/// enroll these users only.
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

/// 422 for a user or a course that does not exist.
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
    ApiError::field("/user_id", "names no user that exists")
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

/// Courses with their current versions.
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
    /// The current version of a course, retired or not; 409 for a course that was never published.
    pub fn published(&self, id: Uuid) -> ApiResult<PublishedCourse> {
        let (_, published) = self.0.get(&id).ok_or_else(no_course)?;
        published.ok_or_else(|| ApiError::new(Code::CourseNotPublished, "Publish the course first."))
    }

    /// As [`Courses::published`], for users who begin the course; 409 for a retired course.
    pub fn open(&self, id: Uuid) -> ApiResult<PublishedCourse> {
        match self.0.get(&id) {
            Some((true, _)) => Err(ApiError::new(
                Code::CourseRetired,
                "A retired course cannot be begun; choose another course.",
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
