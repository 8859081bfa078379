//! Events on their way into the ledger: what they say, and the statements that append them.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, QueryResult};
use serde::Serialize;
use uuid::Uuid;

use super::EventKind;
use crate::{
    authz::Actor,
    db::{Fixed, Sql},
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
    /// The thing before, as JSON; none if it is new.
    pub before: Option<String>,
    /// The thing after, as JSON; none if it is gone.
    pub after: Option<String>,
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
        self.before = serde_json::to_string(thing).ok();
        self
    }

    /// The thing as it is now.
    pub fn after(mut self, thing: &impl Serialize) -> Self {
        self.after = serde_json::to_string(thing).ok();
        self
    }

    /// Why it was done.
    pub fn because(mut self, reason: Option<String>) -> Self {
        self.reason = reason;
        self
    }
}

/// What all events of a transaction share.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a> {
    /// Who acts.
    pub actor: Actor,
    /// When.
    pub now: DateTime<Utc>,
    /// In which request.
    pub request_id: &'a str,
}

/// Events that one row of `unsealed_events` names: what the sealer takes at once at least.
const EVENTS_A_ROW: i64 = 1_000;

/// The payload as the text that its digest is made of, from the columns of `events` behind `prefix`, such as `e.`: what PostgreSQL
/// prints for `jsonb_build_array` of them, without making that array.
pub fn payload_text(prefix: Fixed) -> Sql {
    sql!(
        "('[' || coalesce({prefix}before::text, 'null') || ', ' || coalesce({prefix}after::text, 'null') || ', '
            || coalesce(to_jsonb({prefix}reason)::text, 'null') || ']')"
    )
}

/// The digest: of a salt and the payload.
pub fn payload_digest(prefix: Fixed) -> Sql {
    sql!(
        "sha256({prefix}salt || convert_to({payload}, 'UTF8'))",
        payload = payload_text(prefix)
    )
}

/// The CTEs that append the events of `rows`, a query of `id, user_id, action, object_kind, version, object_id, before,
/// after, reason`, and tell the sealer of them. The digest is over a salt and what PostgreSQL prints for the payload, so that
/// the payload can be erased and the chain still holds.
fn appending(source: Source<'_>, rows: Sql) -> Sql {
    sql!(
        "appended AS (INSERT INTO events (id, user_id, recorded_at, actor_kind, actor_id, on_behalf_of,
                request_id, action, object_kind, version, object_id, before, after, reason, salt, digest)
            SELECT id, coalesce(user_id, {nobody}), {source.now}, {actor_kind}, {source.actor.id},
                {source.actor.on_behalf_of}, {source.request_id}, action, object_kind, version, object_id,
                before, after, reason, salt, {digest}
            FROM (SELECT *, uuid_send(gen_random_uuid()) AS salt FROM ({rows}) AS rows) AS salted
            RETURNING user_id, id),
         told AS (INSERT INTO unsealed_events (user_ids, event_ids)
            SELECT array_agg(user_id), array_agg(id)
            FROM (SELECT user_id, id, row_number() OVER () - 1 AS place FROM appended) AS numbered
            GROUP BY place / {EVENTS_A_ROW})",
        nobody = Uuid::nil(),
        actor_kind = source.actor.kind.as_str(),
        digest = payload_digest(Fixed("")),
    )
}

/// Appends `events` in the caller's transaction.
pub(super) fn append(conn: &mut PgConnection, events: Vec<Event>, source: Source<'_>) -> QueryResult<()> {
    if events.is_empty() {
        return Ok(());
    }
    let ids: Vec<Uuid> = events.iter().map(|_| Uuid::now_v7()).collect();
    let users: Vec<Uuid> = events
        .iter()
        .map(|event| event.user_id.unwrap_or_default())
        .collect();
    let actions: Vec<String> = events.iter().map(|event| event.action.to_owned()).collect();
    let kinds: Vec<String> = events.iter().map(|event| event.object_kind.to_owned()).collect();
    let versions: Vec<i64> = events.iter().map(|event| event.version.into()).collect();
    let objects: Vec<Uuid> = events.iter().map(|event| event.object_id).collect();
    let (mut befores, mut afters, mut reasons) = (Vec::new(), Vec::new(), Vec::new());
    for event in events {
        befores.push(event.before.unwrap_or_default());
        afters.push(event.after.unwrap_or_default());
        reasons.push(event.reason.unwrap_or_default());
    }
    let rows = sql!(
        "SELECT id, user_id, action, object_kind, version, object_id, nullif(before, '')::jsonb AS before,
            nullif(after, '')::jsonb AS after, nullif(reason, '') AS reason
         FROM unnest({ids}, {users}, {actions}, {kinds}, {versions}, {objects}, {befores}, {afters}, {reasons})
            AS given (id, user_id, action, object_kind, version, object_id, before, after, reason)"
    );
    sql!("WITH {appending} SELECT", appending = appending(source, rows)).execute(conn)?;
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

/// The CTEs that append an event for each row of the CTE `changes (action, id, user_id, before, after)`. Its actions are
/// those of `kinds`, which are about things of one kind.
pub(super) fn append_from(
    source: Source<'_>,
    new_ids: Sql,
    kinds: &[&EventKind],
    changes: &'static str,
) -> Sql {
    let rows = sql!(
        "SELECT {new_ids} AS id, user_id, action, {object_kind}::text AS object_kind, {version} AS version,
            id AS object_id, before, after, NULL::text AS reason FROM {changes}",
        object_kind = kinds.first().map(|kind| kind.object_kind),
        version = version_of_action(kinds),
        changes = Fixed(changes),
    );
    appending(source, rows)
}
