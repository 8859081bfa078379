//! Settling what rules want of everybody, outside of a request and some people at a time.

use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, SelectableHelper, sql_types};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    audience, change,
    model::{Rule, RuleStatus},
    policy,
    reconcile::{Outcome, People, reconcile_part},
};
use crate::{
    app::Tx,
    authz::{self, Permission},
    db::schema::{rules, users},
    http::{ApiResult, Ref},
    jobs::{Job, JobError, JobRun, Part},
    operations, sql,
};

/// People of a job that settles what all rules want of them.
const OF_A_JOB: usize = 2_000;

/// Requirements from which on PostgreSQL is made to look at tables that grow, and by how much these must have grown until it
/// looks again.
const FIRST_LOOK: i64 = 1_000;
const GROWTH: i64 = 4;

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
            run.write(|tx| reconcile_part(tx, part, (&*part.ids).into(), None).map(drop))
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
    let mut upkeep = Upkeep { next: FIRST_LOOK };
    let stored = run.read(|tx| Ok(rules::table.find(rule).select(Rule::as_select()).first(tx.conn)?))?;
    let concerned = |tx: &mut Tx, after, most| audience::concerned(tx, &stored, None, after, most);
    let watched = operation.map(|operation| (operation, before));
    let (total, is_whole) = settle_walk(run, watched, Some(rule), concerned, |total| {
        upkeep.after(run, total)
    })?;
    run.finish(|tx| match operation {
        Some(operation) if is_whole => operations::succeed(tx, operation, &total),
        Some(operation) => operations::cancel(tx, operation, &total),
        None => Ok(()),
    })
}

/// Settles what one rule or all want of the people whom `next` reads. Answers what that did, with what earlier attempts at the
/// operation did, and whether it came to its end; `each` hears of every part.
pub(super) fn settle_walk(
    run: &JobRun,
    operation: Option<(Uuid, i64)>,
    rule: Option<Uuid>,
    next: impl Fn(&mut Tx, Uuid, i64) -> ApiResult<Vec<Uuid>>,
    mut each: impl FnMut(&Outcome) -> Result<(), JobError>,
) -> Result<(Outcome, bool), JobError> {
    let mut total: Outcome = match operation {
        Some((operation, _)) => run.read(|tx| operations::counted(tx, operation))?,
        None => Outcome::default(),
    };
    let is_whole = run.walk(next, |part| {
        total = run.write(|tx| {
            let mut total = total;
            let people = people_of(tx, part)?;
            let (_, outcome) = reconcile_part(tx, part, people, rule)?;
            total += outcome;
            if let Some((operation, before)) = operation {
                operations::progress(tx, operation, before + part.done)?;
                operations::count(tx, operation, &total)?;
            }
            Ok(total)
        })?;
        each(&total)
    })?;
    Ok((total, is_whole))
}

/// How many times as many people a range may hold as are settled in it.
const RANGE: usize = 4;

/// The people of a part: by their range, which is read from every table at once, unless it holds too many others.
fn people_of(tx: &mut Tx, part: &Part) -> ApiResult<People> {
    let most = RANGE * part.ids.len();
    let following = following(tx, part.after, most as i64)?;
    let in_range = following.partition_point(|id| *id <= part.last);
    Ok(if in_range == part.ids.len() {
        People::Between(part.after, part.last)
    } else if in_range < most {
        People::Within(part.after, part.last, part.ids.clone())
    } else {
        People::These(part.ids.clone())
    })
}

/// Has PostgreSQL look at tables that grow from little or nothing: it would notice by itself only after minutes, and
/// make the plans of small tables until then.
struct Upkeep {
    /// How many requirements the job has opened when this is to be asked again.
    next: i64,
}

impl Upkeep {
    fn after(&mut self, run: &JobRun, total: &Outcome) -> Result<(), JobError> {
        if total.opened < self.next {
            return Ok(());
        }
        let known = run.read(known_requirements)?;
        if known > total.opened {
            self.next = known;
            return Ok(());
        }
        self.next = GROWTH * total.opened;
        run.write(|tx| {
            sql!("ANALYZE rule_members, requirements, requirement_reasons, enrollments").execute(tx.conn)?;
            Ok(())
        })
    }
}

/// How many requirements PostgreSQL took there to be when it last looked.
fn known_requirements(tx: &mut Tx) -> ApiResult<i64> {
    #[derive(QueryableByName)]
    struct Known {
        #[diesel(sql_type = sql_types::BigInt)]
        rows: i64,
    }
    let known: Known =
        sql!("SELECT reltuples::bigint AS rows FROM pg_class WHERE oid = 'requirements'::regclass")
            .get_result(tx.conn)?;
    Ok(known.rows)
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
