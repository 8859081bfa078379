//! Who sees what of the catalog. The one place that decides it: `Course::visible` and `Category::visible` ask here, and
//! with them every list, search, version and check of a course that a request names.

use crate::{
    authz::{Scope, ScopePart},
    db::{Fixed, Sql},
    sql,
};

/// The rows of `courses` that holding `courses.read` in `scope` shows: those that it covers, and those that were
/// published, unless their category is restricted and none of the people in `scope` has to do with them.
pub fn courses(scope: &Scope) -> Sql {
    if scope.is_everything() {
        return Sql::always();
    }
    Sql::any([
        scope.courses("courses.id"),
        sql!(
            "courses.current_version_id IS NOT NULL AND (NOT EXISTS (SELECT FROM categories fenced
                WHERE fenced.id = courses.category_id AND fenced.visibility = 'restricted')
                OR {concerns})",
            concerns = concerns(scope),
        ),
    ])
}

/// The rows of `categories` that holding `courses.read` in `scope` shows: those that it covers, those that are not
/// restricted, and those with a course that it shows.
pub fn categories(scope: &Scope) -> Sql {
    if scope.is_everything() {
        return Sql::always();
    }
    Sql::any([
        scope.categories("categories.id"),
        sql!("categories.visibility <> 'restricted'"),
        sql!(
            "EXISTS (SELECT FROM courses WHERE courses.category_id = categories.id AND {courses})",
            courses = courses(scope),
        ),
    ])
}

/// The published rows of `courses` that are restricted and whose audience the user in `user_id`, a column with its table, is
/// outside of: what [`courses`] does not show in the scope of that user's self, for many users at once.
pub fn withheld_from(user_id: &'static str) -> Sql {
    sql!(
        "courses.current_version_id IS NOT NULL
            AND EXISTS (SELECT FROM categories fenced
                WHERE fenced.id = courses.category_id AND fenced.visibility = 'restricted')
            AND NOT EXISTS (SELECT FROM requirements fact
                WHERE fact.course_id = courses.id AND fact.user_id = {user_id})
            AND NOT EXISTS (SELECT FROM enrollments fact
                WHERE fact.course_id = courses.id AND fact.user_id = {user_id})",
        user_id = Fixed(user_id),
    )
}

/// Whether a user in `scope` must take the course, takes it or took it.
///
/// The courses of one user are few, so they are looked up once. For many users, each course's own users are read until one in
/// scope is found. `IS TRUE` keeps PostgreSQL from joining the users again for each course: it hashes them once.
fn concerns(scope: &Scope) -> Sql {
    let (own, others) = (
        scope.only(|part| part == ScopePart::OwnSelf),
        scope.only(|part| part != ScopePart::OwnSelf),
    );
    sql!(
        "(courses.id IN (SELECT fact.course_id FROM requirements fact WHERE {own})
            OR courses.id IN (SELECT fact.course_id FROM enrollments fact WHERE {own})
            OR EXISTS (SELECT FROM (
                SELECT requirements.user_id FROM requirements WHERE requirements.course_id = courses.id
                UNION ALL SELECT enrollments.user_id FROM enrollments
                WHERE enrollments.course_id = courses.id
            ) fact WHERE {others} IS TRUE))",
        own = own.users("fact.user_id"),
        others = others.users("fact.user_id"),
    )
}
