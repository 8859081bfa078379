//! Dates as files write them.

use provost::{import::date::Dates, years::YEARS};

fn read(text: &str, formats: &[&str]) -> Result<String, &'static str> {
    let formats: Vec<String> = formats.iter().map(|format| (*format).to_owned()).collect();
    let dates = Dates {
        formats: &formats,
        years: &YEARS,
    };
    dates
        .read(text)
        .map(|day| day.to_string())
        .map_err(|fault| fault.code)
}

// Fault 5.
#[test]
fn a_year_has_four_digits_and_the_format_for_two_gets_its_turn() {
    let day = |day: &str| Ok(day.to_owned());
    let no = Err("not_a_date");
    let cases: &[(&str, &[&str], Result<String, &str>)] = &[
        ("15/05/20", &["%d/%m/%Y"], no.clone()),
        ("15/05/20", &["%d/%m/%Y", "%d/%m/%y"], day("2020-05-15")),
        ("15/05/2020", &["%d/%m/%y", "%d/%m/%Y"], day("2020-05-15")),
        ("15/05/85", &["%d/%m/%Y", "%d/%m/%y"], day("1985-05-15")),
        ("5/7/2020", &["%d/%m/%Y"], day("2020-07-05")),
        ("15/05/5", &["%d/%m/%y"], no.clone()),
        ("15/05/+2020", &["%d/%m/%Y"], no.clone()),
        ("15/05/02020", &["%d/%m/%Y"], no.clone()),
        ("15/05/12020", &["%d/%m/%Y"], no.clone()),
        ("20200517", &["%Y%m%d"], day("2020-05-17")),
        ("2020051", &["%Y%m%d"], no.clone()),
        ("200517", &["%Y%m%d", "%y%m%d"], day("2020-05-17")),
        ("20051", &["%y%m%d"], no.clone()),
        ("2020-W20-5", &["%G-W%V-%u"], day("2020-05-15")),
        ("20-W20-5", &["%G-W%V-%u"], no.clone()),
        ("2020136", &["%Y%j"], day("2020-05-15")),
        ("May 15, 2020", &["%B %d, %Y"], day("2020-05-15")),
        ("2020-05-15T00:00:00", &["%FT%T"], day("2020-05-15")),
        ("05/15/20", &["%D"], day("2020-05-15")),
        ("0020-05-15", &["%Y-%m-%d"], Err("year_out_of_range")),
        ("9999-12-31", &["%Y-%m-%d"], Err("year_out_of_range")),
        ("1900-01-01", &["%Y-%m-%d"], day("1900-01-01")),
        ("2200-12-31", &["%Y-%m-%d"], day("2200-12-31")),
        ("2201-01-01", &["%Y-%m-%d"], Err("year_out_of_range")),
        ("", &["%Y-%m-%d"], no.clone()),
        ("2020-02-30", &["%Y-%m-%d"], no.clone()),
    ];
    for (text, formats, expected) in cases {
        assert_eq!(read(text, formats), *expected, "{text} {formats:?}");
    }
}
