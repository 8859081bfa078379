//! The statements of the ledger, but for the feed's.

use diesel::{
    ExpressionMethods, NullableExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult,
    RunQueryDsl, SelectableHelper,
};

use super::model::SealedEvent;
use crate::db::schema::events;

/// Committed events that have no position yet, the oldest first.
pub fn unsealed(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<SealedEvent>> {
    events::table
        .filter(events::position.is_null())
        .order(events::id)
        .limit(limit)
        .select(SealedEvent::as_select())
        .load(conn)
}

/// How many committed events have no position yet.
pub fn count_unsealed(conn: &mut PgConnection) -> QueryResult<i64> {
    events::table
        .filter(events::position.is_null())
        .count()
        .get_result(conn)
}

/// The sealed events after `position`, up to `last`.
pub fn sealed(conn: &mut PgConnection, after: i64, last: i64, limit: i64) -> QueryResult<Vec<SealedEvent>> {
    events::table
        .filter(events::position.gt(after))
        .filter(events::position.le(last))
        .order(events::position)
        .limit(limit)
        .select(SealedEvent::as_select())
        .load(conn)
}

/// The hash of the event at `position`.
pub fn hash_at(conn: &mut PgConnection, position: i64) -> QueryResult<Option<Vec<u8>>> {
    events::table
        .filter(events::position.eq(position))
        .select(events::hash.assume_not_null())
        .first(conn)
        .optional()
}
