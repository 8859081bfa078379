//! What absences said before they changed, for reports of what was known on a past day. What they say now is known since
//! `updated_at`.

use serde_json::{Value, json};

use super::model::Absence;
use crate::{
    app::Tx,
    http::ApiResult,
    resource::{Draft, draft::due},
    sql,
};

/// Keeps what changed absences said. One that was written at this very instant never was what it said.
pub(super) fn keep(tx: &mut Tx, drafts: &[Draft<Absence>]) -> ApiResult<()> {
    let superseded = due(drafts)
        .filter_map(|draft| draft.before.as_ref())
        .filter(|before| before.updated_at < tx.now);
    let superseded: Vec<Value> = superseded
        .map(|before| {
            json!({
                "id": before.id,
                "user_id": before.user_id,
                "kind": before.kind,
                "starts_on": before.starts_on,
                "ends_on": before.ends_on,
                "archived_at": before.archived_at,
                "recorded_at": before.updated_at,
                "superseded_at": tx.now,
            })
        })
        .collect();
    if superseded.is_empty() {
        return Ok(());
    }
    sql!(
        "INSERT INTO absence_history
            (id, user_id, kind, starts_on, ends_on, archived_at, recorded_at, superseded_at)
         SELECT id, user_id, kind, starts_on, ends_on, archived_at, recorded_at, superseded_at
         FROM jsonb_populate_recordset(NULL::absence_history, {superseded})
         ON CONFLICT (id, recorded_at) DO NOTHING",
        superseded = Value::Array(superseded),
    )
    .execute(tx.conn)?;
    Ok(())
}
