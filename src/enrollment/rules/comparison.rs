//! Compares what is with what should be, for everybody, and puts right what differs. Every change settles what follows from it, so
//! that nothing differs; what does is an alarm.

use data_encoding::HEXLOWER;
use diesel::{QueryableByName, RunQueryDsl, sql_types::BigInt};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{
    courses::SettleTarget,
    invariants::{self, BrokenInvariant},
    job::{self, ReconcileRule, SettleUsers},
    past,
    plan::{allows_removals, line, percent, shown},
    plan_model::{DEFAULT_ALLOWANCE, PlannedChange, default_allowance},
    reconcile::{self, Outcome, People, Question},
};
use crate::{
    app::Tx,
    enrollment::new_days,
    http::{ApiError, ApiResult, Code},
    jobs::{self, Job, JobError, JobRun},
    operations::{self, Operation},
    people::facts::FollowPeople,
    sql,
};

/// What a comparison found to put right, and what that may do.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ApplyComparison {
    /// The hash of the comparison.
    #[schema(min_length = 1, max_length = 100)]
    pub plan_hash: String,
    /// The largest share of the current requirements, open and satisfied ones, that may end.
    #[serde(default = "default_allowance")]
    #[schema(minimum = 0, maximum = 100, default = 10)]
    #[validate(range(min = 0.0, max = 100.0, message = "must be from 0 to 100"))]
    pub allow_removals_percent: f64,
}

/// What a comparison found. Nothing differs and nothing is broken as long as all is well.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementComparison {
    /// The hash of what was found; it changes with that.
    pub plan_hash: String,
    /// What differs, by kind: what settling it would do.
    pub differences: Outcome,
    /// Current requirements, open and satisfied ones.
    pub live_requirements: i64,
    /// The share of `live_requirements` that would end.
    pub removals_percent: f64,
    /// What must hold of facts and does not.
    pub broken: Vec<BrokenInvariant>,
    /// The first hundred differences of requirements.
    pub changes: Vec<PlannedChange>,
}

/// What was put right.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RequirementRepair {
    /// What settling did, by kind.
    pub differences: Outcome,
    /// What must hold of facts and still does not.
    pub broken: Vec<BrokenInvariant>,
}

/// Differences that a comparison shows.
const SHOWN: usize = 100;

/// Begins to compare.
pub fn begin(tx: &mut Tx) -> ApiResult<Operation> {
    enqueue(tx, "requirement.comparison", Then::Tell)
}

/// Begins to put right what a comparison found.
pub fn begin_application(tx: &mut Tx, wish: ApplyComparison) -> ApiResult<Operation> {
    enqueue(tx, "requirement.application", Then::Apply(wish))
}

/// Begins the comparison of the week, as an operation of Provost's own.
pub fn begin_weekly(tx: &mut Tx) -> ApiResult<()> {
    enqueue(tx, "requirement.comparison", Then::Heal).map(drop)
}

fn enqueue(tx: &mut Tx, kind: &'static str, then: Then) -> ApiResult<Operation> {
    let operation = operations::begin(tx, kind, None)?;
    tx.enqueue(&CompareJob {
        then,
        operation_id: operation.id,
    })?;
    Ok(operation)
}

/// What becomes of what a comparison finds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is told.
    Tell,
    /// It is put right, if it is what was found before.
    Apply(ApplyComparison),
    /// It is told, and what differs is put right, unless that ends too much.
    Heal,
}

/// Compares what is with what should be: once a week, and when an administrator asks for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CompareJob {
    /// What becomes of what it finds.
    pub then: Then,
    /// The operation that tells of it.
    pub operation_id: Uuid,
}

impl Job for CompareJob {
    const KIND: &'static str = "requirements.compare";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let people = run.read(job::people)?;
        let times = match self.then {
            Then::Tell | Then::Heal => 1,
            Then::Apply(_) => 2,
        };
        run.write(|tx| operations::set_total(tx, self.operation_id, people * times))?;
        // What a day brings that has just begun is no difference.
        let users = run.write(new_days::begin)?;
        run.walk_these(&users, |part| {
            run.write(|tx| reconcile::reconcile_part(tx, part, (&*part.ids).into(), None).map(drop))
        })?;
        let Some(found) = compare(run, self.operation_id)? else {
            return run.finish(|tx| operations::cancel(tx, self.operation_id, &()));
        };
        if !found.is_well() && !run.read(is_settling)? {
            log::error!(
                "requirements differ from what the rules say, or facts from what must hold of them, which no change should leave behind: \
                 {:?}, {} invariants; GET /v1/operations/{} tells which, and POST /v1/requirements/applications puts it right",
                found.differences,
                found.broken.len(),
                self.operation_id
            );
        }
        match &self.then {
            Then::Tell => run.finish(|tx| operations::succeed(tx, self.operation_id, &found)),
            Then::Heal => run.finish(|tx| {
                if found.differences != Outcome::default() && found.removals_percent <= DEFAULT_ALLOWANCE {
                    tx.enqueue(&SettleEverybody { operation: None })?;
                }
                operations::succeed(tx, self.operation_id, &found)
            }),
            Then::Apply(wish) => {
                if found.plan_hash != wish.plan_hash {
                    return Err(JobError::Refused(ApiError::new(
                        Code::PlanStale,
                        "What differs is not what was found by then; compare again and look at what it is now.",
                    )));
                }
                allows_removals(
                    found.differences.ended,
                    found.live_requirements,
                    wish.allow_removals_percent,
                )?;
                run.finish(|tx| {
                    tx.enqueue(&SettleEverybody {
                        operation: Some((self.operation_id, people)),
                    })
                })
            }
        }
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

/// Looks for what differs and for what does not hold; none if somebody asked to end early.
fn compare(run: &JobRun, operation: Uuid) -> Result<Option<RequirementComparison>, JobError> {
    let mut found = RequirementComparison::default();
    let mut hash = Sha256::new();
    let is_whole = run.walk(job::following, |part| {
        let people = People::Between(part.after, part.last);
        let changes = run.read(|tx| reconcile::foresee(tx, people.clone(), &Question::default()))?;
        for change in &changes {
            hash.update(line(change, change.change.as_str()));
        }
        found.differences += Outcome::of(&changes);
        let room = SHOWN.saturating_sub(found.changes.len());
        found.changes.extend(changes.iter().filter_map(shown).take(room));
        run.write(|tx| operations::progress(tx, operation, part.done))
    })?;
    if !is_whole {
        return Ok(None);
    }
    found.broken = run.read(invariants::broken)?;
    for broken in &found.broken {
        hash.update(format!("{} {} {:?}\n", broken.name, broken.rows, broken.ids));
    }
    found.plan_hash = HEXLOWER.encode(&hash.finalize());
    found.live_requirements = run.read(live_requirements)?;
    found.removals_percent = percent(found.differences.ended, found.live_requirements);
    Ok(Some(found))
}

impl RequirementComparison {
    fn is_well(&self) -> bool {
        self.differences == Outcome::default() && self.broken.is_empty()
    }
}

/// How many requirements there are that settling might end.
fn live_requirements(tx: &mut Tx) -> ApiResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count: Count = sql!(
        "SELECT count(*) FROM requirements q WHERE q.ended_at IS NULL AND NOT EXISTS (SELECT FROM requirements later
            WHERE later.user_id = q.user_id AND later.target_id = q.target_id AND later.cycle > q.cycle)"
    )
    .get_result(tx.conn)?;
    Ok(count.count)
}

/// Whether jobs that settle requirements are still at work: what differs may be what they are about to do.
fn is_settling(tx: &mut Tx) -> ApiResult<bool> {
    let kinds = [
        ReconcileRule::KIND,
        SettleUsers::KIND,
        SettleTarget::KIND,
        SettleEverybody::KIND,
        FollowPeople::KIND,
    ];
    Ok(jobs::store::is_any_pending(tx.conn, &kinds)?)
}

/// Settles what rules want of everybody; for an operation it also puts right what settling does not.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettleEverybody {
    /// The operation that tells of it, and what that has done before.
    pub operation: Option<(Uuid, i64)>,
}

impl Job for SettleEverybody {
    const KIND: &'static str = "requirements.settle";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        // Cycles that others followed come first: the current ones count from them.
        let unsettled = run.read(invariants::unsettled)?;
        run.walk_these(&unsettled, |part| run.write(|tx| past::repair(tx, &part.ids)))?;
        let (total, is_whole) = job::settle_walk(run, self.operation, None, job::following, |_| Ok(()))?;
        let Some((operation, _)) = self.operation else {
            return run.finish(|_| Ok(()));
        };
        if !is_whole {
            return run.finish(|tx| operations::cancel(tx, operation, &total));
        }
        run.write(invariants::repair)?;
        let repair = RequirementRepair {
            differences: total,
            broken: run.read(invariants::broken)?,
        };
        run.finish(|tx| operations::succeed(tx, operation, &repair))
    }

    fn operation_id(&self) -> Option<Uuid> {
        self.operation.map(|(operation, _)| operation)
    }
}
