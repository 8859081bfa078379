//! Settling what rules want of everybody, outside of a request and some people at a time.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    audience, change,
    model::{Rule, RuleStatus},
    policy,
    reconcile::{Outcome, reconcile},
};
use crate::{
    app::Tx,
    authz::{self, Permission},
    db::schema::{rules, users},
    http::{ApiResult, Ref},
    jobs::{Job, JobError, JobRun},
    operations, sql,
};

/// People of a job that settles what all rules want of them.
const OF_A_JOB: usize = 2_000;

/// Requirements from which on PostgreSQL is made to look at tables that grow.
const GROWTH: i64 = 500;

/// Settles what one rule wants of everybody, after it changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileRule {
    /// Which rule.
    pub rule_id: Uuid,
    /// The operation that tells how far it is, if somebody waits for it.
    #[serde(default)]
    pub operation_id: Option<Uuid>,
    /// What the operation has done before.
    #[serde(default)]
    pub progress: i64,
}

impl Job for ReconcileRule {
    const KIND: &'static str = "reconcile_rule";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        everybody(run, self.rule_id, self.operation_id, self.progress)
    }

    fn unique_key(&self) -> Option<String> {
        let unwatched = self.operation_id.is_none();
        unwatched.then(|| self.rule_id.to_string())
    }

    fn operation_id(&self) -> Option<Uuid> {
        self.operation_id
    }
}

/// Activates a draft whose day has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ActivateRule {
    /// Which rule.
    pub rule_id: Uuid,
}

impl Job for ActivateRule {
    const KIND: &'static str = "activate_rule";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            let rule = authz::authorize::<Rule>(tx, &Ref::from(self.rule_id), Permission::RulesWrite)?;
            match rule.status {
                RuleStatus::Draft => change::set_status(tx, rule, RuleStatus::Active).map(drop),
                RuleStatus::Active | RuleStatus::Paused | RuleStatus::Archived => Ok(()),
            }
        })
    }

    fn unique_key(&self) -> Option<String> {
        Some(self.rule_id.to_string())
    }
}

/// Settles what all rules want of some users.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SettleUsers {
    /// Who.
    pub user_ids: Vec<Uuid>,
}

impl Job for SettleUsers {
    const KIND: &'static str = "settle_users";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.walk_these(&self.user_ids, |part| {
            run.write(|tx| reconcile(tx, &*part.ids, None).map(drop))
        })?;
        run.finish(|_| Ok(()))
    }
}

/// Queues jobs that settle what rules want of these users.
pub fn settle_later(tx: &mut Tx, users: &[Uuid]) -> ApiResult<()> {
    for part in users.chunks(OF_A_JOB) {
        tx.enqueue(&SettleUsers {
            user_ids: part.to_vec(),
        })?;
    }
    Ok(())
}

/// Queues what a new day may change by the calendar alone beside what indexes find: the audiences that speak of today.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileDay {}

impl Job for ReconcileDay {
    const KIND: &'static str = "reconcile_day";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            let rules = policy::load(tx, None)?;
            for rule_id in audience::that_speak_of_today(&rules) {
                tx.enqueue(&ReconcileRule {
                    rule_id,
                    operation_id: None,
                    progress: 0,
                })?;
            }
            Ok(())
        })
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn everybody(run: &JobRun, rule: Uuid, operation: Option<Uuid>, before: i64) -> Result<(), JobError> {
    let mut total: Outcome = match operation {
        Some(operation) => run.read(|tx| operations::counted(tx, operation))?,
        None => Outcome::default(),
    };
    let mut upkeep = Upkeep::default();
    let stored = run.read(|tx| Ok(rules::table.find(rule).select(Rule::as_select()).first(tx.conn)?))?;
    let concerned = |tx: &mut Tx, after, most| audience::concerned(tx, &stored, None, after, most);
    let is_whole = run.walk(concerned, |part| {
        total = run.write(|tx| {
            let mut total = total;
            total += reconcile(tx, &*part.ids, Some(rule))?;
            if let Some(operation) = operation {
                operations::progress(tx, operation, before + part.done)?;
                operations::count(tx, operation, &total)?;
            }
            Ok(total)
        })?;
        upkeep.after(run, &total)
    })?;
    run.finish(|tx| match operation {
        Some(operation) if is_whole => operations::succeed(tx, operation, &total),
        Some(operation) => operations::cancel(tx, operation, &total),
        None => Ok(()),
    })
}

/// Has PostgreSQL look at tables that grow from little or nothing: it would notice by itself only after minutes, and
/// make the plans of small tables until then.
#[derive(Default)]
struct Upkeep {
    seen: i64,
}

impl Upkeep {
    fn after(&mut self, run: &JobRun, total: &Outcome) -> Result<(), JobError> {
        if total.opened < 2 * self.seen.max(GROWTH) {
            return Ok(());
        }
        self.seen = total.opened;
        run.write(|tx| {
            sql!("ANALYZE rule_members, requirements, requirement_reasons, enrollments").execute(tx.conn)?;
            Ok(())
        })
    }
}

/// The people whose ids follow one.
pub(super) fn following(tx: &mut Tx, after: Uuid, most: i64) -> ApiResult<Vec<Uuid>> {
    let people = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(most)
        .select(users::id)
        .load(tx.conn)?;
    Ok(people)
}

/// How many people there are.
pub(super) fn people(tx: &mut Tx) -> ApiResult<i64> {
    Ok(users::table.count().get_result(tx.conn)?)
}
