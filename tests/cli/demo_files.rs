//! The files of the demo academy follow from its seed.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};
use provost::cli::demo::{catalog, company::Company, export, names, random::Random};

#[test]
fn there_are_two_hundred_courses_and_each_has_a_code_of_its_own() {
    let file = catalog::write(7).unwrap();
    let mut reader = csv::Reader::from_reader(file.as_slice());
    let codes: BTreeSet<String> = reader
        .records()
        .map(|record| record.unwrap()[0].to_owned())
        .collect();
    assert_eq!(codes.len(), 200);
}

#[test]
fn the_same_seed_makes_the_same_catalog_and_another_seed_another() {
    assert_eq!(catalog::write(7).unwrap(), catalog::write(7).unwrap());
    assert_ne!(catalog::write(7).unwrap(), catalog::write(8).unwrap());
}

fn files(seed: u64) -> Vec<Vec<u8>> {
    let mut day = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap();
    let mut company = Company::found(seed, 300, 400, day);
    let mut files = vec![export::write(&company, day).unwrap()];
    for size in [320, 340, 400] {
        let since = day;
        day = day + Days::new(91);
        company.pass(day, size);
        assert_eq!(company.present().count(), size);
        files.push(export::write(&company, since).unwrap());
    }
    files
}

#[test]
fn the_same_seed_makes_the_same_files() {
    assert_eq!(files(7), files(7));
}

#[test]
fn another_seed_makes_other_files() {
    assert_ne!(files(7), files(8));
}

#[test]
fn everybody_but_the_chief_has_a_supervisor_who_is_there() {
    let day = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap();
    let mut company = Company::found(7, 300, 400, day);
    company.pass(day + Days::new(91), 400);
    let supervisors = company.supervisors();
    let present: Vec<u32> = company.present().map(|person| person.number).collect();
    assert_eq!(supervisors.len(), present.len() - 1);
    assert!(supervisors.values().all(|number| present.contains(number)));
}

#[test]
fn every_name_has_a_plain_form() {
    let mut random = Random::new(1);
    for turn in 0..2_000 {
        let name = names::make(&mut random, turn);
        let is_plain = |c: char| c.is_ascii_lowercase() || c == '.';
        assert!(name.plain.chars().all(is_plain), "{}", name.plain);
    }
}
