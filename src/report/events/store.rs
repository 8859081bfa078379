//! The feed: sealed events in the order of their positions.

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};

use super::model::{Event, ListEvents};
use crate::{
    app::Tx,
    authz::Protected,
    db::{Condition, Sql, schema::sealed_events},
    filter::{Attribute, Bounds, Column, Kind, Schema},
    http::{
        ApiResult, Listing, Page, Sort,
        list::{PagePlan, SortKind},
    },
    ledger::{self, ActorKind, SealedEvent},
    sql,
};

const LISTING: Listing = Listing {
    id: "sealed_events.id",
    sorts: &[Sort {
        name: "position",
        column: "sealed_events.position",
        kind: SortKind::Integer,
    }],
};

macro_rules! attribute {
    ($name:literal, $kind:expr, $doc:literal) => {
        Attribute::scalar($name, $kind, concat!("sealed_events.", $name), $doc)
    };
}

static SCHEMA: Schema = Schema::new(&[
    attribute!("action", Kind::Exact, "What was done."),
    attribute!("object_kind", Kind::Exact, "What it was done to."),
    attribute!("object_id", Kind::Id, "Which one."),
    attribute!("user_id", Kind::Id, "The person whom it is about."),
    attribute!(
        "actor_kind",
        Kind::Enum(ActorKind::WORDS),
        "What kind of principal did it."
    ),
    attribute!("actor_id", Kind::Id, "Who did it."),
    attribute!("on_behalf_of", Kind::Id, "In whose place."),
    attribute!("request_id", Kind::Exact, "The request in which it was done."),
    Attribute {
        name: "recorded_at",
        kind: Kind::Instant,
        column: Column::Bounded(&RECORDED_AT),
        doc: "When it was recorded.",
    },
]);

/// Leads an instant to positions, in whose order the feed is read.
static RECORDED_AT: Bounds = Bounds {
    column: "sealed_events.recorded_at",
    lower: |instant| {
        let position = ledger::position_from(instant);
        sql!("sealed_events.position >= {position}")
    },
    upper: |instant| {
        let position = ledger::position_until(instant);
        sql!("sealed_events.position <= {position}")
    },
};

/// A page of the events that the caller may see, up to the position `until`.
///
/// `sized` says how many rows it takes.
pub fn list(
    tx: &mut Tx,
    query: &ListEvents,
    until: Option<i64>,
    sized: fn(PagePlan) -> PagePlan,
) -> ApiResult<Page<Event>> {
    let scope = tx.scope(SealedEvent::READ)?;
    let after = query.after.unwrap_or(0);
    let (page, filter) = query.common().page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let page = sized(page);
    let until = until.map_or(Sql::always(), |until| sql!("sealed_events.position <= {until}"));
    let later = sql!("sealed_events.position > {after}");
    // PostgreSQL takes the join of the view for one that finds hardly anything, and would do it before it limits the rows.
    let rows = sql!(
        "sealed_events.position IN (SELECT sealed_events.position
            FROM (SELECT event_id AS id, * FROM ledger_entries) AS sealed_events
            WHERE {rows} ORDER BY {order} LIMIT {limit})",
        rows = page.rows([SealedEvent::covered(&scope), later, until, filter]),
        order = page.order(),
        limit = page.limit(),
    );
    // How rare the values of the filter are decides which index is read.
    let rows = Condition::new(rows.is_planned_each_time());
    let rows = sealed_events::table
        .select((SealedEvent::as_select(), page.key()))
        .filter(rows)
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    let page = page.page(rows, |event: &SealedEvent| event.id);
    Ok(page.map(Event::from))
}
