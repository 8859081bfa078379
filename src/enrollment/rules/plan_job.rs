//! The jobs that plan a rule and put it in force as planned.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    audience, change, changes,
    job::{self, ReconcileRule},
    model::Rule,
    plan, plan_changes,
    plan_model::{ApplyRule, PlanRule, RulePlan},
    reconcile::People,
};
use crate::{
    app::Tx,
    authz::{self, Authorized, Permission, Scope},
    http::{ApiError, ApiResult, Ref},
    jobs::{Job, JobError, JobRun},
    operations, sql,
};

/// Finds out what putting a rule in force would do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MakePlan {
    /// Which rule.
    pub rule_id: Uuid,
    /// What would become of it.
    pub wish: PlanRule,
    /// The operation whose result is the plan.
    pub operation_id: Uuid,
    /// Where the user must be whom the plan names to those who asked for it.
    pub seen: Vec<Scope>,
}

impl Job for MakePlan {
    const KIND: &'static str = "rule.plan";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        begin(run, self.operation_id, 1)?;
        // Of an attempt that was cut short.
        run.write(|tx| changes::forget(tx, self.operation_id))?;
        let plan = match make(run, self.rule_id, &self.wish, self.operation_id, IsKept::Yes) {
            Err(JobError::Refused(problem)) => {
                run.write(|tx| changes::forget(tx, self.operation_id))?;
                return Err(JobError::Refused(problem));
            }
            made => made?,
        };
        run.finish(|tx| match &plan {
            Some((_, plan)) => {
                let plan = RulePlan {
                    org_units: plan_changes::by_org_unit(tx, self.operation_id, &self.seen)?,
                    changes: plan_changes::first(tx, self.operation_id, &self.seen)?,
                    ..plan.clone()
                };
                operations::succeed(tx, self.operation_id, &plan)
            }
            None => {
                changes::forget(tx, self.operation_id)?;
                operations::cancel(tx, self.operation_id, &())
            }
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }

    fn left_off(&self, tx: &mut Tx, _problem: Option<&ApiError>) -> ApiResult<Value> {
        changes::forget(tx, self.operation_id)?;
        Ok(Value::Null)
    }
}

/// Whether the changes of a plan are kept, to be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsKept {
    Yes,
    No,
}

/// Plans a rule once more, and puts it in force if that is still what was planned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApplyRuleJob {
    /// Which rule.
    pub rule_id: Uuid,
    /// The plan, and what it may do.
    pub wish: ApplyRule,
    /// The operation that tells of it.
    pub operation_id: Uuid,
}

impl Job for ApplyRuleJob {
    const KIND: &'static str = "rule.apply";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let wish = self.wish.as_plan();
        let people = begin(run, self.operation_id, 2)?;
        let Some((version, plan)) = make(run, self.rule_id, &wish, self.operation_id, IsKept::No)? else {
            return run.finish(|tx| operations::cancel(tx, self.operation_id, &()));
        };
        plan::check_against_plan(&plan, &self.wish)?;
        run.finish(|tx| {
            // Another plan may have been put in force since this one was looked at.
            sql!("SELECT FROM rules WHERE id = {self.rule_id} FOR UPDATE").execute(tx.conn)?;
            let rule = rule(tx, self.rule_id)?;
            if rule.version != version {
                return Err(plan::stale());
            }
            change::put_in_force(tx, rule, &wish)?;
            tx.enqueue(&ReconcileRule {
                rule_id: self.rule_id,
                operation_id: Some(self.operation_id),
                progress: people,
            })
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

/// Says how much there is to do, everybody `times` over, and answers how many people there are.
fn begin(run: &JobRun, operation: Uuid, times: i64) -> Result<i64, JobError> {
    let people = run.read(job::people)?;
    run.write(|tx| operations::set_total(tx, operation, people * times))?;
    Ok(people)
}

/// The plan, and the version of the rule that it is about; none if somebody asked to end early.
fn make(
    run: &JobRun,
    rule_id: Uuid,
    wish: &PlanRule,
    operation: Uuid,
    is_kept: IsKept,
) -> Result<Option<(i64, RulePlan)>, JobError> {
    let rule = run.read(|tx| rule(tx, rule_id))?;
    let mut tally = plan::PlanTotals::of(&rule, wish);
    let planned = run.read(|tx| change::planned(tx, &rule, wish))?;
    let concerned = |tx: &mut Tx, after, most| audience::concerned(tx, &planned, wish.day, after, most);
    let is_whole = run.walk(concerned, |part| {
        let people = People::These(part.ids.clone());
        let mut planned = run.read(|tx| plan::plan_part(tx, &rule, wish, &people))?;
        let kept = planned.take_kept();
        tally.add(planned);
        run.write(|tx| {
            if is_kept == IsKept::Yes {
                changes::store(tx, operation, &kept)?;
            }
            operations::progress(tx, operation, part.done)
        })
    })?;
    if !is_whole {
        return Ok(None);
    }
    let live = run.read(|tx| plan::live_requirements(tx, rule_id))?;
    Ok(Some((rule.version, tally.plan(live))))
}

fn rule(tx: &mut Tx, id: Uuid) -> ApiResult<Authorized<Rule>> {
    authz::authorize(tx, &Ref::from(id), Permission::RulesWrite)
}
