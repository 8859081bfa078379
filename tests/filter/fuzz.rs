//! No text makes the language panic.

use proptest::{collection::vec, prelude::*, sample::Index};
use provost::filter::{Facts, Filter, MAX_LENGTH};

use super::{
    fixture::{clock, schema},
    strategies::filter,
};
use crate::support::soak;

/// Parses, and does everything that can be done with what parses.
fn exercise(text: &str) {
    match Filter::parse(text, &schema()) {
        Ok(filter) => {
            let explanation = filter.explain(&Facts::default(), &clock());
            assert_eq!(explanation.holds, filter.matches(&Facts::default(), &clock()));
            let _ = (filter.to_sql(&clock()), filter.facts_sql());
            assert_eq!(Filter::parse(&filter.to_string(), &schema()), Ok(filter));
        }
        Err(errors) => {
            assert!(!errors.0.is_empty());
            let length = text.chars().count();
            assert!(
                errors.0.iter().all(|error| error.at <= length.min(MAX_LENGTH)),
                "{errors}"
            );
        }
    }
}

/// One change of a text: what stands at a place is replaced, doubled or cut.
fn mutate(text: &str, (place, length, insertion): &(Index, usize, String)) -> String {
    let characters: Vec<char> = text.chars().collect();
    let start = place.index(characters.len() + 1);
    let end = (start + length).min(characters.len());
    characters[..start]
        .iter()
        .copied()
        .chain(insertion.chars())
        .chain(characters[end..].iter().copied())
        .collect()
}

fn insertion() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[ ()\\[\\]\"\\\\.:eE+0-9a-zA-Z_-]{1,3}",
        any::<String>(),
        prop::sample::select(
            &[
                "not (",
                "and",
                " pr",
                "emails[",
                "\"\\u0000\"",
                "\\ud800",
                "null",
                "9e99",
                "-P",
                "\u{0}",
                "((((((((",
                "𐐀"
            ][..]
        )
        .prop_map(str::to_owned),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: soak(1_000) as u32, ..ProptestConfig::default() })]

    #[test]
    fn random_text_does_not_panic(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn random_words_do_not_panic(words in vec("[()\\[\\]]|eq|pr|and|or|not|name|emails|type|level|true|null|\"[^\"]{0,3}\"|-?[0-9.e]{1,4}", 0..30)) {
        exercise(&words.join(" "));
    }

    #[test]
    fn filters_with_random_slips_do_not_panic(text in filter(), slips in vec((any::<Index>(), 0..4usize, insertion()), 1..4)) {
        exercise(&slips.iter().fold(text, |text, slip| mutate(&text, slip)));
    }
}

#[test]
fn long_and_deep_texts_do_not_panic() {
    for piece in [
        "(",
        "not (",
        "emails[",
        "\"",
        "a",
        ".",
        "active pr and ",
        "-",
        "\\",
        "\u{10ffff}",
    ] {
        exercise(&piece.repeat(MAX_LENGTH / piece.chars().count()));
        exercise(&piece.repeat(1_000_000));
    }
}
