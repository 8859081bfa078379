//! What must hold of equivalences before they are written, and what follows.

use std::collections::HashMap;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::model::CourseEquivalence;
use crate::{
    app::Tx,
    catalog::courses::{model::Course, search::SEARCHED_NAMES},
    http::{ApiError, ApiResult, Code},
    people::facts,
    resource::{
        self, Expansion, NoExtra, Reference, Resource, SearchedName, draft::due, write::require_scope,
    },
    sql,
};

type Draft = resource::Draft<CourseEquivalence>;

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

    fn check(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
        require_scope(tx, drafts)?;
        COURSE.check(tx, drafts)?;
        EQUIVALENT.check(tx, drafts)?;
        refuse_second(tx, drafts)
    }

    /// What rules want is settled of everybody who must complete one of the courses, or something else so long after it: by jobs, if
    /// they are many.
    fn announce(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<()> {
        #[derive(QueryableByName)]
        struct Row {
            #[diesel(sql_type = sql_types::Uuid)]
            user_id: Uuid,
        }
        let courses: Vec<Uuid> = due(drafts)
            .flat_map(|draft| [draft.after.course_id, draft.after.equivalent_id])
            .collect();
        if courses.is_empty() {
            return Ok(());
        }
        let learners: Vec<Row> = sql!(
            "SELECT user_id FROM requirements WHERE course_id = ANY({courses}) AND ended_at IS NULL
             UNION
             SELECT m.user_id FROM rules r JOIN rule_members m ON m.rule_id = r.id
             WHERE r.status = 'active' AND r.due ->> 'kind' = 'after_completion' AND (r.due ->> 'course_id')::uuid = ANY({courses})"
        )
        .load(tx.conn)?;
        facts::follow(tx, learners.into_iter().map(|row| row.user_id).collect())
    }
}

/// Completions of the second course count for the first.
type Direction = (Uuid, Uuid);

/// What an equivalence says; nothing, if it is archived.
fn directions(equivalence: &CourseEquivalence) -> Vec<Direction> {
    let there = (equivalence.course_id, equivalence.equivalent_id);
    let back = equivalence.is_mutual.then_some((there.1, there.0));
    match equivalence.archived_at {
        None => [there].into_iter().chain(back).collect(),
        Some(_) => Vec::new(),
    }
}

/// Refuses to say once more what another equivalence says: a stored one, or that of an earlier row.
fn refuse_second(tx: &mut Tx, drafts: &mut [Draft]) -> ApiResult<()> {
    let adds = |draft: &Draft| {
        let before = draft.before.as_ref().map(directions).unwrap_or_default();
        let mut all = directions(&draft.after).into_iter();
        draft.stands() && all.any(|direction| !before.contains(&direction))
    };
    if !drafts.iter().any(adds) {
        return Ok(());
    }
    let mut said = stored(tx, drafts)?;
    for draft in drafts.iter_mut().filter(|draft| adds(draft)) {
        let id = draft.after.id;
        let all = directions(&draft.after);
        let other = all
            .iter()
            .find_map(|direction| said.get(direction).filter(|other| **other != id));
        match other {
            Some(other) => draft.refuse(said_already(*other)),
            None => said.extend(all.into_iter().map(|direction| (direction, id))),
        }
    }
    Ok(())
}

/// What stored equivalences of the same courses say.
fn stored(tx: &mut Tx, drafts: &[Draft]) -> ApiResult<HashMap<Direction, Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        id: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        course_id: Uuid,
        #[diesel(sql_type = sql_types::Uuid)]
        equivalent_id: Uuid,
    }
    let courses: Vec<Uuid> = drafts.iter().map(|draft| draft.after.course_id).collect();
    let equivalents: Vec<Uuid> = drafts.iter().map(|draft| draft.after.equivalent_id).collect();
    let rows: Vec<Row> = sql!(
        "WITH asked AS (SELECT * FROM unnest({courses}, {equivalents}) AS asked (course_id, equivalent_id))
         SELECT e.id, e.course_id, e.equivalent_id FROM course_equivalences e
         WHERE e.archived_at IS NULL AND ((e.course_id, e.equivalent_id) IN (SELECT course_id, equivalent_id FROM asked)
            OR (e.equivalent_id, e.course_id) IN (SELECT course_id, equivalent_id FROM asked))
         UNION ALL
         SELECT e.id, e.equivalent_id, e.course_id FROM course_equivalences e
         WHERE e.archived_at IS NULL AND e.is_mutual AND ((e.course_id, e.equivalent_id) IN (SELECT course_id, equivalent_id FROM asked)
            OR (e.equivalent_id, e.course_id) IN (SELECT course_id, equivalent_id FROM asked))"
    )
    .load(tx.conn)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|row| ((row.course_id, row.equivalent_id), row.id))
        .collect())
}

fn said_already(id: Uuid) -> ApiError {
    ApiError::new(
        Code::AlreadyExists,
        "Each of two courses counts for the other by one equivalence at most.",
    )
    .with_field(
        "/equivalent_id",
        format!("counts already by the equivalence {id}; change that one, or archive it first"),
    )
}
