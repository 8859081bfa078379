//! What applying a rule would do, and applying it on the strength of that.
//!
//! A plan is the very reconcile that applying runs, in a savepoint that is rolled back: it cannot differ. Both walk over
//! everybody, so both are operations.

use std::ops::AddAssign;

use data_encoding::HEXLOWER;
use diesel::{
    QueryableByName, RunQueryDsl,
    sql_types::{BigInt, Text},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{
    change::put_in_force,
    model::{Rule, UpdateRule},
    plan_job::{ApplyRuleJob, MakePlan},
    plan_model::{ApplyRule, PlanRule, PlannedChange, RulePlan},
    reconcile::{self, Outcome, People, ReconcileScope},
};
use crate::{
    app::Tx,
    authz::Authorized,
    db::Sql,
    http::{ApiError, ApiResult, Code},
    operations::{self, Operation},
    sql,
};

/// Changes that a plan shows one by one; its counts and its hash are about all of them.
const SHOWN: i64 = 100;

/// Begins to plan `rule`. What can be said at once against its text is.
pub fn begin(tx: &mut Tx, rule: Authorized<Rule>, wish: PlanRule) -> ApiResult<Operation> {
    let rule_id = rule.id;
    rehearse(tx, |tx| put_in_force(tx, rule, wish.changes.as_ref()))?;
    let operation = operations::begin(tx, "rule.plan", None)?;
    tx.enqueue(&MakePlan {
        rule_id,
        changes: wish.changes,
        operation_id: operation.id,
    })?;
    Ok(operation)
}

/// Begins to put `rule` in force as it was planned.
pub fn begin_application(tx: &mut Tx, rule: Authorized<Rule>, wish: ApplyRule) -> ApiResult<Operation> {
    let rule_id = rule.id;
    rehearse(tx, |tx| put_in_force(tx, rule, wish.changes.as_ref()))?;
    let operation = operations::begin(tx, "rule.application", None)?;
    tx.enqueue(&ApplyRuleJob {
        rule_id,
        wish,
        operation_id: operation.id,
    })?;
    Ok(operation)
}

/// Refuses to apply what is not what was planned, or what ends more than was allowed.
pub(super) fn check_against_plan(plan: &RulePlan, wish: &ApplyRule) -> ApiResult<()> {
    if plan.plan_hash != wish.plan_hash {
        return Err(ApiError::new(
            Code::PlanStale,
            "People, completions or the rule changed since; plan again and look at what it would do now.",
        ));
    }
    if plan.removals_percent > wish.allow_removals_percent {
        return Err(ApiError::new(
            Code::PlanRemovesTooMuch,
            format!(
                "It ends {} of the {} requirements that the rule keeps up, open and satisfied ones: {:.1} percent. If that is meant, raise allow_removals_percent.",
                plan.ends, plan.live_requirements, plan.removals_percent
            ),
        ));
    }
    Ok(())
}

/// Does `work` and undoes it.
fn rehearse<T>(tx: &mut Tx, work: impl FnOnce(&mut Tx) -> ApiResult<T>) -> ApiResult<T> {
    let (outcome, _) = tx.rehearse(work)?;
    outcome
}

/// How many requirements the rule is a reason of and might end, satisfied or not: of a person and a course the current one.
pub(super) fn live_requirements(tx: &mut Tx, rule_id: Uuid) -> ApiResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count: Count = sql!(
        "SELECT count(*) FROM requirement_reasons rr JOIN requirements q ON q.user_id = rr.user_id
            AND q.id = rr.requirement_id WHERE rr.ended_at IS NULL AND q.ended_at IS NULL
            AND rr.rule_id = {rule_id} AND NOT EXISTS (SELECT 1 FROM requirements later
                WHERE later.user_id = q.user_id
                    AND later.course_id = q.course_id AND later.cycle > q.cycle)"
    )
    .get_result(tx.conn)?;
    Ok(count.count)
}

/// What putting a rule in force does to some people.
#[derive(Debug, Default)]
pub(super) struct PlannedPart {
    outcome: Outcome,
    counts: Counts,
    /// What changes, a line each, in the order of the people: the text that is hashed.
    lines: String,
    shown: Vec<PlannedChange>,
}

/// What putting `rule` in force would do to `people`.
pub(super) fn plan_part(
    tx: &mut Tx,
    rule: Authorized<Rule>,
    changes: Option<&UpdateRule>,
    people: &People,
) -> ApiResult<PlannedPart> {
    rehearse(tx, |tx| {
        let rule = put_in_force(tx, rule, changes)?;
        let outcome = reconcile::reconcile(tx, people.clone(), Some(rule.id))?;
        let changed = changed(tx, rule.id, people);
        let totals: Totals = sql!(
            "{changed} SELECT count(*) FILTER (WHERE kind = 'opens') AS opens,
                count(*) FILTER (WHERE kind = 'satisfied') AS satisfied,
                count(*) FILTER (WHERE kind = 'ends' AND is_of_rule) AS ends,
                count(*) FILTER (WHERE kind = 'moves') AS moves,
                coalesce(string_agg(concat_ws(' ', user_id, course_id, cycle, kind, due_on) || E'\\n', ''
                    ORDER BY user_id, course_id, cycle), '') AS lines
             FROM changed"
        )
        .get_result(tx.conn)?;
        let shown: Vec<PlannedChange> = sql!(
            "{changed} SELECT user_id, course_id, kind, due_on FROM changed
             ORDER BY user_id, course_id, cycle LIMIT {SHOWN}"
        )
        .load(tx.conn)?;
        Ok(PlannedPart {
            outcome,
            counts: totals.counts,
            lines: totals.lines,
            shown,
        })
    })
}

#[derive(Debug, Default, Clone, Copy, QueryableByName)]
struct Counts {
    #[diesel(sql_type = BigInt)]
    opens: i64,
    #[diesel(sql_type = BigInt)]
    satisfied: i64,
    #[diesel(sql_type = BigInt)]
    ends: i64,
    #[diesel(sql_type = BigInt)]
    moves: i64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.opens += other.opens;
        self.satisfied += other.satisfied;
        self.ends += other.ends;
        self.moves += other.moves;
    }
}

#[derive(QueryableByName)]
struct Totals {
    #[diesel(embed)]
    counts: Counts,
    #[diesel(sql_type = Text)]
    lines: String,
}

/// `changed`: what this transaction did to the requirements of `people`, and whether the rule was a reason of what ends.
fn changed(tx: &Tx, rule_id: Uuid, people: &People) -> Sql {
    let now = tx.now;
    sql!(
        "WITH changed AS (SELECT q.user_id, q.course_id, q.cycle, q.due_on,
                CASE WHEN q.ended_at = {now} THEN 'ends' WHEN q.satisfied_at IS NOT NULL THEN 'satisfied'
                    WHEN q.created_at = {now} THEN 'opens' ELSE 'moves' END AS kind,
                EXISTS (SELECT 1 FROM requirement_reasons rr
                    WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id AND rr.ended_at = {now}
                        AND rr.rule_id = {rule_id}) AS is_of_rule
            FROM requirements q
            WHERE q.updated_at = {now} AND {users}) ",
        users = ReconcileScope::of(people.clone()).users("q.user_id"),
    )
}

/// Adds up a plan.
pub(super) struct PlanTotals {
    hash: Sha256,
    total: PlannedPart,
}

impl PlanTotals {
    /// The plan of `rule` before anybody was looked at.
    pub(super) fn of(rule: &Rule) -> Self {
        PlanTotals {
            hash: Sha256::new_with_prefix(format!("{} {}\n", rule.id, rule.version)),
            total: PlannedPart::default(),
        }
    }

    /// Adds what was foreseen for the next people, in the order of their ids.
    pub(super) fn add(&mut self, some: PlannedPart) {
        self.hash.update(some.lines);
        self.total.outcome += some.outcome;
        self.total.counts += some.counts;
        let room = (SHOWN as usize).saturating_sub(self.total.shown.len());
        self.total.shown.extend(some.shown.into_iter().take(room));
    }

    /// The plan, for a rule that is the reason of `live_requirements`.
    pub(super) fn plan(mut self, live_requirements: i64) -> RulePlan {
        let PlannedPart {
            outcome,
            counts,
            shown,
            ..
        } = self.total;
        self.hash.update(format!("{} {}", outcome.joined, outcome.left));
        RulePlan {
            plan_hash: HEXLOWER.encode(&self.hash.finalize()),
            joins: outcome.joined,
            leaves: outcome.left,
            opens: counts.opens,
            satisfied: counts.satisfied,
            ends: counts.ends,
            moves: counts.moves,
            live_requirements,
            removals_percent: percent(counts.ends, live_requirements),
            changes: shown,
        }
    }
}

fn percent(part: i64, whole: i64) -> f64 {
    if part == 0 {
        return 0.0;
    }
    (part as f64 * 100.0 / whole.max(1) as f64).min(100.0)
}
