//! The feed: sealed events in the order of their positions.

use std::sync::LazyLock;

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};

use super::model::{Event, ListEvents};
use crate::{
    app::Tx,
    authz::Protected,
    db::{Condition, Sql, schema::sealed_events},
    filter::{Attribute, Bounds, Column, Filter, Kind, Schema},
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

/// What `ledger_entries` knows of an event.
const OF_ENTRIES: [Attribute; 7] = [
    attribute!("action", Kind::Exact, "What was done."),
    attribute!("object_kind", Kind::Exact, "What it was done to."),
    attribute!("object_id", Kind::Id, "Which one."),
    attribute!("user_id", Kind::Id, "The person whom it is about."),
    attribute!("actor_id", Kind::Id, "Who did it."),
    attribute!("request_id", Kind::Exact, "The request in which it was done."),
    Attribute {
        name: "recorded_at",
        kind: Kind::Instant,
        column: Column::Bounded(&RECORDED_AT),
        doc: "When it was recorded.",
    },
];

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

/// What `events` alone knows of an event.
const OF_EVENTS: [Attribute; 2] = [
    attribute!(
        "actor_kind",
        Kind::Enum(ActorKind::WORDS),
        "What kind of principal did it."
    ),
    attribute!("on_behalf_of", Kind::Id, "In whose place."),
];

static ENTRIES: LazyLock<Vec<Attribute>> = LazyLock::new(|| OF_ENTRIES.to_vec());
static ALL: LazyLock<Vec<Attribute>> = LazyLock::new(|| [&OF_ENTRIES[..], &OF_EVENTS].concat());

/// Whether a filter names nothing but what `ledger_entries` knows.
fn is_about_entries(filter: Option<&str>) -> bool {
    filter.is_none_or(|text| Filter::parse(text, &Schema::new(&ENTRIES)).is_ok())
}

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
    let schema = Schema::new(&ALL);
    let (page, filter) = query.common().page(&LISTING, &schema, &tx.filter_clock())?;
    let page = sized(page);
    let until = until.map_or(Sql::always(), |until| sql!("sealed_events.position <= {until}"));
    let later = sql!("sealed_events.position > {after}");
    let mut rows = page.rows([SealedEvent::covered(&scope), later, until, filter]);
    if is_about_entries(query.filter.as_deref()) {
        // PostgreSQL takes the join of the view for one that finds hardly anything, and would do it before it limits the rows.
        rows = Condition::new(sql!(
            "sealed_events.position IN (SELECT sealed_events.position
                FROM (SELECT event_id AS id, * FROM ledger_entries) AS sealed_events
                WHERE {rows} ORDER BY {order} LIMIT {limit})",
            order = page.order(),
            limit = page.limit(),
        ));
    }
    // How rare the values of the filter are decides which index is read.
    let rows = Condition::new(sql!("{rows}").is_planned_each_time());
    let rows = sealed_events::table
        .select((SealedEvent::as_select(), page.key()))
        .filter(rows)
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    let page = page.page(rows, |event: &SealedEvent| event.id);
    Ok(page.map(Event::from))
}
