//! Again when: how long a cycle of a requirement is valid, as data and as JSON.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use chrono::{Datelike, NaiveDate, NaiveTime, TimeZone};
use diesel::{deserialize::FromSqlRow, expression::AsExpression, sql_types::Jsonb};
use rrule::{Frequency, RRule, Tz, Unvalidated};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{json_column, period::Period, text_enum};

/// When a rule asks again for what was completed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, AsExpression, FromSqlRow)]
#[diesel(sql_type = Jsonb)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Repeat {
    /// Never: one completion is enough.
    Never,
    /// So long after the completion.
    AfterCompletion {
        /// How long a completion is valid.
        #[schema(value_type = crate::period::LastingPeriod)]
        period: Period,
    },
    /// So long after the due date, so that completing early loses nothing. A completion from before the cycle opened counts from
    /// its own day; one that is late keeps to the schedule.
    AfterDueDate {
        /// How long after one due date the next one is.
        #[schema(value_type = crate::period::LastingPeriod)]
        period: Period,
    },
    /// On days of the calendar: each completion is valid until the next of them that is further away than the renewal window.
    Calendar {
        /// The days, as a recurrence rule of RFC 5545, section 3.3.10: monthly or yearly, without COUNT, UNTIL and times.
        #[schema(
            min_length = 1,
            max_length = 200,
            example = "FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1"
        )]
        days: String,
        /// The day from which INTERVAL counts.
        #[serde(default = "first_day")]
        #[schema(default = "2000-01-01")]
        starts_on: NaiveDate,
        /// What becomes of users who join the audience after the rule was activated.
        #[serde(default = "join")]
        #[schema(default = "join")]
        new_hires: NewHires,
    },
}

json_column!(Repeat);

text_enum! {
    /// The first cycle of users who join while a calendar cycle is under way.
    NewHires {
        /// The rule's due date applies to them as to everybody.
        Join = "join",
        /// Their first cycle is the next one: it opens one renewal window before the next day of the calendar.
        Skip = "skip",
        /// Their time until the due date is shortened to the share of the calendar cycle that is left when they join.
        Prorate = "prorate",
    }
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or_default()
}

fn join() -> NewHires {
    NewHires::Join
}

impl Repeat {
    /// How long a cycle is valid, where that is a period.
    pub fn period(&self) -> Option<Period> {
        match self {
            Repeat::AfterCompletion { period } | Repeat::AfterDueDate { period } => Some(*period),
            Repeat::Never | Repeat::Calendar { .. } => None,
        }
    }

    /// What is wrong with its days, in a sentence; nothing if it has none.
    pub fn fault(&self) -> Option<String> {
        match self {
            Repeat::Calendar { days, starts_on, .. } => Calendar::read(days, *starts_on).err(),
            _ => None,
        }
    }
}

/// Days of a calendar, in order, until the year 2100.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Calendar(Arc<[NaiveDate]>);

/// The last year whose days are known.
const LAST_YEAR: i32 = 2100;

/// Calendars by their texts, so that a rule's days are worked out once a process.
static KNOWN: LazyLock<Mutex<HashMap<(String, NaiveDate), Calendar>>> = LazyLock::new(Mutex::default);

/// More than there may be active rules; beyond it, all are worked out again.
const MOST_KNOWN: usize = 5_000;

impl Calendar {
    /// The days that a rule names; none for a text that is no calendar, which rules are not written with.
    pub fn of(days: &str, starts_on: NaiveDate) -> Self {
        let key = (days.to_owned(), starts_on);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(calendar) = known.get(&key) {
            return calendar.clone();
        }
        let calendar = Self::read(days, starts_on).unwrap_or_default();
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        known.insert(key, calendar.clone());
        calendar
    }

    /// The days that a recurrence rule names; else what is wrong with it, in a sentence.
    pub fn read(days: &str, starts_on: NaiveDate) -> Result<Self, String> {
        let rule: RRule<Unvalidated> = days
            .parse()
            .map_err(|error| format!("must be a recurrence rule of RFC 5545: {error}"))?;
        if !matches!(rule.get_freq(), Frequency::Yearly | Frequency::Monthly) {
            return Err("must have FREQ=YEARLY or FREQ=MONTHLY".into());
        }
        if rule.get_count().is_some() || rule.get_until().is_some() {
            return Err("must go on: leave out COUNT and UNTIL".into());
        }
        let has_times = !rule.get_by_hour().is_empty()
            || !rule.get_by_minute().is_empty()
            || !rule.get_by_second().is_empty();
        if has_times {
            return Err("must name days: leave out BYHOUR, BYMINUTE and BYSECOND".into());
        }
        if !(1900..LAST_YEAR).contains(&starts_on.year()) {
            return Err("must start between 1900 and 2099".into());
        }
        // It goes back as well: what was completed before counts until the next day of the calendar, not until its first.
        let step = match rule.get_freq() {
            Frequency::Monthly => months_to_years(rule.get_interval().into()),
            _ => rule.get_interval().into(),
        };
        let start = earlier(starts_on, step);
        let start = Tz::UTC.from_utc_datetime(&start.and_time(NaiveTime::MIN));
        let set = rule
            .build(start)
            .map_err(|error| format!("must be a recurrence rule of RFC 5545: {error}"))?;
        let days = set.into_iter().map(|day| day.date_naive());
        let days: Vec<NaiveDate> = days.take_while(|day| day.year() <= LAST_YEAR).collect();
        match days.is_empty() {
            true => Err("names no day at all".into()),
            false => Ok(Calendar(days.into())),
        }
    }

    /// The first day after `day`.
    pub fn after(&self, day: NaiveDate) -> Option<NaiveDate> {
        let next = self.0.partition_point(|known| *known <= day);
        self.0.get(next).copied()
    }

    /// The last day that is not after `day`.
    pub fn until(&self, day: NaiveDate) -> Option<NaiveDate> {
        let next = self.0.partition_point(|known| *known <= day);
        self.0.get(next.checked_sub(1)?).copied()
    }
}

/// The fewest years after which a step of so many months comes to the same month again.
fn months_to_years(months: i32) -> i32 {
    (1..=12).find(|turns| months * turns % 12 == 0).unwrap_or(12) * months / 12
}

/// The earliest day from 1901 on that is whole steps of years before a day.
fn earlier(day: NaiveDate, step: i32) -> NaiveDate {
    let mut found = day;
    let mut year = day.year() - step.max(1);
    while year > 1900 {
        found = day.with_year(year).unwrap_or(found);
        year -= step.max(1);
    }
    found
}
