//! What rows said before they changed, for reports of what was known on a past day. What a row says now is known since its
//! `updated_at`.

use serde_json::Value;

use super::{Draft, Resource, draft::due};
use crate::{
    app::Tx,
    db::Fixed,
    http::{ApiError, ApiResult},
    sql,
};

/// A table that keeps what rows of a resource said: their `columns`, from `recorded_at` until `superseded_at`.
#[derive(Debug)]
pub struct History {
    /// The table.
    pub table: &'static str,
    /// The columns whose past is kept, `id` among them.
    pub columns: &'static str,
}

impl History {
    /// Keeps what changed rows said. One that was written at this very instant never was what it said.
    pub fn keep<T: Resource>(&self, tx: &mut Tx, drafts: &[Draft<T>]) -> ApiResult<()> {
        let superseded = due(drafts).filter_map(|draft| draft.before.as_ref());
        let superseded = superseded.map(|before| serde_json::to_value(before).map_err(ApiError::internal));
        let superseded: Vec<Value> = superseded.collect::<ApiResult<_>>()?;
        if superseded.is_empty() {
            return Ok(());
        }
        sql!(
            "INSERT INTO {history} ({columns}, recorded_at, superseded_at)
             SELECT {columns}, updated_at, {tx.now} FROM jsonb_populate_recordset(NULL::{table}, {superseded})
             WHERE updated_at < {tx.now} ON CONFLICT (id, recorded_at) DO NOTHING",
            history = Fixed(self.table),
            columns = Fixed(self.columns),
            table = Fixed(T::TABLE),
            superseded = Value::Array(superseded),
        )
        .execute(tx.conn)?;
        Ok(())
    }
}
