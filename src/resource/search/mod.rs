//! `q`: what people type into a search box.
//!
//! A resource that is searched has a column `search` ([`Resource::SEARCH`]), which PostgreSQL generates: the key forms of what
//! its rows are found by, and their words without accents. One trigram index over it finds beginnings of words, words one letter
//! away from those, and what filters with `co` ask for. `search_text` and its like stand in the first migration.

pub mod names;

use diesel::{QueryableByName, RunQueryDsl, sql_types::Text};

use super::Resource;
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    filter::literally,
    http::{ApiResult, Sort, list::SortKind},
    sql,
    text::fold,
};

/// The order of what is found when similar words count, too. Its column is an expression over what was typed.
pub const BY_RELEVANCE: Sort = Sort {
    name: "relevance",
    column: "0",
    kind: SortKind::Integer,
};

/// How many rows with similar words are ranked.
const RANKED: i64 = 500;

/// What is searched for.
#[derive(Debug)]
pub struct Search {
    column: Fixed,
    tokens: Vec<Token>,
    key: Option<Sql>,
}

/// What was typed between two spaces.
#[derive(Debug)]
struct Token {
    text: String,
    words: Vec<String>,
}

impl Token {
    /// Reads what was typed; none where it is blank.
    fn read(tx: &mut Tx, typed: &str) -> ApiResult<Vec<Token>> {
        let mut texts: Vec<String> = Vec::new();
        for text in typed.split_whitespace().map(fold) {
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let parts: Vec<Parts> = sql!(
            "SELECT search_parts(token) AS parts
             FROM unnest({texts}) WITH ORDINALITY AS typed(token, place) ORDER BY place"
        )
        .load(tx.conn)?;
        let mut tokens: Vec<Token> = texts
            .into_iter()
            .zip(parts)
            .map(|(text, Parts { parts })| Token {
                text,
                words: parts.split_whitespace().map(str::to_owned).collect(),
            })
            .collect();
        // Punctuation between words says nothing, but alone it is what is searched for.
        if tokens.iter().any(|token| !token.words.is_empty()) {
            tokens.retain(|token| !token.words.is_empty());
        }
        Ok(tokens)
    }

    /// Over the column `searched`: that it has words which begin so.
    fn begins(&self, searched: Fixed) -> Sql {
        let words = Sql::all(self.words.iter().map(|word| begins_with(searched, word)));
        match self.words.as_slice() {
            _ if self.is_address() => begins_with(searched, &self.text),
            [] => begins_with(searched, &self.text),
            [word] if *word == self.text => words,
            _ => Sql::any([begins_with(searched, &self.text), words]),
        }
    }

    /// Whether it is an e-mail address, or the beginning of one: found as it is written.
    fn is_address(&self) -> bool {
        self.text.find('@').is_some_and(|at| at > 0)
    }
}

#[derive(QueryableByName)]
struct Parts {
    #[diesel(sql_type = Text)]
    parts: String,
}

impl Search {
    /// Reads what was typed; none where it is blank.
    pub fn read<T: Resource>(tx: &mut Tx, typed: &str) -> ApiResult<Option<Self>> {
        let Some(column) = T::SEARCH else {
            return Ok(None);
        };
        let tokens = Token::read(tx, typed)?;
        Ok((!tokens.is_empty()).then(|| Search {
            column: Fixed(column),
            tokens,
            key: T::EXTERNAL.map(|kind| has_key(T::ID, kind, typed.trim())),
        }))
    }

    /// The rows that have a word for each that was typed, which begins so, or are named by it in another system.
    pub fn exact(&self) -> Sql {
        let words = Sql::all(self.tokens.iter().map(|token| token.begins(self.column)));
        Sql::any([words].into_iter().chain(self.key.clone())).is_planned_each_time()
    }

    /// Whether anything that was typed can be misspelled.
    pub fn has_spelled_words(&self) -> bool {
        let mut names = self.tokens.iter().filter(|token| !token.is_address());
        names.any(|token| token.words.iter().any(|word| is_spelled(word)))
    }

    /// Of the rows for which `within` holds, those that are found exactly, and the first with words one letter away.
    pub fn with_similar<T: Resource>(&self, within: &Sql) -> Sql {
        let similar = self.tokens.iter().map(|token| match token.is_address() {
            true => token.begins(self.column),
            false => Sql::all(token.words.iter().map(|word| self.resembles(word))),
        });
        sql!(
            "({within} AND ({exact} OR {id} = ANY (ARRAY(SELECT {id} FROM {table} WHERE {within} AND {similar} AND is_costly({self.column})
                ORDER BY {id} LIMIT {RANKED}))))",
            exact = self.exact(),
            id = Fixed(T::ID),
            table = Fixed(T::TABLE),
            similar = Sql::all(similar),
        )
    }

    /// How well a row fits: a whole number, the best first.
    pub fn relevance(&self) -> Sql {
        let words = self.tokens.iter().flat_map(|token| &token.words);
        let words: Vec<&str> = words.map(String::as_str).collect();
        sql!(
            "CASE WHEN {exact} THEN -2000000 ELSE search_relevance({typed}, {self.column}) END",
            exact = self.exact(),
            typed = words.join(" "),
        )
    }

    fn resembles(&self, word: &str) -> Sql {
        if !is_spelled(word) {
            return begins_with(self.column, word);
        }
        let pattern = format!(" (({}) |{word})", misspelled(word).join("|"));
        sql!("{self.column} ~ {pattern}")
    }
}

fn begins_with(searched: Fixed, text: &str) -> Sql {
    let pattern = format!("% {}%", literally(text));
    sql!("{searched} LIKE {pattern}")
}

/// Whether a word can be misspelled: what is short has too many like it, and numbers name one thing or another.
fn is_spelled(word: &str) -> bool {
    (4..=16).contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
}

/// Regular expressions of the words that are one letter away: another, missing, added, or two in the other order.
fn misspelled(word: &str) -> Vec<String> {
    const ANY: &str = "[^ ]";
    let letters: Vec<char> = word.chars().collect();
    let mut patterns = Vec::new();
    for at in 0..=letters.len() {
        let head: String = letters[..at].iter().collect();
        let tail = |from: usize| letters.iter().skip(from).collect::<String>();
        patterns.push(format!("{head}{ANY}{}", tail(at)));
        if at < letters.len() {
            patterns.push(format!("{head}{ANY}?{}", tail(at + 1)));
        }
        if let [one, other, ..] = letters[at..] {
            patterns.push(format!("{head}{other}{one}{}", tail(at + 2)));
        }
    }
    patterns
}

/// The rows whose external key `typed` is, in any case. Those of SCIM clients are theirs alone.
fn has_key(id: &'static str, kind: &'static str, typed: &str) -> Sql {
    sql!(
        "{id} = ANY (ARRAY(SELECT named.object_id FROM external_keys named
            WHERE named.kind = {kind} AND comparable(named.key) = comparable({typed})
                AND named.source NOT LIKE 'scim:%'))",
        id = Fixed(id),
    )
}
