//! `q` over rows that have no words of their own: they are found by the names of what they name, such as a user and a course.

use super::{Token, has_key};
use crate::{
    app::Tx,
    authz::{Permission, Scope},
    db::{Fixed, Sql},
    http::ApiResult,
    resource::Resource,
    sql,
};

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

    /// Of the things that the caller may see, those that have words which begin like `token`, or are named by it in another system:
    /// a condition over the column.
    fn is_found(&self, tx: &Tx, token: &Token) -> Sql {
        let by_key = self.external.map(|kind| has_key(self.id, kind, &token.text));
        sql!(
            "{column} IN (SELECT {id} FROM {table} WHERE {visible} AND {found})",
            column = Fixed(self.column),
            id = Fixed(self.id),
            table = Fixed(self.table),
            visible = (self.visible)(&tx.seen(self.read)),
            found = Sql::any([token.begins(Fixed(self.searched))].into_iter().chain(by_key)),
        )
    }
}

/// The rows for each of whose typed words one of the things that they name is found; none where nothing was typed, or the rows
/// are not searched so.
pub(in crate::resource) fn condition<T: Resource>(tx: &mut Tx, typed: &str) -> ApiResult<Option<Sql>> {
    if T::NAMES.is_empty() {
        return Ok(None);
    }
    let tokens = Token::read(tx, typed)?;
    let tx = &*tx;
    let words = tokens.iter().map(|token| {
        let found = T::NAMES.iter().map(|name| name.is_found(tx, token));
        one_of::<T>(found.collect())
    });
    Ok((!tokens.is_empty()).then(|| Sql::all(words).is_planned_each_time()))
}

/// The rows for which one of `conditions` holds, each of which has its index: PostgreSQL would not use several for an OR of them.
fn one_of<T: Resource>(conditions: Vec<Sql>) -> Sql {
    let (id, table) = (Fixed(T::ID), Fixed(T::TABLE));
    let mut conditions = conditions.into_iter();
    let first = conditions.next().unwrap_or_else(Sql::never);
    let Some(second) = conditions.next() else {
        return first;
    };
    let mut found = sql!("SELECT {id} FROM {table} WHERE {first}");
    for next in [second].into_iter().chain(conditions) {
        found = sql!("{found} UNION ALL SELECT {id} FROM {table} WHERE {next}");
    }
    sql!("{id} IN ({found})")
}
