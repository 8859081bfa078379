//! Which days began in which time zones.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use provost::people::new_days::NewDays;

fn days(since: &str, until: &str, now: &str, zone: &str) -> Vec<(String, String)> {
    let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
    let days = NewDays::between(at(since), at(until), at(now), Tz::UTC);
    days.in_zone(zone)
        .map(|(day, begins)| (day.to_owned(), begins.to_owned()))
        .collect()
}

#[test]
fn a_day_is_new_once_it_has_begun_where_the_zone_is() {
    let (since, until) = ("2020-01-01T00:00:00Z", "2026-03-10T09:45:00Z");
    let auckland = |now| days(since, until, now, "Pacific/Auckland");
    assert_eq!(auckland("2026-03-10T10:45:00Z"), []);
    let begun = auckland("2026-03-10T11:00:00Z");
    let day = |day: &str, begins: &str| (day.to_owned(), begins.to_owned());
    assert_eq!(
        begun,
        [
            day("2026-03-09", "2026-03-08T11:00:00+00:00"),
            day("2026-03-10", "2026-03-09T11:00:00+00:00"),
            day("2026-03-11", "2026-03-10T11:00:00+00:00"),
        ]
    );
    assert_eq!(days(since, until, "2026-03-10T11:00:00Z", "Europe/Lisbon"), []);
    assert_eq!(days(since, until, "2026-03-14T00:00:00Z", "").len(), 6);
}

#[test]
fn what_began_before_the_work_did_is_past() {
    let (since, now) = ("2026-03-10T09:45:00Z", "2026-03-11T00:10:00Z");
    assert_eq!(
        days(since, since, now, ""),
        [("2026-03-11".to_owned(), "2026-03-11T00:00:00+00:00".to_owned())]
    );
}

#[test]
fn a_day_without_midnight_begins_when_its_clocks_do() {
    let (since, now) = ("2024-04-25T12:00:00Z", "2024-04-26T00:00:00Z");
    assert_eq!(
        days(since, since, now, "Africa/Cairo"),
        [("2024-04-26".to_owned(), "2024-04-25T22:00:00+00:00".to_owned())]
    );
}
