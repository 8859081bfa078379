//! Periods of the calendar.

use chrono::NaiveDate;
use provost::period::{Period, PeriodError};

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn a_month_after_its_last_day_is_the_last_day_of_a_shorter_one() {
    let month: Period = "P1M".parse().unwrap();
    assert_eq!(month.after(day("2024-01-31")), day("2024-02-29"));
    assert_eq!(month.before(day("2023-03-31")), day("2023-02-28"));
    let year: Period = "P1Y".parse().unwrap();
    assert_eq!(year.after(day("2024-02-29")), day("2025-02-28"));
}

#[test]
fn time_stops_at_the_end_of_the_calendar() {
    let long: Period = "P1000Y".parse().unwrap();
    assert_eq!(long.after(day("9998-01-01")), day("9999-12-31"));
    assert_eq!(long.before(day("0005-01-01")), day("0001-01-01"));
}

#[test]
fn periods_are_read_and_written() {
    for (text, written) in [
        ("P12M", "P1Y"),
        ("P2W", "P14D"),
        ("P1Y2M3W4D", "P1Y2M25D"),
        ("P0D", "P0D"),
    ] {
        assert_eq!(text.parse::<Period>().unwrap().to_string(), written);
    }
    for text in ["", "P", "1Y", "P1D1Y", "-P1D", "P1", "PT1H", "P1.5Y", "PY"] {
        assert_eq!(text.parse::<Period>(), Err(PeriodError::Malformed), "{text}");
    }
    assert_eq!("P1001Y".parse::<Period>(), Err(PeriodError::TooLong));
}
