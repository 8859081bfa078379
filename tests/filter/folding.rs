//! Where PostgreSQL compares text otherwise than the evaluator.

use std::{collections::HashSet, sync::LazyLock};

use diesel::{RunQueryDsl, sql_types};
use provost::{sql, text::comparable};

use super::fixture::connect;

/// The letters that the server does not fold, because they are newer than its ICU.
pub static UNKNOWN_LETTERS: LazyLock<HashSet<char>> = LazyLock::new(unknown_letters);

#[derive(diesel::QueryableByName)]
struct Compared {
    #[diesel(sql_type = sql_types::Text)]
    letter: String,
    #[diesel(sql_type = sql_types::Text)]
    comparable: String,
}

fn unknown_letters() -> HashSet<char> {
    let all: Vec<String> = ('\u{1}'..=char::MAX).map(String::from).collect();
    let (mut conn, _database) = connect();
    let rows: Vec<Compared> =
        sql!("SELECT letter, comparable(letter) AS comparable FROM unnest({all}) AS letter")
            .load(&mut conn)
            .unwrap();
    rows.iter()
        .filter(|row| comparable(&row.letter) != row.comparable)
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
