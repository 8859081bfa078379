//! What the calendar brings: the days that began in each time zone, and the events that they bring once each.
//!
//! A kind of work takes the days that began since it was last done, a few days back: a person who moves east over many zones
//! passes the beginning of a day, and what a long transaction wrote is seen late. So each event is looked up in
//! `dated_events`, and what was written after its day began makes none.

use chrono::{DateTime, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::{TZ_VARIANTS, Tz};
use diesel::{QueryableByName, RunQueryDsl, sql_types::Timestamptz};

use super::days::{TIME_ZONE, UNIT_ZONE};
use crate::{app::Tx, db::Sql, http::ApiResult, ledger::EventKind, sql};

/// No two time zones are further apart.
const DAYS_BACK: TimeDelta = TimeDelta::days(2);

/// How long it is kept for which dates there were events: the first day of one run may be some days before that of the run before.
const KEPT: TimeDelta = TimeDelta::days(7);

/// The days that began, for each time zone in which one did.
#[derive(Debug, Default)]
pub struct NewDays {
    /// The academy's zone has no name.
    zones: Vec<String>,
    days: Vec<String>,
    begins: Vec<String>,
    /// The earliest day.
    pub first: NaiveDate,
    /// The latest day.
    pub last: NaiveDate,
}

#[derive(QueryableByName)]
struct Progress {
    #[diesel(sql_type = Timestamptz)]
    since: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
}

impl NewDays {
    /// Takes the days that began since `work` took some, in a transaction that does the work; none where none began. Work that
    /// is new begins with the days after this one.
    pub fn take(tx: &mut Tx, work: &'static str) -> ApiResult<Option<Self>> {
        sql!(
            "INSERT INTO day_progress (work, since, until) VALUES ({work}, {tx.now}, {tx.now})
             ON CONFLICT DO NOTHING"
        )
        .execute(tx.conn)?;
        let progress: Progress = sql!("SELECT since, until FROM day_progress WHERE work = {work} FOR UPDATE")
            .get_result(tx.conn)?;
        let days = NewDays::between(progress.since, progress.until, tx.now, tx.app.config.time_zone);
        if days.zones.is_empty() {
            return Ok(None);
        }
        sql!("UPDATE day_progress SET until = {tx.now} WHERE work = {work}").execute(tx.conn)?;
        Ok(Some(days))
    }

    /// The days that began after `until` and by `now`, and in zones where one did the days before it as well, unless they had
    /// begun at `since`.
    pub fn between(since: DateTime<Utc>, until: DateTime<Utc>, now: DateTime<Utc>, academy: Tz) -> Self {
        let named = TZ_VARIANTS.iter().map(|zone| (zone.name(), *zone));
        let mut days = NewDays::default();
        for (name, zone) in named.chain([("", academy)]) {
            let today = now.with_timezone(&zone).date_naive();
            let until = until.with_timezone(&zone).date_naive();
            if today <= until {
                continue;
            }
            for day in (until - DAYS_BACK)
                .iter_days()
                .skip(1)
                .take_while(|day| *day <= today)
            {
                let begins_at = beginning(day, zone);
                if begins_at > since {
                    days.push(name, day, begins_at);
                }
            }
        }
        days
    }

    /// The days that began in a time zone, each with its first instant. The academy's zone has no name.
    pub fn in_zone(&self, zone: &str) -> impl Iterator<Item = (&str, &str)> {
        let days = self.days.iter().zip(&self.begins);
        let zones = self.zones.iter().zip(days);
        let found = zones.filter(move |(name, _)| *name == zone);
        found.map(|(_, (day, begins))| (day.as_str(), begins.as_str()))
    }

    fn push(&mut self, zone: &str, day: NaiveDate, begins_at: DateTime<Utc>) {
        let is_first = self.zones.is_empty();
        self.first = if is_first { day } else { self.first.min(day) };
        self.last = if is_first { day } else { self.last.max(day) };
        self.zones.push(zone.to_owned());
        self.days.push(day.to_string());
        self.begins.push(begins_at.to_rfc3339());
    }

    /// Forgets events of `kind` that are so old that they cannot be due again.
    pub fn forget_past(&self, tx: &mut Tx, kind: &EventKind) -> ApiResult<()> {
        sql!(
            "DELETE FROM dated_events WHERE action = {kind.action} AND date < {before}",
            before = self.first - KEPT,
        )
        .execute(tx.conn)?;
        Ok(())
    }

    /// Joins to `users` the days that began for each as `new_day (zone, day, begins_at)`.
    pub fn joined_to_users(&self) -> Sql {
        sql!(
            "{UNIT_ZONE} JOIN (SELECT zone, day::date AS day, begins_at::timestamptz AS begins_at
                FROM unnest({self.zones}, {self.days}, {self.begins}) AS given (zone, day, begins_at)) AS new_day
                ON new_day.zone = coalesce({TIME_ZONE}, '')"
        )
    }
}

/// The first instant of a day: where clocks go forward at midnight, it has none.
fn beginning(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_time(chrono::NaiveTime::MIN);
    (0..8)
        .find_map(|halves| {
            zone.from_local_datetime(&(midnight + TimeDelta::minutes(30) * halves))
                .earliest()
        })
        .map_or(midnight.and_utc(), |instant| instant.to_utc())
}

/// The CTE `fresh (user_id, object_id)`: those of `due`, a query of a user, an object and a date, that have had no event of
/// `kind` for that date.
pub fn once(kind: &EventKind, due: Sql) -> Sql {
    sql!(
        "fresh AS (INSERT INTO dated_events (user_id, action, object_id, date)
            SELECT due.user_id, {kind.action}, due.object_id, due.date FROM ({due}) AS due (user_id, object_id, date)
            ON CONFLICT DO NOTHING RETURNING user_id, object_id)"
    )
}
