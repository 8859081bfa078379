//! Moves enrollments, some at a time.

use std::collections::HashMap;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    model::{MovedEnrollments, PlanEnrollmentMoves},
    plan,
};
use crate::{
    app::Tx,
    authz::Scope,
    db::{
        Condition, Sql,
        schema::{course_versions, enrollments},
    },
    enrollment::{
        enrollments::{model::Enrollment, progress},
        people,
    },
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    learning::track,
    operations,
};

/// Gives enrollments of a course another version.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MoveEnrollments {
    /// The course.
    pub course_id: Uuid,
    /// The version that they get.
    pub course_version_id: Uuid,
    /// Which of them.
    pub moves: PlanEnrollmentMoves,
    /// Where the caller may change enrollments.
    pub scope: Scope,
    /// The operation that tells of it.
    pub operation_id: Uuid,
}

impl Job for MoveEnrollments {
    const KIND: &'static str = "enrollments.move";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let mut total: MovedEnrollments = run.read(|tx| operations::counted(tx, self.operation_id))?;
        let learners = |tx: &mut Tx, after, most| self.learners(tx, after, most);
        let is_whole = run.walk(learners, |part| {
            total = run.write(|tx| {
                let (moved, completed) = self.move_these(tx, &part.ids)?;
                let total = MovedEnrollments {
                    moved: total.moved + moved,
                    completed: total.completed + completed,
                };
                operations::progress(tx, self.operation_id, total.moved)?;
                operations::count(tx, self.operation_id, &total)?;
                Ok(total)
            })?;
            Ok(())
        })?;
        run.finish(|tx| match is_whole {
            true => operations::succeed(tx, self.operation_id, &total),
            false => operations::cancel(tx, self.operation_id, &total),
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

impl MoveEnrollments {
    fn moving(&self) -> Sql {
        plan::moving(&self.scope, self.course_id, self.course_version_id, &self.moves)
    }

    /// The next learners whose enrollments move: each has one of the course at most. Those that moved are not found again.
    fn learners(&self, tx: &mut Tx, after: Uuid, most: i64) -> ApiResult<Vec<Uuid>> {
        let learners = enrollments::table
            .filter(enrollments::user_id.gt(after))
            .filter(Condition::new(self.moving()))
            .order(enrollments::user_id)
            .limit(most)
            .select(enrollments::user_id)
            .load(tx.conn)?;
        Ok(learners)
    }

    /// Moves the enrollments of learners, as far as they are still to be moved. Answers how many moved, and how many of them are completed.
    fn move_these(&self, tx: &mut Tx, learners: &[Uuid]) -> ApiResult<(i64, i64)> {
        people::lock(tx, learners.iter().copied())?;
        let present: Vec<Enrollment> = enrollments::table
            .filter(enrollments::user_id.eq_any(learners))
            .filter(Condition::new(self.moving()))
            .order(enrollments::user_id)
            .select(Enrollment::as_select())
            .for_no_key_update()
            .load(tx.conn)?;
        if present.is_empty() {
            return Ok((0, 0));
        }
        let numbers: Vec<(Uuid, i32)> = course_versions::table
            .filter(course_versions::course_id.eq(self.course_id))
            .select((course_versions::id, course_versions::number))
            .load(tx.conn)?;
        let numbers: HashMap<Uuid, i32> = numbers.into_iter().collect();
        let moved = progress::move_to(tx, &present, self.course_version_id, &numbers)?;
        let completed = track::follow_version(tx, &present, &moved, self.course_version_id)?;
        Ok((present.len() as i64, completed as i64))
    }
}
