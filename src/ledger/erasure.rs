//! Erasing payloads: what an event said goes, and the chain still verifies, since a later event names its position.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryableByName, RunQueryDsl, sql_types};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{EventKind, events::PAYLOADS_ERASED, store::IS_EVENT_OF_ENTRY};
use crate::{
    app::{Event, Tx},
    db::schema::{ledger_entries, ledger_erasures},
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

/// The advisory lock of those who erase payloads; shared by those who must see each payload or the event that tells of its
/// erasure.
pub const LOCK: &str = "ledger_payloads";

/// Looks at the next `limit` events of `kind`, behind those that it looked at before, and erases the payloads of those
/// recorded before `before`; says so in the ledger with `reason`. Answers how many events are behind it now.
pub fn erase_older(
    tx: &mut Tx,
    kind: &EventKind,
    before: DateTime<Utc>,
    limit: i64,
    reason: &str,
) -> ApiResult<usize> {
    if kind.action == PAYLOADS_ERASED.action {
        return Ok(0);
    }
    tx.advisory_lock(LOCK)?;
    let from = ledger_erasures::table
        .find(kind.action)
        .select(ledger_erasures::position)
        .first::<i64>(tx.conn)
        .optional()?
        .unwrap_or(0);
    let mut old: Vec<(i64, DateTime<Utc>)> = ledger_entries::table
        .filter(ledger_entries::action.eq(kind.action))
        .filter(ledger_entries::position.gt(from))
        .order(ledger_entries::position)
        .limit(limit)
        .select((ledger_entries::position, ledger_entries::recorded_at))
        .load(tx.conn)?;
    // Events of long transactions are older than what stands before them, and are erased with that.
    let count = old
        .iter()
        .take_while(|(_, recorded_at)| *recorded_at < before)
        .count();
    old.truncate(count);
    let Some((last, _)) = old.last() else { return Ok(0) };
    let mut erased: Vec<Erased> = sql!(
        "UPDATE events e SET before = NULL, after = NULL, reason = NULL, salt = NULL FROM ledger_entries l
         WHERE l.action = {kind.action} AND l.position > {from} AND l.position <= {last}
            AND {IS_EVENT_OF_ENTRY} AND e.salt IS NOT NULL RETURNING l.position"
    )
    .load(tx.conn)?;
    sql!(
        "INSERT INTO ledger_erasures (action, position) VALUES ({kind.action}, {last})
         ON CONFLICT (action) DO UPDATE SET position = excluded.position"
    )
    .execute(tx.conn)?;
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
    Ok(count)
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
