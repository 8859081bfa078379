//! What a new day brings to requirements: those not satisfied become overdue, and the renewal of others opens.

use chrono::TimeDelta;
use diesel::{ExpressionMethods, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    events::{RENEWAL_OPENED, REQUIREMENT_OVERDUE},
    requirements::model::StoredRequirement,
    rules::job::{ActivateRule, settle_later},
};
use crate::{
    app::Tx,
    db::{Fixed, Sql, schema::rules},
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    ledger::EventKind,
    people::{
        days::Todays,
        new_days::{NewDays, once},
    },
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
        run.finish(|tx| begin(tx).map(drop))
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

/// Records what the new days bring, and queues jobs that settle the users concerned; answers their ids.
pub fn begin(tx: &mut Tx) -> ApiResult<Vec<Uuid>> {
    activate_due_rules(tx)?;
    let Some(days) = NewDays::take(tx, "requirements")? else {
        return Ok(Vec::new());
    };
    let users = concerned(tx, &days)?;
    settle_later(tx, &users)?;
    record(tx, &REQUIREMENT_OVERDUE, &days, overdue(&days))?;
    record(tx, &RENEWAL_OPENED, &days, renewals(&days))?;
    Ok(users)
}

/// Queues the activation of drafts whose day has come, in the time zone of the academy.
fn activate_due_rules(tx: &mut Tx) -> ApiResult<()> {
    let due: Vec<Uuid> = rules::table
        .filter(rules::status.eq("draft"))
        .filter(rules::activates_on.le(Todays::of(tx).of_zone(None)))
        .select(rules::id)
        .load(tx.conn)?;
    due.into_iter()
        .try_for_each(|rule_id| tx.enqueue(&ActivateRule { rule_id }))
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

/// The users for whom a day that began changes what rules want, found by indexes: their next cycle opens, a waiver or an
/// override of theirs begins or is over, or they come back from an absence.
fn concerned(tx: &mut Tx, days: &NewDays) -> ApiResult<Vec<Uuid>> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = sql_types::Uuid)]
        user_id: Uuid,
    }
    let before = days.first - TimeDelta::days(1);
    let rows: Vec<Row> = sql!(
        "SELECT DISTINCT users.id AS user_id FROM users {joined_days}
         JOIN (SELECT q.user_id, q.renews_on AS day FROM requirements q WHERE q.satisfied_at IS NOT NULL
                AND q.ended_at IS NULL AND q.renews_on BETWEEN {days.first} AND {days.last}
            UNION ALL
            SELECT w.user_id, w.begins_on FROM waivers w WHERE w.begins_on BETWEEN {days.first} AND {days.last}
            UNION ALL
            SELECT w.user_id, w.expires_on + 1 FROM waivers w
            WHERE w.archived_at IS NULL AND w.expires_on BETWEEN {before} AND {days.last}
            UNION ALL
            SELECT o.user_id, o.until + 1 FROM rule_overrides o
            WHERE o.archived_at IS NULL AND o.until BETWEEN {before} AND {days.last}) changes
            ON changes.user_id = users.id AND changes.day = new_day.day
         ORDER BY user_id",
        joined_days = days.joined_to_users(),
    )
    .load(tx.conn)?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Whether the requirement `q` had its present `date`, a column, when the day `new_day` began: events tell of one that was written
/// since.
fn had(date: &'static str) -> Sql {
    sql!(
        "(q.created_at < new_day.begins_at AND NOT EXISTS (SELECT FROM requirement_history h
            WHERE h.user_id = q.user_id AND h.requirement_id = q.id AND h.superseded_at >= new_day.begins_at
                AND h.{date} IS DISTINCT FROM q.{date}))",
        date = Fixed(date),
    )
}

/// What is overdue since a day that began: since the day after the due date, or after an absence in which that day lay. Users who are
/// absent are not late.
fn overdue(days: &NewDays) -> Sql {
    let (first, last) = (days.first - TimeDelta::days(1), days.last - TimeDelta::days(1));
    sql!(
        "SELECT q.user_id, q.id, q.due_on FROM requirements q
         JOIN users ON users.id = q.user_id {joined_days} AND new_day.day = q.due_on + 1
         WHERE q.due_on BETWEEN {first} AND {last} AND {had_date} AND {is_late}
         UNION
         SELECT q.user_id, q.id, q.due_on FROM absences back
         JOIN users ON users.id = back.user_id {joined_days} AND new_day.day = back.ends_on + 1
         JOIN requirements q ON q.user_id = back.user_id AND q.due_on BETWEEN back.starts_on - 1 AND back.ends_on - 1
         WHERE back.archived_at IS NULL AND back.ends_on BETWEEN {first} AND {last} AND {had_date} AND {is_late}",
        joined_days = days.joined_to_users(),
        had_date = had("due_on"),
        is_late = Fixed(
            "q.satisfied_at IS NULL AND q.ended_at IS NULL AND users.status <> 'archived'
                AND NOT EXISTS (SELECT FROM absences a WHERE a.user_id = q.user_id AND a.archived_at IS NULL
                    AND a.starts_on <= new_day.day AND (a.ends_on IS NULL OR a.ends_on >= new_day.day))",
        ),
    )
}

/// What is to be renewed since a day that began. A user who completed it since has nothing to renew.
fn renewals(days: &NewDays) -> Sql {
    sql!(
        "SELECT q.user_id, q.id, q.renews_on FROM requirements q
         JOIN users ON users.id = q.user_id {joined_days} AND new_day.day = q.renews_on
         WHERE q.satisfied_at IS NOT NULL AND q.ended_at IS NULL AND users.status <> 'archived'
            AND q.renews_on BETWEEN {days.first} AND {days.last} AND {had_date}
            AND NOT EXISTS (SELECT FROM completions c WHERE c.user_id = q.user_id AND c.course_id = q.course_id
                AND c.occurred_at > q.satisfied_at AND NOT c.is_void
                AND NOT EXISTS (SELECT FROM completions s WHERE s.user_id = c.user_id AND s.supersedes_id = c.id))",
        joined_days = days.joined_to_users(),
        had_date = had("renews_on"),
    )
}
