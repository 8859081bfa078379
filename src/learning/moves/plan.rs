//! What moving enrollments would do.

use std::collections::HashMap;

use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    job::MoveEnrollments,
    model::{ApplyEnrollmentMoves, EnrollmentMovePlan, MoveChoice, PlanEnrollmentMoves, VersionMoves},
};
use crate::{
    app::Tx,
    authz::{Permission, Protected, Scope, ScopePart, lacks},
    catalog::courses::{
        model::Course,
        modules::Modules,
        versions::{model::CourseVersion, store as versions},
    },
    db::{Condition, Sql, schema::enrollments},
    enrollment::enrollments::model::{Enrollment, EnrollmentState},
    http::{ApiError, ApiResult, Code},
    learning::{store, track},
    operations::{self, Operation},
    sql,
};

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = sql_types::Integer)]
    number: i32,
    #[diesel(sql_type = sql_types::Jsonb)]
    modules: Modules,
    #[diesel(sql_type = sql_types::BigInt)]
    not_started: i64,
    #[diesel(sql_type = sql_types::BigInt)]
    in_progress: i64,
    /// Differs as soon as one of the enrollments does.
    #[diesel(sql_type = sql_types::BigInt)]
    state: i64,
}

/// What the caller may move as things stand, and the hash of that.
struct Standing {
    target: CourseVersion,
    moving: Sql,
    rows: Vec<Row>,
    hash: String,
}

impl Standing {
    fn of(tx: &mut Tx, course: &Course, asked: &PlanEnrollmentMoves) -> ApiResult<Self> {
        let target = target(tx, course, asked)?;
        let moving = moving(&scope(tx)?, course.id, target.id, asked);
        let rows: Vec<Row> = sql!(
            "SELECT v.number, v.modules, moving.not_started, moving.in_progress, moving.state
             FROM (SELECT enrollments.course_version_id, count(*) FILTER (WHERE enrollments.state <> 'in_progress') AS not_started,
                    count(*) FILTER (WHERE enrollments.state = 'in_progress') AS in_progress,
                    bit_xor(hashtextextended(enrollments.id::text, enrollments.version)) AS state
                FROM enrollments WHERE {moving} GROUP BY enrollments.course_version_id) moving
             JOIN course_versions v ON v.id = moving.course_version_id ORDER BY v.number"
        )
        .load(tx.conn)?;
        let mut hash = Sha256::new_with_prefix(format!("{} {} {asked:?}", course.id, target.id));
        for row in &rows {
            let counted = (row.number, row.not_started, row.in_progress, row.state);
            hash.update(format!("{counted:?}"));
        }
        let hash = data_encoding::HEXLOWER.encode(&hash.finalize());
        Ok(Standing {
            target,
            moving,
            rows,
            hash,
        })
    }

    fn moves(&self) -> i64 {
        self.rows
            .iter()
            .map(|row| row.not_started + row.in_progress)
            .sum()
    }
}

/// Plans moves of the enrollments that the caller may change.
pub fn plan(tx: &mut Tx, course: &Course, asked: &PlanEnrollmentMoves) -> ApiResult<EnrollmentMovePlan> {
    let standing = Standing::of(tx, course, asked)?;
    let modules = &standing.target.modules;
    Ok(EnrollmentMovePlan {
        course_id: course.id,
        to_version: standing.target.number,
        moves: standing.moves(),
        completes: completes(tx, &standing.moving, modules)?,
        versions: standing.rows.iter().map(|row| row.against(modules)).collect(),
        plan_hash: standing.hash,
    })
}

/// How many enrollments of those that move are completed by a version with what was done already.
fn completes(tx: &mut Tx, moving: &Sql, modules: &Modules) -> ApiResult<i64> {
    const AT_ONCE: i64 = 2_000;
    if !modules.is_tracked() {
        return Ok(0);
    }
    let (mut completes, mut after) = (0, Uuid::nil());
    loop {
        // Each learner has one of the course at most.
        let begun: Vec<Enrollment> = enrollments::table
            .filter(enrollments::state.eq(EnrollmentState::InProgress))
            .filter(enrollments::user_id.gt(after))
            .filter(Condition::new(moving.clone()))
            .order(enrollments::user_id)
            .limit(AT_ONCE)
            .select(Enrollment::as_select())
            .load(tx.conn)?;
        let Some(last) = begun.last() else {
            return Ok(completes);
        };
        after = last.user_id;
        let records = store::records_of_all(tx, &begun)?;
        let completed = records
            .values()
            .filter(|records| track::outline_of(modules, records).is_completed);
        completes += completed.count() as i64;
    }
}

impl Row {
    fn against(&self, new: &Modules) -> VersionMoves {
        let (old, new) = (shown(&self.modules), shown(new));
        let both = old.iter().filter(|(id, _)| new.contains_key(*id));
        let replaced = both
            .clone()
            .filter(|(id, content)| new.get(*id) != Some(*content));
        let (kept, replaced) = (both.count() as i64, replaced.count() as i64);
        VersionMoves {
            from_version: self.number,
            not_started: self.not_started,
            in_progress: self.in_progress,
            kept_activities: kept,
            replaced_activities: replaced,
            new_activities: new.len() as i64 - kept,
            dropped_activities: old.len() as i64 - kept,
        }
    }
}

/// The content that each activity shows.
fn shown(modules: &Modules) -> HashMap<Uuid, Option<Uuid>> {
    let activities = modules.activities();
    activities
        .map(|(_, activity)| (activity.id, activity.content_version_id))
        .collect()
}

/// Begins what was planned, unless something changed since.
pub fn begin(tx: &mut Tx, course: &Course, asked: &ApplyEnrollmentMoves) -> ApiResult<Operation> {
    let standing = Standing::of(tx, course, &asked.moves)?;
    if standing.hash != asked.plan_hash {
        return Err(ApiError::new(
            Code::PlanStale,
            "Enrollments or versions changed since this was planned: plan it again, and send the new hash.",
        ));
    }
    let operation = operations::begin(tx, "enrollments.move", Some(standing.moves()))?;
    tx.enqueue(&MoveEnrollments {
        course_id: course.id,
        course_version_id: standing.target.id,
        moves: asked.moves.clone(),
        scope: scope(tx)?,
        operation_id: operation.id,
    })?;
    Ok(operation)
}

fn target(tx: &mut Tx, course: &Course, asked: &PlanEnrollmentMoves) -> ApiResult<CourseVersion> {
    let number = asked.to_version.or(course.current_version_number);
    let number =
        number.ok_or_else(|| ApiError::new(Code::CourseNotPublished, "Publish the course first."))?;
    let found = versions::find(tx, course.id, number)?;
    found.ok_or_else(|| {
        ApiError::field(
            "/to_version",
            "must be the number of a published version of this course",
        )
    })
}

/// Where the caller may move enrollments. Learners choose no version for themselves.
fn scope(tx: &Tx) -> ApiResult<Scope> {
    let permission = Permission::EnrollmentsWrite;
    let scope = tx.scope(permission)?.only(|part| part != ScopePart::OwnSelf);
    match scope.parts().is_empty() {
        true => Err(lacks(permission)),
        false => Ok(scope),
    }
}

/// The rows of `enrollments` that move to a version, of those in `scope`.
pub fn moving(scope: &Scope, course_id: Uuid, version_id: Uuid, asked: &PlanEnrollmentMoves) -> Sql {
    let (started, others) = (
        asked.in_progress == MoveChoice::Move,
        asked.not_started == MoveChoice::Move,
    );
    sql!(
        "enrollments.course_id = {course_id} AND enrollments.course_version_id <> {version_id} AND enrollments.kind = 'normal'
            AND (enrollments.state = 'in_progress' AND {started}
                OR enrollments.state IN ('pending_approval', 'waitlisted', 'enrolled') AND {others}) AND {covered}",
        covered = Enrollment::covered(scope),
    )
}
