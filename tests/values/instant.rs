//! Instants: what is read and what is kept.

use chrono::SecondsFormat;
use provost::instant::{InstantError, parse};

fn read(text: &str) -> Result<String, InstantError> {
    parse(text).map(|instant| instant.to_rfc3339_opts(SecondsFormat::AutoSi, true))
}

// Fault 15.
#[test]
fn a_leap_second_is_the_last_microsecond_of_its_day() {
    let end = Ok("2026-06-30T23:59:59.999999Z".to_owned());
    assert_eq!(read("2026-06-30T23:59:60Z"), end);
    assert_eq!(read("2026-06-30T23:59:60.75Z"), end);
    assert_eq!(read("2026-07-01T08:59:60+09:00"), end);
    assert_eq!(read("2026-06-30T23:59:59Z"), Ok("2026-06-30T23:59:59Z".into()));
    assert_eq!(
        read("9999-12-31T23:59:60Z"),
        Ok("9999-12-31T23:59:59.999999Z".into())
    );
    assert_eq!(read("2026-06-30T12:00:60Z"), Err(InstantError::NoLeapSecond));
}

#[test]
fn instants_are_of_the_years_that_can_be_kept() {
    assert_eq!(read("9999-12-31T23:59:59-01:00"), Err(InstantError::OutOfRange));
    assert_eq!(read("0001-01-01T00:59:59+01:00"), Err(InstantError::OutOfRange));
    assert_eq!(read("0000-01-01T00:00:00Z"), Err(InstantError::OutOfRange));
    assert_eq!(read("10000-01-01T00:00:00Z"), Err(InstantError::Malformed));
    assert_eq!(read("2026-01-31"), Err(InstantError::Malformed));
}

#[test]
fn instants_are_kept_in_microseconds() {
    assert_eq!(
        read("2026-01-31T08:30:00.123456789+13:00"),
        Ok("2026-01-30T19:30:00.123456Z".into())
    );
}
