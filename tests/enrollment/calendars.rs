//! The days that a calendar names.

use chrono::NaiveDate;
use provost::enrollment::rules::repeat::Calendar;

/// Where the days of a calendar start if nothing else is said.
const FIRST_DAY: &str = "2000-01-01";

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn calendars_name_yearly_days_and_last_fridays_of_quarters() {
    let march = Calendar::read("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=1", day(FIRST_DAY)).unwrap();
    assert_eq!(march.after(day("2026-03-01")), Some(day("2027-03-01")));
    assert_eq!(march.after(day("2026-02-28")), Some(day("2026-03-01")));
    assert_eq!(march.until(day("2026-03-01")), Some(day("2026-03-01")));
    let quarters = Calendar::read("FREQ=MONTHLY;BYMONTH=3,6,9,12;BYDAY=-1FR", day(FIRST_DAY)).unwrap();
    assert_eq!(quarters.after(day("2026-04-01")), Some(day("2026-06-26")));
    let third_years = Calendar::read("FREQ=YEARLY;INTERVAL=3;BYMONTH=5;BYMONTHDAY=2", day("2025-01-01"));
    assert_eq!(
        third_years.unwrap().after(day("2025-06-01")),
        Some(day("2028-05-02"))
    );
    // Days before the one that it starts on are known, too.
    let ahead = Calendar::read("FREQ=YEARLY;INTERVAL=3;BYMONTH=3;BYMONTHDAY=1", day("2027-03-01")).unwrap();
    assert_eq!(ahead.after(day("1999-05-01")), Some(day("2000-03-01")));
    assert_eq!(ahead.after(day("2024-03-01")), Some(day("2027-03-01")));
    let halves = Calendar::read("FREQ=MONTHLY;INTERVAL=6;BYMONTHDAY=1", day("2027-03-01")).unwrap();
    assert_eq!(halves.after(day("2026-03-01")), Some(day("2026-09-01")));
}

#[test]
fn what_is_no_calendar_is_refused() {
    for text in [
        "",
        "every year",
        "FREQ=DAILY",
        "FREQ=YEARLY;COUNT=3",
        "FREQ=YEARLY;UNTIL=20300101T000000Z",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYHOUR=5",
    ] {
        assert!(Calendar::read(text, day(FIRST_DAY)).is_err(), "{text}");
    }
}
