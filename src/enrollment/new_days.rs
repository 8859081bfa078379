//! What a new day brings to requirements: those not satisfied become overdue, and the renewal of others opens.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::{
    events::{RENEWAL_OPENED, REQUIREMENT_OVERDUE, REQUIREMENT_SATISFIED, REQUIREMENT_UPDATED},
    requirements::model::StoredRequirement,
    rules::due::POLICIES,
};
use crate::{
    app::Tx,
    db::Sql,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    ledger::EventKind,
    people::new_days::{NewDays, once},
    resource::record::as_json,
    sql,
};

/// Records which requirements the days that began made overdue, and which renewals they opened.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordRequirementDays {}

impl Job for RecordRequirementDays {
    const KIND: &'static str = "requirements.days";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(|tx| {
            let Some(days) = NewDays::take(tx, "requirements")? else {
                return Ok(());
            };
            record(tx, &REQUIREMENT_OVERDUE, &days, overdue(&days))?;
            record(tx, &RENEWAL_OPENED, &days, renewals(&days))
        })
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn record(tx: &mut Tx, kind: &EventKind, days: &NewDays, due: Sql) -> ApiResult<()> {
    days.forget_past(tx, kind)?;
    let changes = sql!(
        "{fresh}, changes AS (SELECT {kind.action} AS action, q.id, q.user_id, NULL::jsonb AS before,
                {requirement} AS after
            FROM fresh JOIN requirements q ON q.user_id = fresh.user_id AND q.id = fresh.object_id)",
        fresh = once(kind, due),
        requirement = as_json::<StoredRequirement>("q."),
    );
    tx.record_changes(&[kind], changes.is_planned_each_time())?;
    Ok(())
}

/// Whether the requirement `q` had its present `date`, `due_on` or `valid_until`, when the day `new_day` began: events tell of one
/// that was written since.
fn had(date: &str) -> Sql {
    let actions = [REQUIREMENT_UPDATED, REQUIREMENT_SATISFIED].map(|kind| kind.action.to_owned());
    sql!(
        "(q.updated_at < new_day.begins_at OR q.created_at < new_day.begins_at AND NOT EXISTS (
            SELECT FROM events e WHERE e.user_id = q.user_id AND e.object_id = q.id
                AND e.recorded_at >= new_day.begins_at AND e.action = ANY({actions})
                AND e.before ->> {date} IS DISTINCT FROM e.after ->> {date}))",
        actions = actions.to_vec(),
    )
}

/// What is overdue since a day that began: since the day after the due date.
fn overdue(days: &NewDays) -> Sql {
    sql!(
        "SELECT q.user_id, q.id, q.due_on FROM requirements q
         JOIN users ON users.id = q.user_id {joined_days} AND new_day.day = q.due_on + 1
         WHERE q.satisfied_at IS NULL AND q.ended_at IS NULL AND users.status <> 'archived'
            AND q.due_on BETWEEN {first} AND {last} AND {had_date}",
        joined_days = days.joined_to_users(),
        had_date = had("due_on"),
        first = days.first - TimeDelta::days(1),
        last = days.last - TimeDelta::days(1),
    )
}

/// What is to be renewed since a day that began: the earliest that the active rules among its reasons let it. A user who holds
/// a completion that lasts longer has nothing to renew.
fn renewals(days: &NewDays) -> Sql {
    sql!(
        // Months differ in length: the index finds a few days more.
        "SELECT q.user_id, q.id, opening.day
         FROM (SELECT DISTINCT renewal_window FROM rules WHERE status = 'active') AS known
         JOIN requirements q ON q.satisfied_at IS NOT NULL AND q.ended_at IS NULL
            AND q.valid_until >= ({days.first} + known.renewal_window::interval - interval '5 days')::date
            AND q.valid_until <= ({days.last} + known.renewal_window::interval + interval '5 days')::date
         JOIN users ON users.id = q.user_id {joined_days}
         CROSS JOIN LATERAL (SELECT min((q.valid_until - r.renewal_window)::date) AS day
            FROM requirement_reasons rr JOIN ({POLICIES}) r ON r.id = rr.rule_id AND r.status = 'active'
            WHERE rr.user_id = q.user_id AND rr.requirement_id = q.id AND rr.ended_at IS NULL) AS opening
         WHERE opening.day = new_day.day AND {had_date} AND users.status <> 'archived'
            AND NOT EXISTS (SELECT FROM completions c WHERE c.user_id = q.user_id AND c.course_id = q.course_id
                AND (c.valid_until IS NULL OR c.valid_until > q.valid_until)
                AND NOT EXISTS (SELECT FROM completions s WHERE s.user_id = c.user_id AND s.supersedes_id = c.id))",
        joined_days = days.joined_to_users(),
        had_date = had("valid_until"),
    )
}
