//! The statements of the ledger, but for the feed's.

use chrono::{DateTime, Utc};
use diesel::{
    ExecuteCopyFromDsl, ExpressionMethods, Insertable, OptionalExtension, PgConnection, QueryDsl,
    QueryResult, QueryableByName, RunQueryDsl, dsl::sql as raw, sql_types,
};
use serde_json::Value;
use uuid::Uuid;

use super::{ActorKind, canonical::Covered, events::PAYLOADS_ERASED, export::ExportedEvent};
use crate::{
    app::{payload_digest, payload_text},
    db::{
        Fixed, Sql,
        schema::{ledger_entries, ledger_spans},
    },
    sql,
};

/// Whether the event `e` is that of the entry `l`; the view `sealed_events` joins them likewise.
pub const IS_EVENT_OF_ENTRY: Fixed =
    Fixed("e.user_id = coalesce(l.user_id, '00000000-0000-0000-0000-000000000000') AND e.id = l.event_id");

/// What the chain covers of the event `e`.
const COVERED: Fixed = Fixed(
    "e.id, e.user_id, e.recorded_at, e.actor_kind, e.actor_id, e.on_behalf_of, e.request_id, e.action,
    e.object_kind, e.version, e.object_id, e.digest",
);

#[derive(QueryableByName)]
struct Counted {
    #[diesel(sql_type = sql_types::BigInt)]
    events: i64,
}

/// Whether any committed event waits for the sealer.
pub fn is_any_unsealed(conn: &mut PgConnection) -> QueryResult<bool> {
    let waiting: Counted =
        sql!("SELECT count(*) AS events FROM (SELECT FROM unsealed_events LIMIT 1) AS waiting")
            .get_result(conn)?;
    Ok(waiting.events > 0)
}

/// How many committed events wait for the sealer.
pub fn count_unsealed(conn: &mut PgConnection) -> QueryResult<i64> {
    let waiting: Counted =
        sql!("SELECT coalesce(sum(cardinality(event_ids)), 0)::bigint AS events FROM unsealed_events")
            .get_result(conn)?;
    Ok(waiting.events)
}

/// Takes up to `limit` events, at least 1,000, that wait for the sealer: those that were told of first. Each is looked up by its
/// key, or PostgreSQL would read all events for a plan that it made when there were few.
pub fn take_unsealed(conn: &mut PgConnection, limit: i64) -> QueryResult<Vec<Covered>> {
    sql!(
        "WITH oldest AS (SELECT number, sum(cardinality(event_ids)) OVER (ORDER BY number) AS events
            FROM (SELECT number, event_ids FROM unsealed_events ORDER BY number LIMIT {limit}) AS first),
         taken AS (DELETE FROM unsealed_events u USING oldest
            WHERE u.number = oldest.number AND oldest.events <= {limit} RETURNING u.*)
         SELECT {COVERED} FROM taken
         CROSS JOIN LATERAL unnest(taken.user_ids, taken.event_ids) WITH ORDINALITY
            AS told (user_id, event_id, place)
         CROSS JOIN LATERAL (SELECT * FROM events
            WHERE user_id = told.user_id AND id = told.event_id LIMIT 1) e
         ORDER BY taken.number, told.place"
    )
    .is_planned_each_time()
    .load(conn)
}

/// An event's entry in the ledger.
#[derive(Debug, Insertable)]
#[diesel(table_name = ledger_entries, treat_none_as_default_value = false)]
pub struct Entry {
    /// Where it stands.
    pub position: i64,
    /// The chain's hash there.
    pub hash: Vec<u8>,
    /// The event.
    pub event_id: Uuid,
    /// The user whom it is about.
    pub user_id: Option<Uuid>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// What kind of principal did it.
    pub actor_kind: ActorKind,
    /// Who did it.
    pub actor_id: Option<Uuid>,
    /// In whose place.
    pub on_behalf_of: Option<Uuid>,
    /// The request in which it was done.
    pub request_id: String,
    /// What was done.
    pub action: String,
    /// What it was done to.
    pub object_kind: String,
    /// Which one.
    pub object_id: Uuid,
}

/// Appends entries to the ledger.
pub fn insert_entries(conn: &mut PgConnection, entries: &[Entry]) -> QueryResult<()> {
    diesel::copy_from(ledger_entries::table)
        .from_insertable(entries)
        .execute(conn)?;
    insert_spans(conn, entries)
}

/// Positions of one row of `ledger_spans`.
const SPAN: i64 = 1_000;

/// Notes in which spans of positions there are events of which instants.
fn insert_spans(conn: &mut PgConnection, entries: &[Entry]) -> QueryResult<()> {
    let spans: Vec<_> = entries
        .chunk_by(|one, next| one.position / SPAN == next.position / SPAN)
        .filter_map(|span| {
            let instants = span.iter().map(|entry| entry.recorded_at);
            Some((
                ledger_spans::span.eq(span.first()?.position / SPAN),
                ledger_spans::earliest.eq(instants.clone().min()?),
                ledger_spans::latest.eq(instants.max()?),
            ))
        })
        .collect();
    diesel::insert_into(ledger_spans::table)
        .values(spans)
        .on_conflict(ledger_spans::span)
        .do_update()
        .set((
            ledger_spans::earliest.eq(raw::<sql_types::Timestamptz>(
                "least(ledger_spans.earliest, excluded.earliest)",
            )),
            ledger_spans::latest.eq(raw::<sql_types::Timestamptz>(
                "greatest(ledger_spans.latest, excluded.latest)",
            )),
        ))
        .execute(conn)?;
    Ok(())
}

/// The first position at which an event can stand that was recorded at `instant` or later; NULL if there is none.
pub fn position_from(instant: DateTime<Utc>) -> Sql {
    sql!("(SELECT {SPAN} * min(span) FROM ledger_spans WHERE latest >= {instant})")
}

/// The last position at which an event can stand that was recorded at `instant` or earlier; NULL if there is none.
pub fn position_until(instant: DateTime<Utc>) -> Sql {
    sql!("(SELECT {SPAN} * (max(span) + 1) - 1 FROM ledger_spans WHERE earliest <= {instant})")
}

/// An event as the chain has it, to be checked.
#[derive(Debug, QueryableByName)]
pub struct Link {
    /// Where it stands.
    #[diesel(sql_type = sql_types::BigInt)]
    pub position: i64,
    /// The hash that it was sealed with.
    #[diesel(sql_type = sql_types::Binary)]
    pub hash: Vec<u8>,
    /// What the chain covers of it.
    #[diesel(embed)]
    pub covered: Covered,
    /// Whether the ledger's copies of what the feed filters by are the event's.
    #[diesel(sql_type = sql_types::Bool)]
    pub has_its_entry: bool,
    /// Whether the payload fits the digest; none where there is no payload any more.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Bool>)]
    pub has_its_payload: Option<bool>,
    /// The payload's end, where it names positions whose payloads were erased.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Jsonb>)]
    pub erased: Option<Value>,
}

/// The sealed events after `position`, up to `last`.
pub fn links(conn: &mut PgConnection, after: i64, last: i64, limit: i64) -> QueryResult<Vec<Link>> {
    sql!(
        "SELECT l.position, l.hash, {COVERED},
            (l.recorded_at, l.actor_kind, l.actor_id, l.on_behalf_of, l.request_id, l.action, l.object_kind, l.object_id)
                IS NOT DISTINCT FROM
                (e.recorded_at, e.actor_kind, e.actor_id, e.on_behalf_of, e.request_id, e.action, e.object_kind, e.object_id)
                AND coalesce(e.recorded_at BETWEEN s.earliest AND s.latest, false) AS has_its_entry,
            CASE WHEN num_nonnulls(e.salt, e.before, e.after, e.reason) > 0
                THEN coalesce({digest} = e.digest, false) END AS has_its_payload,
            CASE WHEN e.action = {PAYLOADS_ERASED.action} THEN e.after END AS erased
         FROM ledger_entries l JOIN events e ON {IS_EVENT_OF_ENTRY}
         LEFT JOIN ledger_spans s ON s.span = l.position / {SPAN}
         WHERE l.position > {after} AND l.position <= {last} ORDER BY l.position LIMIT {limit}",
        digest = payload_digest(Fixed("e.")),
    )
    .load(conn)
}

/// The sealed events after `position`, up to `last`, as a file has them.
pub(super) fn exported(
    conn: &mut PgConnection,
    after: i64,
    last: i64,
    limit: i64,
) -> QueryResult<Vec<ExportedEvent>> {
    sql!(
        "SELECT l.position, encode(l.hash, 'hex') AS hash, e.id, l.user_id, e.recorded_at, e.actor_kind,
            e.actor_id, e.on_behalf_of, e.request_id, e.action, e.object_kind, e.version, e.object_id,
            CASE WHEN e.salt IS NOT NULL THEN {payload} END AS payload,
            encode(e.salt, 'hex') AS salt, encode(e.digest, 'hex') AS digest
         FROM ledger_entries l JOIN events e ON {IS_EVENT_OF_ENTRY}
         WHERE l.position > {after} AND l.position <= {last} ORDER BY l.position LIMIT {limit}",
        payload = payload_text(Fixed("e.")),
    )
    .load(conn)
}

/// The first position behind the end of the chain at which there is an entry, which nobody sealed.
pub fn first_behind_head(conn: &mut PgConnection) -> QueryResult<Option<i64>> {
    let behind: Option<Position> = sql!(
        "SELECT position FROM ledger_entries WHERE position > (SELECT position FROM ledger_head)
         ORDER BY position LIMIT 1"
    )
    .get_result(conn)
    .optional()?;
    Ok(behind.map(|behind| behind.position))
}

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
}

/// How many events are neither sealed nor wait for it, by their number: 0, unless somebody took them away past Provost.
pub fn count_lost(conn: &mut PgConnection) -> QueryResult<i64> {
    let lost: Counted = sql!(
        "SELECT (SELECT count(*) FROM events) - (SELECT position FROM ledger_head)
            - (SELECT coalesce(sum(cardinality(event_ids)), 0)::bigint FROM unsealed_events) AS events"
    )
    .get_result(conn)?;
    Ok(lost.events)
}

/// The hash of the event at `position`.
pub fn hash_at(conn: &mut PgConnection, position: i64) -> QueryResult<Option<Vec<u8>>> {
    ledger_entries::table
        .find(position)
        .select(ledger_entries::hash)
        .first(conn)
        .optional()
}
