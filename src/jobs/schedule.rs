//! Work that comes round. Any number of workers look; each round is claimed by one.

use chrono::{DateTime, Datelike, Duration, DurationRound, TimeDelta, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};

use crate::{
    app::{Acting, App, Tx},
    db::schema::job_schedules,
    http::{ApiError, ApiResult},
};

/// How often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Every {
    /// Every so many minutes, on the round minute.
    Minutes(u32),
    /// Every day at this full hour, UTC.
    DayAt(u32),
    /// Every Monday at this full hour, UTC.
    MondayAt(u32),
}

/// What comes round. The list stands in `cli/worker.rs`.
#[derive(Debug, Clone, Copy)]
pub struct Schedule {
    /// Its name; never changes.
    pub name: &'static str,
    /// How often.
    pub every: Every,
    /// Queues the job.
    pub enqueue: fn(&mut Tx) -> ApiResult<()>,
}

impl Every {
    /// The first round after `now`.
    pub fn after(self, now: DateTime<Utc>) -> ApiResult<DateTime<Utc>> {
        match self {
            Every::Minutes(minutes) => {
                let round = Duration::minutes(minutes.max(1).into());
                Ok(now.duration_trunc(round).map_err(ApiError::internal)? + round)
            }
            Every::DayAt(hour) => {
                let midnight = now
                    .duration_trunc(TimeDelta::days(1))
                    .map_err(ApiError::internal)?;
                let today = midnight + TimeDelta::hours(hour.into());
                Ok(if now < today {
                    today
                } else {
                    today + TimeDelta::days(1)
                })
            }
            Every::MondayAt(hour) => {
                let next = Every::DayAt(hour).after(now)?;
                let past = next.weekday().num_days_from_monday();
                Ok(next + TimeDelta::days(i64::from((7 - past) % 7)))
            }
        }
    }
}

/// Makes the schedules known; the first round of a new one is due after its first interval.
pub fn register(app: &App, schedules: &[Schedule]) -> ApiResult<()> {
    app.write_blocking(&Acting::system("schedules"), |tx| {
        let now = tx.now;
        let rows: Vec<_> = schedules
            .iter()
            .map(|schedule| {
                Ok((
                    job_schedules::name.eq(schedule.name),
                    job_schedules::next_run_at.eq(schedule.every.after(now)?),
                ))
            })
            .collect::<ApiResult<_>>()?;
        diesel::insert_into(job_schedules::table)
            .values(rows)
            .on_conflict_do_nothing()
            .execute(tx.conn)?;
        Ok(())
    })
}

/// Queues the jobs of the schedules that are due.
pub fn run_due(app: &App, schedules: &[Schedule]) -> ApiResult<()> {
    let due: Vec<String> = app.read_blocking(&Acting::system("schedules"), |tx| {
        Ok(job_schedules::table
            .filter(job_schedules::next_run_at.le(tx.now))
            .select(job_schedules::name)
            .load(tx.conn)?)
    })?;
    for schedule in schedules
        .iter()
        .filter(|schedule| due.iter().any(|name| name == schedule.name))
    {
        let acting = Acting::system(format!("schedule:{}", schedule.name));
        app.write_blocking(&acting, |tx| run_if_due(tx, schedule))?;
    }
    Ok(())
}

/// The process that moves the round on queues the job; others find it moved.
fn run_if_due(tx: &mut Tx, schedule: &Schedule) -> ApiResult<()> {
    let claimed = diesel::update(job_schedules::table.find(schedule.name))
        .filter(job_schedules::next_run_at.le(tx.now))
        .set(job_schedules::next_run_at.eq(schedule.every.after(tx.now)?))
        .execute(tx.conn)?;
    if claimed == 1 {
        (schedule.enqueue)(tx)?;
    }
    Ok(())
}
