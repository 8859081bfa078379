//! `q` over rows that have no words of their own: they are found by the names of what they name, such as a user and a course.
//!
//! One statement looks for the things first. Where few are found, the rows are read by the index of their ids; where many are, PostgreSQL
//! looks at each row in the order of the list until the page is full.

use std::collections::HashMap;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{Token, has_key};
use crate::{
    app::Tx,
    authz::{Permission, Scope},
    db::{Fixed, Sql},
    http::ApiResult,
    resource::Resource,
    sql,
};

/// How many things are few.
const FEW: usize = 1_000;

/// Something that rows name by its id, and that `q` finds them by.
#[derive(Debug, Clone, Copy)]
pub struct SearchedName {
    /// The column with the id, with its table.
    column: &'static str,
    table: &'static str,
    id: &'static str,
    /// What is searched of the thing: a column, or an expression with an index.
    searched: &'static str,
    external: Option<&'static str>,
    read: Permission,
    visible: fn(&Scope) -> Sql,
}

impl SearchedName {
    /// The `N` whose id is in `column`, by what its own list is searched for.
    pub const fn of<N: Resource>(column: &'static str) -> Self {
        let searched = match N::SEARCH {
            Some(searched) => searched,
            None => panic!("the list of this resource is not searched"),
        };
        Self::by::<N>(column, searched)
    }

    /// The `N` whose id is in `column`, by the column or expression `searched`.
    pub const fn by<N: Resource>(column: &'static str, searched: &'static str) -> Self {
        SearchedName {
            column,
            table: N::TABLE,
            id: N::ID,
            searched,
            external: N::EXTERNAL,
            read: N::READ,
            visible: N::visible,
        }
    }

    /// Of the things that the caller may see, those that have words which begin like `token`, or are named by it in another system.
    fn is_found(&self, tx: &Tx, token: &Token) -> Sql {
        let by_key = self.external.map(|kind| has_key(self.id, kind, &token.text));
        let found = Sql::any([token.begins(Fixed(self.searched))].into_iter().chain(by_key));
        Sql::all([(self.visible)(&tx.seen(self.read)), found])
    }
}

/// A thing that was found for a word that was typed.
#[derive(QueryableByName)]
struct Found {
    /// Which of the questions found it: one for each word and name.
    #[diesel(sql_type = sql_types::BigInt)]
    question: i64,
    #[diesel(sql_type = sql_types::Uuid)]
    id: Uuid,
}

/// The rows for each of whose typed words one of the things that they name is found; none where nothing was typed, or the rows
/// are not searched so.
pub(in crate::resource) fn condition<T: Resource>(tx: &mut Tx, typed: &str) -> ApiResult<Option<Sql>> {
    if T::NAMES.is_empty() {
        return Ok(None);
    }
    let tokens = Token::read(tx, typed)?;
    if tokens.is_empty() {
        return Ok(None);
    }
    let questions: Vec<(&SearchedName, Sql)> = tokens
        .iter()
        .flat_map(|token| T::NAMES.iter().map(move |name| (name, token)))
        .map(|(name, token)| (name, name.is_found(tx, token)))
        .collect();
    let mut found = find(tx, &questions)?;
    let mut answers = questions
        .into_iter()
        .enumerate()
        .map(|(question, (name, is_found))| {
            let column = Fixed(name.column);
            match found.remove(&(question as i64)).unwrap_or_default() {
                ids if ids.is_empty() => Sql::never(),
                ids if ids.len() <= FEW => sql!("{column} = ANY({ids})"),
                _ => sql!(
                    "EXISTS (SELECT FROM {table} WHERE {id} = {column} AND {is_found})",
                    table = Fixed(name.table),
                    id = Fixed(name.id),
                ),
            }
        });
    let words = tokens
        .iter()
        .map(|_| Sql::any(answers.by_ref().take(T::NAMES.len())));
    Ok(Some(Sql::all(words).is_planned_each_time()))
}

/// The ids of things that each question finds, and one more than a few where there are many.
fn find(tx: &mut Tx, questions: &[(&SearchedName, Sql)]) -> ApiResult<HashMap<i64, Vec<Uuid>>> {
    let most = FEW as i64 + 1;
    let mut statement = Sql::default();
    for (question, (name, is_found)) in questions.iter().enumerate() {
        if question > 0 {
            statement.push(sql!(" UNION ALL "));
        }
        statement.push(sql!(
            "(SELECT {question} AS question, {id} AS id FROM {table} WHERE {is_found} LIMIT {most})",
            question = question as i64,
            id = Fixed(name.id),
            table = Fixed(name.table),
        ));
    }
    let rows: Vec<Found> = statement.is_planned_each_time().load(tx.conn)?;
    let mut found: HashMap<i64, Vec<Uuid>> = HashMap::new();
    for row in rows {
        found.entry(row.question).or_default().push(row.id);
    }
    Ok(found)
}
