//! The feed: sealed events in the order of their positions.

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{ActorKind, model::SealedEvent};
use crate::{
    app::Tx,
    authz::Protected,
    db::schema::sealed_events,
    filter::{Attribute, Column, Kind, Schema},
    http::{ApiResult, FieldError, ListQuery, Listing, Page, Parameters, Sort, list::SortKind},
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

macro_rules! attributes {
    ($($name:literal $kind:expr, $doc:literal;)*) => {
        &[$(Attribute { name: $name, kind: $kind, column: Column::Scalar(concat!("sealed_events.", $name)), doc: $doc }),*]
    };
}

static SCHEMA: Schema = Schema::new(attributes! {
    "action" Kind::Exact, "What was done.";
    "object_kind" Kind::Exact, "What it was done to.";
    "object_id" Kind::Id, "Which one.";
    "user_id" Kind::Id, "The person whom it is about.";
    "actor_kind" Kind::Enum(ActorKind::WORDS), "What kind of principal did it.";
    "actor_id" Kind::Id, "Who did it.";
    "on_behalf_of" Kind::Id, "In whose place.";
    "request_id" Kind::Exact, "The request in which it was done.";
    "recorded_at" Kind::Instant, "When it was recorded.";
});

/// The feed's parameters.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListEvents {
    /// Only events after this position: the last one that the reader has.
    #[param(minimum = 0)]
    pub after: Option<i64>,
    /// Rows a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The order: `position`, or `-position` for the latest first.
    #[param(example = "-position")]
    pub sort: Option<String>,
    /// Which events, in the filter language.
    #[param(max_length = 4096, example = "object_kind eq \"user\"")]
    pub filter: Option<String>,
    /// What is wrong with the parameters so far.
    #[serde(skip)]
    pub faults: Vec<FieldError>,
}

impl Parameters for ListEvents {
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        Some(&mut self.faults)
    }
}

/// A page of the events that the caller may see.
pub fn list(tx: &mut Tx, query: ListEvents) -> ApiResult<Page<SealedEvent>> {
    let scope = tx.scope(SealedEvent::READ)?;
    let after = query.after.unwrap_or(0);
    let query = ListQuery {
        limit: query.limit,
        cursor: query.cursor,
        sort: query.sort,
        filter: query.filter,
        faults: query.faults,
    };
    let (page, filter) = query.page(&LISTING, &SCHEMA, &tx.filter_clock())?;
    let later = sql!("sealed_events.position > {after}");
    let rows = sealed_events::table
        .select((SealedEvent::as_select(), page.key()))
        .filter(page.rows([SealedEvent::covered(&scope), later, filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |event| event.id))
}
