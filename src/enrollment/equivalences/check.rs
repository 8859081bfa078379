//! What must hold of equivalences before they are written, and what follows.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use uuid::Uuid;

use super::model::CourseEquivalence;
use crate::{
    app::Tx,
    catalog::courses::{model::Course, search::SEARCHED_NAMES},
    db::schema::requirements,
    http::ApiResult,
    people::facts,
    resource::{Draft, Expansion, NoExtra, Reference, Resource, SearchedName, draft::due},
};

const COURSE: Reference<CourseEquivalence, Course> =
    Reference::<CourseEquivalence, Course>::new("course_id", |equivalence| Some(equivalence.course_id))
        .or_archived();
const EQUIVALENT: Reference<CourseEquivalence, Course> =
    Reference::<CourseEquivalence, Course>::new("equivalent_id", |equivalence| {
        Some(equivalence.equivalent_id)
    })
    .or_archived();

impl Resource for CourseEquivalence {
    type Extra = NoExtra;
    const PATH: &'static str = "/v1/course-equivalences";
    const NAMES: &'static [SearchedName] = &[
        SearchedName::by::<Course>("course_equivalences.course_id", SEARCHED_NAMES),
        SearchedName::by::<Course>("course_equivalences.equivalent_id", SEARCHED_NAMES),
    ];
    const CSV: &'static [(&'static str, &'static str)] = &[
        ("id", "id"),
        ("course_id", "course_id"),
        ("course", "course.code"),
        ("equivalent_id", "equivalent_id"),
        ("equivalent", "equivalent.code"),
        ("is_mutual", "is_mutual"),
        ("note", "note"),
        ("created_at", "created_at"),
        ("updated_at", "updated_at"),
        ("archived_at", "archived_at"),
    ];
    const EXPANSIONS: &'static [Expansion] = &[
        Expansion::of::<Course>("course", "course_id"),
        Expansion::of::<Course>("equivalent", "equivalent_id"),
    ];

    fn check(tx: &mut Tx, drafts: &mut [Draft<Self>]) -> ApiResult<()> {
        COURSE.check(tx, drafts)?;
        EQUIVALENT.check(tx, drafts)
    }

    /// What rules want of everybody who must complete one of the courses is settled: by jobs, if they are many.
    fn announce(tx: &mut Tx, drafts: &[Draft<Self>]) -> ApiResult<()> {
        let courses: Vec<Uuid> = due(drafts)
            .flat_map(|draft| [draft.after.course_id, draft.after.equivalent_id])
            .collect();
        if courses.is_empty() {
            return Ok(());
        }
        let learners: Vec<Uuid> = requirements::table
            .filter(requirements::course_id.eq_any(courses))
            .filter(requirements::ended_at.is_null())
            .select(requirements::user_id)
            .distinct()
            .load(tx.conn)?;
        facts::follow(tx, learners)
    }
}
