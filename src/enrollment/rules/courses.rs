//! What happens to courses changes what is required of those who take them: they are retired, come back, or get a version
//! that lets completions of earlier ones count no more.

use std::collections::BTreeSet;

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reconcile::reconcile_part;
use crate::{
    app::Tx,
    catalog::{courses::model::Course, events::COURSE_PUBLISHED},
    db::schema::{course_equivalences, requirements},
    enrollment::enrollments,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    ledger::{SealedEvent, consumers::Consumer},
    resource::Row,
    sql,
};

/// Settles what is required of people whose courses change.
pub const CONSUMER: Consumer = Consumer {
    name: "requirements.courses",
    kinds: &[COURSE_PUBLISHED, Course::EVENTS.archived, Course::EVENTS.restored],
    react,
};

fn react(tx: &mut Tx, events: &[SealedEvent]) -> ApiResult<()> {
    events.iter().try_for_each(|event| {
        tx.enqueue(&SettleTarget {
            course_id: event.object_id,
        })
    })
}

/// Settles what is required of all those of whom a course is, or another one that its completions count for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettleTarget {
    /// The course.
    pub course_id: Uuid,
}

impl Job for SettleTarget {
    const KIND: &'static str = "settle_target";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        for target in run.read(|tx| self.targets(tx))? {
            let learners = |tx: &mut Tx, after, most| learners(tx, target, after, most);
            run.walk(learners, |part| {
                run.write(|tx| {
                    reconcile_part(tx, part, (&*part.ids).into(), None)?;
                    self.enroll(tx, &part.ids)
                })
            })?;
        }
        run.finish(|_| Ok(()))
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.course_id.to_string())
    }
}

impl SettleTarget {
    /// The course, and those for which its completions count or ever counted.
    fn targets(&self, tx: &mut Tx) -> ApiResult<Vec<Uuid>> {
        let others: Vec<(Uuid, Uuid)> = course_equivalences::table
            .filter(course_equivalences::course_id.eq(self.course_id))
            .or_filter(course_equivalences::equivalent_id.eq(self.course_id))
            .select((course_equivalences::course_id, course_equivalences::equivalent_id))
            .load(tx.conn)?;
        let all = others.into_iter().flat_map(|(one, other)| [one, other]);
        let all: BTreeSet<Uuid> = all.chain([self.course_id]).collect();
        Ok(all.into_iter().collect())
    }

    /// Enrolls those of whom the course was required while nobody could begin it.
    fn enroll(&self, tx: &mut Tx, people: &[Uuid]) -> ApiResult<()> {
        let waiting = sql!(
            "SELECT q.user_id, q.course_id FROM requirements q
             WHERE q.user_id = ANY({people}) AND q.course_id = {self.course_id} AND q.satisfied_at IS NULL
                AND q.ended_at IS NULL AND NOT EXISTS (SELECT FROM enrollments e
                    WHERE e.user_id = q.user_id AND e.course_id = q.course_id AND e.kind = 'normal')"
        );
        enrollments::store::enroll(tx, waiting).map(drop)
    }
}

/// People of whom a course is required or was satisfied, in the order of their ids.
fn learners(tx: &mut Tx, course_id: Uuid, after: Uuid, most: i64) -> ApiResult<Vec<Uuid>> {
    let people = requirements::table
        .filter(requirements::target_id.eq(course_id))
        .filter(requirements::user_id.gt(after))
        .filter(requirements::ended_at.is_null())
        .order(requirements::user_id)
        .select(requirements::user_id)
        .distinct()
        .limit(most)
        .load(tx.conn)?;
    Ok(people)
}
