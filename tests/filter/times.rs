//! Durations move with the clock.

use chrono::{DateTime, NaiveDate, Utc};
use provost::filter::{Explanation, Facts, Filter, FilterClock};
use serde_json::json;

use super::fixture::schema;

fn at(today: NaiveDate, now: DateTime<Utc>, text: &str) -> Explanation {
    let filter = Filter::parse(text, &schema()).unwrap();
    filter.explain(&Facts::default(), &FilterClock { today, now })
}

fn day(today: &str, duration: &str) -> String {
    let explanation = at(
        today.parse().unwrap(),
        DateTime::UNIX_EPOCH,
        &format!("hired_on gt \"{duration}\""),
    );
    explanation.compared_with.unwrap()
}

fn moment(now: &str, duration: &str) -> String {
    let explanation = at(
        NaiveDate::MIN,
        now.parse().unwrap(),
        &format!("seen_at gt \"{duration}\""),
    );
    explanation.compared_with.unwrap()
}

#[test]
fn durations_follow_the_calendar() {
    assert_eq!(day("2026-01-31", "-P30D"), "2026-01-01");
    assert_eq!(day("2026-01-31", "P1M"), "2026-02-28");
    assert_eq!(day("2024-01-31", "P1M"), "2024-02-29");
    assert_eq!(day("2024-02-29", "P1Y"), "2025-02-28");
    assert_eq!(day("2026-03-31", "-P1M1D"), "2026-02-27");
    assert_eq!(day("2026-01-31", "P1Y2M3W4D"), "2027-04-25");
    assert_eq!(day("2026-01-31", "-P2W"), "2026-01-17");
    assert_eq!(day("2026-01-31", "+P0D"), "2026-01-31");
}

#[test]
fn instants_take_hours_minutes_and_seconds() {
    assert_eq!(moment("2026-01-31T08:00:00Z", "-PT36H"), "2026-01-29T20:00:00Z");
    assert_eq!(
        moment("2026-01-31T08:00:00.25Z", "P1MT1H1M1S"),
        "2026-02-28T09:01:01.250Z"
    );
}

#[test]
fn durations_stop_at_the_first_and_the_last_year() {
    assert_eq!(day("9999-12-31", "P1D"), "9999-12-31");
    assert_eq!(day("9999-12-31", "P1000Y"), "9999-12-31");
    assert_eq!(day("0500-01-01", "-P1000Y"), "0001-01-01");
    assert_eq!(day("+262142-12-31", "P1000Y"), "9999-12-31");
    assert_eq!(moment("9999-12-31T23:59:59Z", "PT8784H"), "9999-12-31T23:59:59Z");
    assert_eq!(moment("0001-01-01T00:00:00Z", "-PT1S"), "0001-01-01T00:00:00Z");
}

#[test]
fn the_same_filter_matches_others_when_time_has_passed() {
    let filter = Filter::parse("hired_on ge \"-P30D\"", &schema()).unwrap();
    let facts = Facts::new(json!({"hired_on": "2026-01-10"}));
    let on = |today: &str| FilterClock {
        today: today.parse().unwrap(),
        now: DateTime::UNIX_EPOCH,
    };

    assert!(filter.matches(&facts, &on("2026-02-09")));
    assert!(!filter.matches(&facts, &on("2026-02-10")));
}

#[test]
fn a_date_stands_for_the_first_instant_of_the_day_in_utc() {
    let filter = Filter::parse("seen_at ge \"2026-01-31\"", &schema()).unwrap();
    assert_eq!(filter.to_string(), "seen_at ge \"2026-01-31T00:00:00Z\"");
}
