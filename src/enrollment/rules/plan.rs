//! What applying a rule would do, and applying it on the strength of that.
//!
//! A plan is the very reconcile that applying runs, in a savepoint that is rolled back: it cannot differ.

use diesel::{
    QueryableByName, RunQueryDsl,
    connection::SimpleConnection,
    sql_types::{BigInt, Date, Nullable, Text, Uuid as SqlUuid},
};
use uuid::Uuid;

use super::{
    change,
    job::ReconcileRule,
    model::{Rule, RuleStatus, UpdateRule},
    plan_model::{ApplyRule, PlannedChange, PlannedChangeKind, RulePlan},
    reconcile::{self, Outcome},
    store,
};
use crate::{
    access::Authorized,
    app::Tx,
    db::{Sql, bind},
    http::{ApiError, ApiResult, Code},
    ledger::Event,
    operations::{self, Operation},
    sql,
};

/// Changes that a plan shows one by one; its counts and its hash are about all of them.
const SHOWN: i64 = 100;

/// What applying `rule`, with `changes`, would do now.
pub fn plan(tx: &mut Tx, rule: &Authorized<Rule>, changes: Option<&UpdateRule>) -> ApiResult<RulePlan> {
    let live = live_requirements(tx, rule.id)?;
    tx.conn.batch_execute("SAVEPOINT plan")?;
    put_in_force(tx, rule, changes)?;
    let outcome = reconcile::reconcile(tx, None, Some(rule.id))?;
    let plan = describe(tx, rule, live, &outcome)?;
    tx.conn.batch_execute("ROLLBACK TO SAVEPOINT plan")?;
    Ok(plan)
}

/// Puts `rule` in force as it was planned. The requirements are made by a job, whose operation this answers.
pub fn apply(tx: &mut Tx, rule: &Authorized<Rule>, wish: &ApplyRule) -> ApiResult<Operation> {
    let plan = plan(tx, rule, wish.changes.as_ref())?;
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
                "It ends {} of the {} requirements that the rule made, {:.1} percent. If that is meant, raise allow_removals_percent.",
                plan.ends, plan.live_requirements, plan.removals_percent
            ),
        ));
    }
    let after = put_in_force(tx, rule, wish.changes.as_ref())?;
    tx.record(
        Event::new("rule.applied", "rule", rule.id)
            .before(&**rule)
            .after(&after),
    );
    let operation = operations::begin(tx, "rule.application", None)?;
    tx.enqueue(&ReconcileRule {
        rule_id: rule.id,
        operation_id: Some(operation.id),
    })?;
    Ok(operation)
}

fn put_in_force(tx: &mut Tx, rule: &Authorized<Rule>, changes: Option<&UpdateRule>) -> ApiResult<Rule> {
    let rewritten = match changes {
        Some(changes) => change::rewrite(tx, rule, changes)?,
        None if rule.status == RuleStatus::Archived => return Err(change::archived()),
        None => (**rule).clone(),
    };
    change::ready(tx, &rewritten)?;
    if rule.status == RuleStatus::Active {
        return Ok(rewritten);
    }
    store::set_status(tx, rule, RuleStatus::Active)
}

/// How many requirements the rule has a live reason for.
fn live_requirements(tx: &mut Tx, rule_id: Uuid) -> ApiResult<i64> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let count: Count = sql![
        "SELECT count(*) FROM requirement_reasons rr JOIN requirements q ON q.user_id = rr.user_id
            AND q.id = rr.requirement_id WHERE rr.ended_at IS NULL AND q.ended_at IS NULL AND q.satisfied_at IS NULL
            AND rr.rule_id = ",
        bind(rule_id)
    ]
    .get_result(tx.conn)?;
    Ok(count.count)
}

#[derive(QueryableByName)]
struct Totals {
    #[diesel(sql_type = BigInt)]
    opens: i64,
    #[diesel(sql_type = BigInt)]
    satisfied: i64,
    #[diesel(sql_type = BigInt)]
    ends: i64,
    #[diesel(sql_type = BigInt)]
    moves: i64,
    #[diesel(sql_type = Nullable<Text>)]
    digest: Option<String>,
}

#[derive(QueryableByName)]
struct ChangeRow {
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    course_id: Uuid,
    #[diesel(sql_type = Text)]
    kind: PlannedChangeKind,
    #[diesel(sql_type = Nullable<Date>)]
    due_on: Option<chrono::NaiveDate>,
}

/// `changed`: what this transaction did to requirements.
fn changed(tx: &Tx) -> Sql {
    let now = bind(tx.now);
    sql![
        "WITH changed AS (SELECT q.user_id, q.course_id, q.cycle, q.due_on, CASE
                WHEN q.ended_at = ",
        now.clone(),
        " THEN 'ends' WHEN q.satisfied_at IS NOT NULL THEN 'satisfied' WHEN q.created_at = ",
        now.clone(),
        " THEN 'opens' ELSE 'moves' END AS kind FROM requirements q WHERE q.updated_at = ",
        now,
        ") "
    ]
}

fn describe(tx: &mut Tx, rule: &Rule, live: i64, outcome: &Outcome) -> ApiResult<RulePlan> {
    let totals: Totals = sql![
        changed(tx),
        "SELECT count(*) FILTER (WHERE kind = 'opens') AS opens, count(*) FILTER (WHERE kind = 'satisfied') AS satisfied,
            count(*) FILTER (WHERE kind = 'ends') AS ends, count(*) FILTER (WHERE kind = 'moves') AS moves,
            encode(sha256(convert_to(concat_ws(' ', ",
        bind(rule.id),
        ", ",
        bind(rule.version),
        ", ",
        bind(outcome.joined),
        ", ",
        bind(outcome.left),
        ", string_agg(concat_ws(' ', user_id, course_id, cycle, kind, due_on), E'\\n' ORDER BY user_id, course_id, cycle)),
            'UTF8')), 'hex') AS digest FROM changed"
    ]
    .get_result(tx.conn)?;
    let changes: Vec<ChangeRow> = sql![
        changed(tx),
        "SELECT user_id, course_id, kind, due_on FROM changed ORDER BY kind, user_id, course_id, cycle LIMIT ",
        bind(SHOWN)
    ]
    .load(tx.conn)?;
    Ok(RulePlan {
        plan_hash: totals.digest.unwrap_or_default(),
        joins: outcome.joined,
        leaves: outcome.left,
        opens: totals.opens,
        satisfied: totals.satisfied,
        ends: totals.ends,
        moves: totals.moves,
        live_requirements: live,
        removals_percent: percent(totals.ends, live),
        changes: changes
            .into_iter()
            .map(|row| PlannedChange {
                user_id: row.user_id,
                course_id: row.course_id,
                kind: row.kind,
                due_on: row.due_on,
            })
            .collect(),
    })
}

fn percent(part: i64, whole: i64) -> f64 {
    if part == 0 {
        return 0.0;
    }
    (part as f64 * 100.0 / whole.max(1) as f64).min(100.0)
}
