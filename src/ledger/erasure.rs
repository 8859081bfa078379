//! Erasing payloads: what an event said goes, and the chain still verifies, since a later event names its position.

use chrono::{DateTime, Utc};
use diesel::{QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::events::PAYLOADS_ERASED;
use crate::{
    app::{Event, Tx},
    http::ApiResult,
    sql,
};

/// Payloads that were erased: what the event `ledger.payloads_erased` says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErasedPayloads {
    /// Their positions.
    pub positions: Vec<PositionRange>,
}

/// Positions that follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PositionRange {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

/// The ranges of positions that the payload of such an event names.
pub fn positions(payload: &Value) -> Vec<PositionRange> {
    ErasedPayloads::deserialize(payload).map_or_else(|_| Vec::new(), |erased| erased.positions)
}

/// Erases up to `limit` payloads of sealed events of `actions` that were recorded before `before`, and says so in the
/// ledger with `reason`; answers how many there were.
pub fn erase_older(
    tx: &mut Tx,
    actions: &[&str],
    before: DateTime<Utc>,
    limit: i64,
    reason: &str,
) -> ApiResult<usize> {
    let actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
    let mut erased: Vec<Erased> = sql!(
        "WITH old AS (SELECT l.position, e.user_id, e.id FROM ledger_entries l
            JOIN events e ON e.user_id = coalesce(l.user_id, {nobody}) AND e.id = l.event_id
            WHERE l.action = ANY({actions}) AND l.recorded_at < {before} AND l.action <> {PAYLOADS_ERASED.action}
                AND e.salt IS NOT NULL
            ORDER BY l.position LIMIT {limit})
         UPDATE events e SET before = NULL, after = NULL, reason = NULL, salt = NULL FROM old
         WHERE e.user_id = old.user_id AND e.id = old.id RETURNING old.position",
        nobody = Uuid::nil(),
    )
    .load(tx.conn)?;
    erased.sort_unstable_by_key(|erased| erased.position);
    if !erased.is_empty() {
        let payload = ErasedPayloads {
            positions: ranges(erased.iter().map(|erased| erased.position)),
        };
        tx.record(
            Event::new(&PAYLOADS_ERASED, Uuid::nil())
                .after(&payload)
                .because(Some(reason.to_owned())),
        );
    }
    Ok(erased.len())
}

#[derive(QueryableByName)]
struct Erased {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
}

/// The ranges of ascending `positions`.
fn ranges(positions: impl Iterator<Item = i64>) -> Vec<PositionRange> {
    let mut ranges: Vec<PositionRange> = Vec::new();
    for position in positions {
        match ranges.last_mut() {
            Some(range) if range.last + 1 == position => range.last = position,
            _ => ranges.push(PositionRange {
                first: position,
                last: position,
            }),
        }
    }
    ranges
}
