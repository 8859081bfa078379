//! Where PostgreSQL's lower case is not the evaluator's.

use std::{collections::HashSet, sync::LazyLock};

use diesel::{RunQueryDsl, sql_types};
use provost::{db::sql::bind, sql};

use super::fixture::connect;

/// The letters whose lower case the server does not know, because they are newer than its C library.
pub static UNKNOWN_LETTERS: LazyLock<HashSet<char>> = LazyLock::new(unknown_letters);

#[derive(diesel::QueryableByName)]
struct Lowered {
    #[diesel(sql_type = sql_types::Text)]
    letter: String,
    #[diesel(sql_type = sql_types::Text)]
    lowered: String,
}

fn unknown_letters() -> HashSet<char> {
    let all: Vec<String> = ('\u{1}'..=char::MAX).map(String::from).collect();
    let (mut conn, _database) = connect();
    let rows: Vec<Lowered> = sql![
        "SELECT letter, lower(letter) AS lowered FROM unnest(",
        bind(all),
        ") AS letter"
    ]
    .load(&mut conn)
    .unwrap();
    let folded = |letter: &str| letter.chars().next().and_then(|c| c.to_lowercase().next());
    let differs = |row: &Lowered| folded(&row.letter).map(String::from) != Some(row.lowered.clone());
    rows.iter()
        .filter(|row| differs(row))
        .filter_map(|row| row.letter.chars().next())
        .collect()
}

#[test]
fn only_letters_newer_than_the_server_fold_differently() {
    let letters = &*UNKNOWN_LETTERS;

    assert!(letters.len() < 100, "{letters:?}");
    assert!(
        letters.iter().all(|letter| !"ÄÉÑØŞŁŽΩЖԱᲐİSK".contains(*letter)),
        "{letters:?}"
    );
}
