//! Filters that are made of filters and of lists of ids.

use chrono::{DateTime, NaiveDate};
use provost::filter::{Attribute, Facts, Filter, FilterClock, Kind, Schema};
use serde_json::json;
use uuid::Uuid;

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "users.id", ""),
    Attribute::scalar("title", Kind::String, "users.title", ""),
]);

#[test]
fn composed_filters_hold_as_their_parts_do_and_read_as_one_text() {
    let ids = [Uuid::from_u128(1), Uuid::from_u128(2)];
    let nurse = Filter::parse("title eq \"nurse\" and title pr", &SCHEMA).unwrap();
    let named = Filter::one_of(&SCHEMA, "id", &ids).unwrap();
    let either = Filter::any(vec![nurse.clone(), named.clone()]);
    let both = Filter::all(vec![
        either.clone(),
        Filter::one_of(&SCHEMA, "id", &ids[..1]).unwrap().negated(),
    ]);
    let clock = FilterClock {
        today: NaiveDate::MIN,
        now: DateTime::UNIX_EPOCH,
    };
    let holds = |filter: &Filter, id: u128, title: &str| {
        let facts = json!({"id": [Uuid::from_u128(id)], "title": title});
        filter.matches(&Facts::of(&facts), &clock)
    };
    assert!(holds(&either, 3, "Nurse") && holds(&either, 2, "") && !holds(&either, 3, ""));
    assert!(holds(&both, 3, "Nurse") && holds(&both, 2, "") && !holds(&both, 1, "Nurse"));
    assert!(!holds(&Filter::any(Vec::new()), 1, "") && holds(&Filter::all(Vec::new()), 1, ""));
    assert_eq!(Filter::any(vec![nurse.clone()]), nurse);
    assert_eq!(
        both.to_string(),
        format!(
            "(title eq \"nurse\" and title pr or (id eq \"{}\" or id eq \"{}\")) and not (id eq \"{}\")",
            ids[0], ids[1], ids[0]
        )
    );
    assert!(Filter::one_of(&SCHEMA, "title", &ids).is_err());
}
