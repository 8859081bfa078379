//! The statements of consumers: their cursors and what was set aside.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    ExpressionMethods, OptionalExtension, PgConnection, QueryDsl, QueryResult, QueryableByName, RunQueryDsl,
    SelectableHelper, sql_types,
};
use uuid::Uuid;

use super::{Consumer, Consumers, SealedEvent, SetAsideEvent};
use crate::{
    app::Tx,
    authz::Protected,
    db::schema::{event_consumers, ledger_head, sealed_events, set_aside_events},
    filter::{Attribute, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
};

/// Attempts at an event before it is set aside.
const ATTEMPTS: i32 = 10;
/// Seconds after the first failure; doubled by each.
const FIRST_DELAY: i64 = 1;
const LONGEST_DELAY: i64 = 120;

/// Makes the consumers of this build known. A new one gets what is sealed from now on.
pub fn register(tx: &mut Tx) -> ApiResult<()> {
    let names: Vec<String> = tx
        .app
        .part::<Consumers>()
        .0
        .iter()
        .map(|consumer| consumer.name.to_owned())
        .collect();
    sql!(
        "INSERT INTO event_consumers (name, position, updated_at)
         SELECT name, (SELECT position FROM ledger_head), {tx.now} FROM unnest({names}) AS name
         ON CONFLICT DO NOTHING"
    )
    .execute(tx.conn)?;
    Ok(())
}

/// What there is to do for a consumer.
#[derive(Debug)]
pub struct Look {
    /// The end of the ledger.
    pub head: i64,
    /// The next event that it wants, unless it waits before it tries that one again.
    pub next: Option<SealedEvent>,
    /// Until when it waits.
    pub retry_at: Option<DateTime<Utc>>,
}

/// Looks for the next event that `consumer` wants.
pub fn look(tx: &mut Tx, consumer: &Consumer) -> ApiResult<Look> {
    let head: i64 = ledger_head::table.select(ledger_head::position).first(tx.conn)?;
    let (position, retry_at): (i64, Option<DateTime<Utc>>) = event_consumers::table
        .find(consumer.name)
        .select((event_consumers::position, event_consumers::retry_at))
        .first(tx.conn)?;
    let retry_at = retry_at.filter(|at| *at > tx.now);
    let next = match retry_at {
        Some(_) => None,
        None => after(tx.conn, consumer, position, 1)?.pop(),
    };
    Ok(Look { head, next, retry_at })
}

fn after(
    conn: &mut PgConnection,
    consumer: &Consumer,
    position: i64,
    limit: i64,
) -> QueryResult<Vec<SealedEvent>> {
    let actions: Vec<&str> = consumer.kinds.iter().map(|kind| kind.action).collect();
    sealed_events::table
        .filter(sealed_events::position.gt(position))
        .filter(sealed_events::action.eq_any(actions))
        .order(sealed_events::position)
        .limit(limit)
        .select(SealedEvent::as_select())
        .load(conn)
}

/// Takes up to `limit` events from `next` on, as long as the same request made them, and moves the cursor behind them;
/// none where another process was quicker.
pub fn take(tx: &mut Tx, consumer: &Consumer, next: &SealedEvent, limit: i64) -> ApiResult<Vec<SealedEvent>> {
    let cursor = lock(tx, consumer)?;
    let mut events = after(tx.conn, consumer, cursor.position, limit)?;
    if events.first().is_none_or(|event| event.position != next.position) {
        return Ok(Vec::new());
    }
    let is_same = |event: &SealedEvent| event.request_id == next.request_id && event.cause() == next.cause();
    let same = events.iter().take_while(|event| is_same(event)).count();
    events.truncate(same);
    let last = events.last().map_or(cursor.position, |event| event.position);
    move_to(tx, consumer, last)?;
    Ok(events)
}

#[derive(QueryableByName)]
struct Cursor {
    #[diesel(sql_type = sql_types::BigInt)]
    position: i64,
    #[diesel(sql_type = sql_types::Integer)]
    attempts: i32,
}

/// The cursor, locked: processes take turns.
fn lock(tx: &mut Tx, consumer: &Consumer) -> ApiResult<Cursor> {
    Ok(sql!(
        "SELECT position, attempts FROM event_consumers WHERE name = {name} FOR UPDATE",
        name = consumer.name,
    )
    .get_result(tx.conn)?)
}

fn move_to(tx: &mut Tx, consumer: &Consumer, position: i64) -> ApiResult<()> {
    diesel::update(event_consumers::table.find(consumer.name))
        .set((
            event_consumers::position.eq(position),
            event_consumers::attempts.eq(0),
            event_consumers::retry_at.eq(None::<DateTime<Utc>>),
            event_consumers::last_error.eq(None::<String>),
            event_consumers::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// Moves the cursor to `position`, up to which there is nothing that the consumer wants.
pub fn advance(tx: &mut Tx, consumer: &Consumer, position: i64) -> ApiResult<()> {
    diesel::update(event_consumers::table.find(consumer.name))
        .filter(event_consumers::position.lt(position))
        .set((
            event_consumers::position.eq(position),
            event_consumers::updated_at.eq(tx.now),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// What comes of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The event is tried again then.
    RetryAt(DateTime<Utc>),
    /// It failed too often, or another process got past it.
    IsSetAside,
}

/// Notes that the reaction to `event` failed with `error`.
pub fn fail(tx: &mut Tx, consumer: &Consumer, event: &SealedEvent, error: &str) -> ApiResult<Failure> {
    let cursor = lock(tx, consumer)?;
    if cursor.position >= event.position {
        return Ok(Failure::IsSetAside);
    }
    let attempts = cursor.attempts + 1;
    if attempts < ATTEMPTS {
        let delay = (FIRST_DELAY << (attempts - 1)).min(LONGEST_DELAY);
        let at = tx.now + TimeDelta::seconds(delay);
        diesel::update(event_consumers::table.find(consumer.name))
            .set((
                event_consumers::attempts.eq(attempts),
                event_consumers::retry_at.eq(at),
                event_consumers::last_error.eq(error),
                event_consumers::updated_at.eq(tx.now),
            ))
            .execute(tx.conn)?;
        return Ok(Failure::RetryAt(at));
    }
    diesel::insert_into(set_aside_events::table)
        .values((
            set_aside_events::id.eq(Uuid::now_v7()),
            set_aside_events::consumer.eq(consumer.name),
            set_aside_events::position.eq(event.position),
            set_aside_events::attempts.eq(attempts),
            set_aside_events::last_error.eq(error),
            set_aside_events::created_at.eq(tx.now),
        ))
        .on_conflict_do_nothing()
        .execute(tx.conn)?;
    move_to(tx, consumer, event.position)?;
    Ok(Failure::IsSetAside)
}

const LISTING: Listing = Listing {
    id: "set_aside_events.id",
    sorts: &[Sort {
        name: "created_at",
        column: "set_aside_events.created_at",
        kind: SortKind::Instant,
    }],
};

static SCHEMA: Schema = Schema::new(&[
    Attribute::scalar(
        "consumer",
        Kind::Exact,
        "set_aside_events.consumer",
        "The consumer that failed.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "set_aside_events.created_at",
        "When it was set aside.",
    ),
]);

/// A page of the events that were set aside.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<SetAsideEvent>> {
    let scope = tx.scope(SetAsideEvent::READ)?;
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let rows = set_aside_events::table
        .select((SetAsideEvent::as_select(), page.key()))
        .filter(page.rows([scope.global(), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |event| event.id))
}

/// The event that was set aside under `id`; none once it was handled.
pub fn set_aside_event(tx: &mut Tx, id: Uuid) -> ApiResult<Option<SealedEvent>> {
    let position = set_aside_events::table
        .find(id)
        .select(set_aside_events::position)
        .first::<i64>(tx.conn)
        .optional()?;
    let Some(position) = position else { return Ok(None) };
    Ok(sealed_events::table
        .filter(sealed_events::position.eq(position))
        .select(SealedEvent::as_select())
        .first(tx.conn)
        .optional()?)
}

/// The event is set aside no longer; false if somebody else saw to it.
pub fn remove_set_aside(tx: &mut Tx, id: Uuid) -> ApiResult<bool> {
    Ok(diesel::delete(set_aside_events::table.find(id)).execute(tx.conn)? > 0)
}

/// Another attempt at the event that was set aside failed with `error`.
pub fn note_error(tx: &mut Tx, id: Uuid, error: &str) -> ApiResult<()> {
    diesel::update(set_aside_events::table.find(id))
        .set((
            set_aside_events::attempts.eq(set_aside_events::attempts + 1),
            set_aside_events::last_error.eq(error),
        ))
        .execute(tx.conn)?;
    Ok(())
}

/// How a consumer stands, for operators.
#[derive(Debug, QueryableByName)]
pub struct ConsumerCounts {
    /// Its name.
    #[diesel(sql_type = sql_types::Text)]
    pub name: String,
    /// Positions from the next event that it wants to the ledger's end; 0 if there is none.
    #[diesel(sql_type = sql_types::BigInt)]
    pub behind: i64,
    /// Failures at the event that comes next.
    #[diesel(sql_type = sql_types::BigInt)]
    pub failures: i64,
    /// Events that were set aside.
    #[diesel(sql_type = sql_types::BigInt)]
    pub set_aside: i64,
    /// Why the last attempt failed.
    #[diesel(sql_type = sql_types::Nullable<sql_types::Text>)]
    pub last_error: Option<String>,
}

/// How `consumers` stand.
pub fn counts(conn: &mut PgConnection, consumers: &Consumers) -> QueryResult<Vec<ConsumerCounts>> {
    let wanted = consumers.0.iter().flat_map(|consumer| {
        let kinds = consumer.kinds.iter();
        kinds.map(|kind| (consumer.name.to_owned(), kind.action.to_owned()))
    });
    let (names, actions): (Vec<String>, Vec<String>) = wanted.unzip();
    sql!(
        "SELECT c.name, coalesce(head.position - min(next.position) + 1, 0) AS behind,
            c.attempts::bigint AS failures,
            (SELECT count(*) FROM set_aside_events s WHERE s.consumer = c.name) AS set_aside, c.last_error
         FROM event_consumers c
         JOIN unnest({names}, {actions}) AS wanted (name, action) ON wanted.name = c.name
         CROSS JOIN ledger_head head
         LEFT JOIN LATERAL (SELECT l.position FROM ledger_entries l
            WHERE l.action = wanted.action AND l.position > c.position ORDER BY l.position LIMIT 1) next ON true
         GROUP BY c.name, head.position ORDER BY c.name"
    )
    .load(conn)
}
