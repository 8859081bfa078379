//! What is required of people: cycles with their reasons.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::People;
use crate::{
    app::Tx,
    db::Sql,
    enrollment::{
        requirements::model::EndReason,
        rules::{
            person::{Cycle, Proof, Reason, Renewed},
            reconcile::ReconcileScope,
        },
        target::Target,
    },
    http::ApiResult,
    sql,
};

#[derive(QueryableByName)]
struct CycleRow {
    #[diesel(sql_type = sql_types::Uuid)]
    user_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    target_id: Uuid,
    #[diesel(sql_type = sql_types::Integer)]
    cycle: i32,
    #[diesel(sql_type = sql_types::Date)]
    opens_on: NaiveDate,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    due_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    satisfied_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    completion_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    waiver_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    valid_until: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    renews_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    end_reason: Option<EndReason>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    renewed_completion: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    renewed_waiver: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    renewed_until: Option<NaiveDate>,
}

/// Which cycle of each person and target is looked at.
#[derive(Debug, Clone, Copy)]
pub enum Which<'a> {
    /// The current one.
    Current,
    /// The requirements of these ids.
    These(&'a [Uuid]),
}

/// The cycles, and what satisfied the cycle before each.
pub(super) fn cycles(
    tx: &mut Tx,
    reach: &ReconcileScope,
    which: Which<'_>,
    people: &mut People,
) -> ApiResult<()> {
    let (which, named) = match which {
        Which::Current => (sql!("q.later IS NULL"), Sql::never()),
        Which::These(requirements) => (
            sql!("q.id = ANY({requirements})"),
            sql!("r.id = ANY({requirements})"),
        ),
    };
    // A cycle whose evidence is gone renews nothing and is renewed by none.
    let rows: Vec<CycleRow> = sql!(
        "SELECT q.user_id, q.id, q.target_id, q.cycle, q.opens_on, q.due_on, q.satisfied_at, q.completion_id, q.waiver_id,
            q.valid_until, q.renews_on, q.end_reason, q.renewed_completion, q.renewed_waiver, q.renewed_until
         FROM (SELECT r.*, lead(r.cycle) OVER cycles AS later,
                CASE WHEN lag(r.ended_at) OVER cycles IS NULL THEN lag(r.completion_id) OVER cycles END AS renewed_completion,
                CASE WHEN lag(r.ended_at) OVER cycles IS NULL THEN lag(r.waiver_id) OVER cycles END AS renewed_waiver,
                CASE WHEN lag(r.ended_at) OVER cycles IS NULL THEN lag(r.valid_until) OVER cycles END AS renewed_until
            FROM requirements r WHERE {users} AND {targets} AND (r.end_reason IS DISTINCT FROM 'evidence_gone' OR {named})
            WINDOW cycles AS (PARTITION BY r.user_id, r.target_id ORDER BY r.cycle)) q
         WHERE {which}",
        users = reach.users("r.user_id"),
        targets = reach.targets("r.target_id"),
    )
    .load(tx.conn)?;
    for row in rows {
        if let Some(person) = people.get_mut(&row.user_id) {
            person.cycles.insert(Target::course(row.target_id), cycle(&row));
        }
    }
    Ok(())
}

#[derive(QueryableByName)]
struct ReasonRow {
    #[diesel(sql_type = sql_types::Uuid)]
    requirement_id: Uuid,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Uuid>)]
    rule_id: Option<Uuid>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::BigInt>)]
    rule_version: Option<i64>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    scheduled_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    due_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    valid_until: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Date>)]
    renews_on: Option<NaiveDate>,
    #[diesel(sql_type = sql_types::Nullable<sql_types::Timestamptz>)]
    ended_at: Option<DateTime<Utc>>,
}

/// The reasons of the cycles. Joined here and not by PostgreSQL, which joins a range of people badly while it knows
/// little of tables that grow.
pub(super) fn reasons(tx: &mut Tx, reach: &ReconcileScope, people: &mut People) -> ApiResult<()> {
    if people.values().all(|person| person.cycles.is_empty()) {
        return Ok(());
    }
    let rows: Vec<ReasonRow> = sql!(
        "SELECT rr.requirement_id, rr.id, rr.rule_id, rr.rule_version, rr.scheduled_on, rr.due_on,
            rr.valid_until, rr.renews_on, rr.ended_at
         FROM requirement_reasons rr WHERE {users}",
        users = reach.users("rr.user_id"),
    )
    .load(tx.conn)?;
    let mut by_cycle: HashMap<Uuid, Vec<ReasonRow>> = HashMap::new();
    for row in rows {
        by_cycle.entry(row.requirement_id).or_default().push(row);
    }
    for cycle in people.values_mut().flat_map(|person| person.cycles.values_mut()) {
        let mut rows = by_cycle.remove(&cycle.id).unwrap_or_default();
        rows.sort_by_key(|row| row.id);
        // A cycle ends with its last reasons.
        let last_end = rows.iter().filter_map(|row| row.ended_at).max();
        for row in rows {
            let reason = Reason {
                id: row.id,
                rule_id: row.rule_id,
                rule_version: row.rule_version,
                scheduled_on: row.scheduled_on,
                due_on: row.due_on,
                valid_until: row.valid_until,
                renews_on: row.renews_on,
            };
            match row.ended_at {
                None => cycle.reasons.push(reason),
                Some(at) if cycle.ended.is_some() && Some(at) == last_end => cycle.past_reasons.push(reason),
                Some(_) => {}
            }
        }
    }
    Ok(())
}

fn cycle(row: &CycleRow) -> Cycle {
    let renewed = proof(row.renewed_completion, row.renewed_waiver);
    Cycle {
        id: row.id,
        number: row.cycle,
        opens_on: row.opens_on,
        due_on: row.due_on,
        satisfied: proof(row.completion_id, row.waiver_id).zip(row.satisfied_at),
        valid_until: row.valid_until,
        renews_on: row.renews_on,
        ended: row.end_reason,
        renews: renewed.map(|proof| Renewed {
            proof,
            valid_until: row.renewed_until,
        }),
        reasons: Vec::new(),
        past_reasons: Vec::new(),
    }
}

fn proof(completion: Option<Uuid>, waiver: Option<Uuid>) -> Option<Proof> {
    completion.map(Proof::Completion).or(waiver.map(Proof::Waiver))
}
