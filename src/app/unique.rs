//! Values that no two rows may share, asked for before a write where several faults are told at once. Where requests race,
//! the constraint has the last word, and tells the same.

use diesel::{QueryableByName, RunQueryDsl, sql_types::Bool};
use uuid::Uuid;

use super::Tx;
use crate::{
    db::Fixed,
    http::{ApiError, ApiResult},
    sql,
    text::fold,
};

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    is_taken: bool,
}

/// Refuses `value` if another row than `own` has it in the unique `column` of `table`. A column `code_folded` has the key
/// form of `code`.
pub fn refuse_taken(
    tx: &mut Tx,
    table: &'static str,
    column: &'static str,
    value: Option<&str>,
    own: Option<Uuid>,
) -> ApiResult<()> {
    let Some(value) = value else { return Ok(()) };
    let field = column.strip_suffix("_folded");
    let value = field.map_or_else(|| value.to_owned(), |_| fold(value));
    let found: Found = sql!(
        "SELECT EXISTS (SELECT FROM {table} WHERE {name} = {value} AND id IS DISTINCT FROM {own}::uuid) AS is_taken",
        table = Fixed(table),
        name = Fixed(column),
    )
    .get_result(tx.conn)?;
    if found.is_taken {
        return Err(ApiError::taken(format!("/{}", field.unwrap_or(column))));
    }
    Ok(())
}
