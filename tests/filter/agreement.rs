//! SQL, the evaluator and the canonical text say the same about random people and filters.

use proptest::{collection::vec, prelude::*, test_runner::TestRunner};
use provost::filter::{Facts, Filter};

use super::{
    fixture::{ask, clock, connect, schema, store},
    strategies::{filter, person},
};
use crate::support::soak;

#[test]
fn sql_and_evaluator_agree_on_random_people_and_filters() {
    let ((mut conn, _database), schema, clock) = (connect(), schema(), clock());
    let conn = std::cell::RefCell::new(&mut conn);
    let config = ProptestConfig {
        cases: soak(200) as u32,
        failure_persistence: None,
        ..ProptestConfig::default()
    };

    let outcome = TestRunner::new(config).run(
        &(vec(person(), 1..40), vec(filter(), 1..12)),
        |(people, filters)| {
            let mut conn = conn.borrow_mut();
            store(&mut conn, &people);
            for text in filters {
                let filter = Filter::parse(&text, &schema)
                    .map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
                for answer in ask(&mut conn, &filter) {
                    let facts = Facts::new(answer.facts);
                    let explanation = filter.explain(&facts, &clock);
                    prop_assert_eq!(
                        answer.matches,
                        filter.matches(&facts, &clock),
                        "{}: {:#?}",
                        text,
                        explanation
                    );
                    prop_assert_eq!(answer.matches, explanation.holds);
                }
            }
            Ok(())
        },
    );

    outcome.unwrap_or_else(|failure| panic!("{failure}"));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: soak(250) as u32, ..ProptestConfig::default() })]

    #[test]
    fn canonical_text_of_a_random_filter_parses_to_an_equal_one(text in filter()) {
        let schema = schema();
        let filter = Filter::parse(&text, &schema).unwrap();

        let canonical = filter.to_string();

        let again = Filter::parse(&canonical, &schema).unwrap();
        prop_assert_eq!(&again, &filter);
        prop_assert_eq!(again.to_string(), canonical);
    }
}
