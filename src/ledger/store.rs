//! The statements of the ledger, but for the feed's.

use chrono::{DateTime, Utc};
use diesel::{
    ExpressionMethods, Insertable, NullableExpressionMethods, OptionalExtension, PgConnection, QueryDsl,
    QueryResult, RunQueryDsl, SelectableHelper,
};
use serde_json::Value;
use uuid::Uuid;

use super::{Actor, ActorKind, Event, model::SealedEvent};
use crate::{
    db::{Fixed, Sql, schema::events},
    sql,
};

#[derive(Insertable)]
#[diesel(table_name = events)]
struct NewEvent {
    id: Uuid,
    recorded_at: DateTime<Utc>,
    actor_kind: ActorKind,
    actor_id: Option<Uuid>,
    on_behalf_of: Option<Uuid>,
    request_id: String,
    action: &'static str,
    object_kind: &'static str,
    object_id: Uuid,
    user_id: Option<Uuid>,
    before: Option<Value>,
    after: Option<Value>,
    reason: Option<String>,
}

/// Rows of one statement: 13 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// Appends `events`, all by `actor`, in the caller's transaction.
pub fn append(
    conn: &mut PgConnection,
    events: Vec<Event>,
    actor: Actor,
    now: DateTime<Utc>,
    request_id: &str,
) -> QueryResult<()> {
    let rows: Vec<NewEvent> = events
        .into_iter()
        .map(|event| NewEvent {
            id: Uuid::now_v7(),
            recorded_at: now,
            actor_kind: actor.kind,
            actor_id: actor.id,
            on_behalf_of: actor.on_behalf_of,
            request_id: request_id.to_owned(),
            action: event.action,
            object_kind: event.object_kind,
            object_id: event.object_id,
            user_id: event.user_id,
            before: event.before,
            after: event.after,
            reason: event.reason,
        })
        .collect();
    for chunk in rows.chunks(ROWS_A_STATEMENT) {
        diesel::insert_into(events::table).values(chunk).execute(conn)?;
    }
    Ok(())
}

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

/// The end of a statement that changes many things at once: appends an event by `actor` about a thing of `kind` for
/// each row of the CTE `changes (action, id, user_id, before, after)`.
pub fn append_from(
    actor: Actor,
    now: DateTime<Utc>,
    request_id: &str,
    new_ids: Sql,
    kind: &'static str,
    changes: &'static str,
) -> Sql {
    sql!(
        " INSERT INTO events (id, recorded_at, actor_kind, actor_id, on_behalf_of, request_id, action,
            object_kind, object_id, user_id, before, after)
         SELECT {new_ids}, {now}, {actor_kind}, {actor.id}, {actor.on_behalf_of}, {request_id}, action,
            {kind}, id, user_id, before, after FROM {changes}",
        actor_kind = actor.kind.as_str(),
        changes = Fixed(changes),
    )
}
