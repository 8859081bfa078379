//! The jobs that plan a rule and put it in force as planned.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    change,
    job::{self, ReconcileRule},
    model::Rule,
    plan,
    plan_model::{ApplyRule, PlanRule, RulePlan},
};
use crate::{
    app::Tx,
    authz::{self, Authorized, Permission},
    http::{ApiResult, Ref},
    jobs::{Job, JobError, JobRun},
    operations,
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
}

impl Job for MakePlan {
    const KIND: &'static str = "rule.plan";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        begin(run, self.operation_id, 1)?;
        let plan = make(run, self.rule_id, &self.wish, self.operation_id)?;
        run.finish(|tx| match &plan {
            Some(plan) => operations::succeed(tx, self.operation_id, plan),
            None => operations::cancel(tx, self.operation_id, &()),
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
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
        let Some(plan) = make(run, self.rule_id, &wish, self.operation_id)? else {
            return run.finish(|tx| operations::cancel(tx, self.operation_id, &()));
        };
        plan::check_against_plan(&plan, &self.wish)?;
        run.finish(|tx| {
            let rule = rule(tx, self.rule_id)?;
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

/// The plan; none if somebody asked to end early.
fn make(run: &JobRun, rule_id: Uuid, wish: &PlanRule, operation: Uuid) -> Result<Option<RulePlan>, JobError> {
    let rule = run.read(|tx| rule(tx, rule_id))?;
    let mut tally = plan::PlanTotals::of(&rule, wish);
    let is_whole = job::walk(run, |people, done| {
        tally.add(run.read(|tx| plan::plan_part(tx, &rule, wish, people))?);
        run.write(|tx| operations::progress(tx, operation, done))
    })?;
    if !is_whole {
        return Ok(None);
    }
    let live = run.read(|tx| plan::live_requirements(tx, rule_id))?;
    Ok(Some(tally.plan(live)))
}

fn rule(tx: &mut Tx, id: Uuid) -> ApiResult<Authorized<Rule>> {
    authz::authorize(tx, &Ref::from(id), Permission::RulesWrite)
}
