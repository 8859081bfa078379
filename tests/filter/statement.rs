//! The SQL that filters become.

use diesel::pg::Pg;
use proptest::prelude::*;
use provost::{
    filter::{Filter, Schema},
    scim::users::filter::USERS,
};

use super::{
    fixture::{clock, schema},
    strategies::filter,
};
use crate::support::soak;

/// The statement without its bound values.
fn statement(text: &str) -> String {
    statement_of(&schema(), text)
}

fn statement_of(schema: &Schema, text: &str) -> String {
    let filter = Filter::parse(text, schema).unwrap();
    let debug = diesel::debug_query::<Pg, _>(&filter.to_sql(&clock())).to_string();
    debug.split(" -- binds: ").next().unwrap().to_owned()
}

#[test]
fn comparisons_stay_plain_unless_negated() {
    for (text, expected) in [
        ("code eq \"x\"", "people.code = $1"),
        ("not (code ne \"x\")", "people.code = $1"),
        ("code ne \"x\"", "(people.code = $1) IS NOT TRUE"),
        ("name sw \"x\"", "comparable(people.name) LIKE comparable($1)"),
        ("hired_on gt \"-P30D\"", "people.hired_on > $1"),
        ("code lt \"x\"", "people.code COLLATE \"C\" < $1"),
        (
            "not (active eq true and level pr)",
            "((people.active = $1) IS NOT TRUE OR (people.level IS NOT NULL) IS NOT TRUE)",
        ),
        (
            "not (tags pr)",
            "NOT EXISTS (SELECT 1 FROM unnest(people.tags) AS tag WHERE (TRUE) AND (tag <> ''))",
        ),
        (
            "emails[type eq \"work\" and not (value pr)]",
            "EXISTS (SELECT 1 FROM emails AS e WHERE (e.person_id = people.id) AND ((e.type = $1 AND (e.value <> '') IS NOT TRUE)))",
        ),
    ] {
        assert_eq!(statement(text), expected, "{text}");
    }
}

#[test]
fn parts_of_searched_columns_are_found_by_the_index_of_search() {
    for (text, expected) in [
        (
            "userName sw \"ana\"",
            "(users.search LIKE $1 AND users.username_folded LIKE $2)",
        ),
        (
            "name.familyName ew \"ilva\"",
            "(users.search LIKE $1 AND users.family_name_folded LIKE $2)",
        ),
        ("userName sw \"an\"", "users.username_folded LIKE $1"),
        ("userName eq \"ana\"", "users.username_folded = $1"),
    ] {
        assert_eq!(statement_of(&USERS, text), expected, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: soak(250) as u32, ..ProptestConfig::default() })]

    #[test]
    fn values_of_random_filters_do_not_reach_the_statement(text in filter(), marker in "[\"'$%;]{0,3}zq[a-z]{8}--") {
        let quoted = serde_json::Value::from(marker.as_str());
        let marked = format!("({text}) or name co {quoted} or attributes.badge eq {quoted}");

        let statement = statement(&marked);

        prop_assert!(!statement.contains(&marker), "{statement}");
        prop_assert!(!statement.contains("badge"), "{statement}");
    }
}
