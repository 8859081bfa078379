//! Events on their way into the ledger: what they say, and the statements that append them.

use chrono::{DateTime, Utc};
use diesel::{Insertable, PgConnection, QueryResult, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::EventKind;
use crate::{
    authz::{Actor, ActorKind},
    db::{Fixed, Sql, schema::events},
    sql,
};

/// A change to one thing, without what every event of its transaction shares.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// What was done, such as `user.updated`.
    pub action: &'static str,
    /// What it was done to, such as `user`.
    pub object_kind: &'static str,
    /// The version of its kind.
    pub version: i16,
    /// Which one.
    pub object_id: Uuid,
    /// The person whom it is about, if it is about one.
    pub user_id: Option<Uuid>,
    /// The thing before; none if it is new.
    pub before: Option<Value>,
    /// The thing after; none if it is gone.
    pub after: Option<Value>,
    /// Why, in the actor's own words.
    pub reason: Option<String>,
}

impl Event {
    /// An event about a thing; say what it was and is with [`Event::before`] and [`Event::after`].
    pub fn new(kind: &EventKind, object_id: Uuid) -> Self {
        Event {
            action: kind.action,
            object_kind: kind.object_kind,
            version: kind.version,
            object_id,
            user_id: None,
            before: None,
            after: None,
            reason: None,
        }
    }

    /// The person whom it is about.
    pub fn about(mut self, user_id: Uuid) -> Self {
        self.user_id = Some(user_id);
        self
    }

    /// The thing as it was.
    pub fn before(mut self, thing: &impl Serialize) -> Self {
        self.before = serde_json::to_value(thing).ok();
        self
    }

    /// The thing as it is now.
    pub fn after(mut self, thing: &impl Serialize) -> Self {
        self.after = serde_json::to_value(thing).ok();
        self
    }

    /// Why it was done.
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

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
    version: i16,
    object_id: Uuid,
    user_id: Option<Uuid>,
    before: Option<Value>,
    after: Option<Value>,
    reason: Option<String>,
}

/// Rows of one statement: 14 columns each, of 65,535 parameters at most.
const ROWS_A_STATEMENT: usize = 2_000;

/// Appends `events`, all by `actor`, in the caller's transaction.
pub(super) fn append(
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
            version: event.version,
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

/// The version of the kind of event that the column `action` names, which is one of `kinds`.
fn version_of_action(kinds: &[&EventKind]) -> Sql {
    let cases = kinds.iter().fold(Sql::default(), |cases, kind| {
        let version = i64::from(kind.version);
        sql!("{cases} WHEN {kind.action} THEN {version}")
    });
    sql!("CASE action{cases} END")
}

/// The end of a statement that changes many things at once: appends an event by `actor` for each row of the CTE `changes
/// (action, id, user_id, before, after)`. Its actions are those of `kinds`, which are about things of one kind.
pub(super) fn append_from(
    actor: Actor,
    now: DateTime<Utc>,
    request_id: &str,
    new_ids: Sql,
    kinds: &[&EventKind],
    changes: &'static str,
) -> Sql {
    sql!(
        " INSERT INTO events (id, recorded_at, actor_kind, actor_id, on_behalf_of, request_id, action,
            object_kind, version, object_id, user_id, before, after)
         SELECT {new_ids}, {now}, {actor_kind}, {actor.id}, {actor.on_behalf_of}, {request_id}, action,
            {object_kind}, {version}, id, user_id, before, after FROM {changes}",
        actor_kind = actor.kind.as_str(),
        object_kind = kinds.first().map(|kind| kind.object_kind),
        version = version_of_action(kinds),
        changes = Fixed(changes),
    )
}
