//! Compares what is with what should be, for everybody. Every change settles what follows from it, so that nothing differs; what
//! does is an alarm.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{
    changes::Change,
    courses::SettleTarget,
    job::{self, ReconcileRule, SettleUsers},
    plan::shown,
    plan_model::PlannedChange,
    reconcile::{self, Outcome, People, Question},
};
use crate::{
    app::Tx,
    http::ApiResult,
    jobs::{self, Job, JobError, JobRun},
    operations::{self, Operation},
    people::facts::FollowPeople,
};

/// A comparison to begin.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CompareRequirements {
    /// Whether what differs is put right, too.
    #[serde(default)]
    #[schema(default = false)]
    pub apply: bool,
}

/// What a comparison found. Nothing differs as long as all is well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementComparison {
    /// What differs, by kind: what settling it does, or would do.
    pub differences: Outcome,
    /// Whether it was put right.
    pub is_applied: bool,
    /// The first hundred differences of requirements.
    pub changes: Vec<PlannedChange>,
}

/// Differences that a comparison shows.
const SHOWN: usize = 100;

/// Begins to compare.
pub fn begin(tx: &mut Tx, wish: &CompareRequirements) -> ApiResult<Operation> {
    let operation = operations::begin(tx, "requirement.comparison", None)?;
    tx.enqueue(&CompareJob {
        apply: wish.apply,
        operation_id: Some(operation.id),
    })?;
    Ok(operation)
}

/// Compares what is with what should be: once a week, and when an administrator asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompareJob {
    /// Whether what differs is put right.
    pub apply: bool,
    /// The operation that tells of it.
    pub operation_id: Option<Uuid>,
}

impl Job for CompareJob {
    const KIND: &'static str = "requirements.compare";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        if let Some(operation) = self.operation_id {
            let people = run.read(job::people)?;
            run.write(|tx| operations::set_total(tx, operation, people))?;
        }
        let mut found = RequirementComparison {
            is_applied: self.apply,
            ..RequirementComparison::default()
        };
        let is_whole = run.walk(job::following, |part| {
            let people = People::Between(part.after, part.last);
            let changes = match self.apply {
                true => run.write(|tx| Ok(reconcile::reconcile_part(tx, part, people.clone(), None)?.0))?,
                false => run.read(|tx| reconcile::foresee(tx, people.clone(), &Question::default()))?,
            };
            found.add(&changes);
            match self.operation_id {
                Some(operation) => run.write(|tx| operations::progress(tx, operation, part.done)),
                None => Ok(()),
            }
        })?;
        if found.differences != Outcome::default() && !run.read(is_settling)? {
            log::error!(
                "requirements differ from what the rules say, which no change should leave behind: {:?}; POST /v1/requirements/comparisons \
                 lists what differs and puts it right",
                found.differences
            );
        }
        run.finish(|tx| match self.operation_id {
            Some(operation) if is_whole => operations::succeed(tx, operation, &found),
            Some(operation) => operations::cancel(tx, operation, &found),
            None => Ok(()),
        })
    }

    fn unique_key(&self) -> Option<String> {
        self.operation_id.is_none().then(String::new)
    }

    fn operation_id(&self) -> Option<Uuid> {
        self.operation_id
    }
}

/// Whether jobs that settle requirements are still at work: what differs may be what they are about to do.
fn is_settling(tx: &mut Tx) -> ApiResult<bool> {
    let kinds = [
        ReconcileRule::KIND,
        SettleUsers::KIND,
        SettleTarget::KIND,
        FollowPeople::KIND,
    ];
    Ok(jobs::store::is_any_pending(tx.conn, &kinds)?)
}

impl RequirementComparison {
    fn add(&mut self, changes: &[Change]) {
        self.differences += Outcome::of(changes);
        let room = SHOWN.saturating_sub(self.changes.len());
        self.changes.extend(changes.iter().filter_map(shown).take(room));
    }
}
