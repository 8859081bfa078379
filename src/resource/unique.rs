//! Values that no two rows share: told before the database refuses them, for all drafts at once.

use std::collections::HashSet;

use diesel::{QueryableByName, RunQueryDsl, sql_types};
use uuid::Uuid;

use super::{Draft, Resource};
use crate::{
    app::Tx,
    db::sql::Fixed,
    http::{ApiError, ApiResult},
    sql,
    text::fold,
};

/// A column whose values are unique, by their key forms if it has any.
#[derive(Debug)]
pub struct Unique<T> {
    /// Its name, and that of the body's member.
    pub column: &'static str,
    /// Its value in a row.
    pub value: fn(&T) -> &String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Text)]
    folded: String,
    #[diesel(sql_type = sql_types::Bool)]
    is_taken: bool,
}

impl<T: Resource> Unique<T> {
    /// Refuses those whose value another row has before any of them is written, or an earlier draft asks for: what one
    /// draft gives up another cannot have in the same request.
    pub fn check(&self, tx: &mut Tx, drafts: &mut [Draft<T>]) -> ApiResult<()> {
        let mut setting: Vec<_> = drafts.iter_mut().filter(|draft| draft.sets(self.value)).collect();
        if setting.is_empty() {
            return Ok(());
        }
        let columns = &T::declaration().columns;
        let is_folded = columns
            .iter()
            .any(|column| column.name == self.column && column.is_folded);
        let values = setting.iter().map(|draft| (self.value)(&draft.after));
        let values: Vec<String> = match is_folded {
            true => values.map(|value| fold(value)).collect(),
            false => values.cloned().collect(),
        };
        let ids: Vec<Uuid> = setting.iter().map(|draft| draft.after.id()).collect();
        let found: Vec<Found> = sql!(
            "SELECT given.position, given.value AS folded, EXISTS (SELECT 1 FROM {table} present
                 WHERE present.{column}{suffix} = given.value AND present.id <> given.id) AS is_taken
             FROM unnest({values}, {ids}) WITH ORDINALITY AS given(value, id, position) ORDER BY given.position",
            table = Fixed(T::TABLE),
            column = Fixed(self.column),
            suffix = Fixed(if is_folded { "_folded" } else { "" }),
        )
        .load(tx.conn)?;
        let mut seen = HashSet::new();
        for value in found {
            let Some(draft) = setting.get_mut(value.position as usize - 1) else {
                continue;
            };
            if value.is_taken || seen.contains(&value.folded) {
                draft.refuse(ApiError::taken(format!("/{}", self.column)));
            } else if draft.stands() {
                seen.insert(value.folded);
            }
        }
        Ok(())
    }
}
