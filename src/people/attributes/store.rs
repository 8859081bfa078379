//! The statements of attribute definitions.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};

use super::{filter::ATTRIBUTE_DEFINITIONS, model::AttributeDefinition};
use crate::{
    access::{Authorized, Protected},
    app::Tx,
    db::schema::attribute_definitions,
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

const LISTING: Listing = Listing {
    id: "attribute_definitions.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "attribute_definitions.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "name",
            column: "attribute_definitions.name",
            kind: SortKind::Text,
        },
    ],
};

/// A page of definitions.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<AttributeDefinition>> {
    let scope = tx.scope(AttributeDefinition::READ)?;
    let (page, filter) = query.page(&LISTING, &ATTRIBUTE_DEFINITIONS, &tx.filter_clock())?;
    let rows = attribute_definitions::table
        .select((AttributeDefinition::as_select(), page.key()))
        .filter(page.rows([AttributeDefinition::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |definition| definition.id))
}

/// All that are not archived.
pub fn live(tx: &mut Tx) -> ApiResult<Vec<AttributeDefinition>> {
    let live = attribute_definitions::table
        .filter(attribute_definitions::archived_at.is_null())
        .select(AttributeDefinition::as_select())
        .load(tx.conn)?;
    Ok(live)
}

/// Archives a definition, or brings it back.
pub fn set_archived(
    tx: &mut Tx,
    definition: &Authorized<AttributeDefinition>,
    at: Option<DateTime<Utc>>,
) -> ApiResult<AttributeDefinition> {
    let definition = diesel::update(attribute_definitions::table.find(definition.id))
        .set((
            attribute_definitions::archived_at.eq(at),
            attribute_definitions::version.eq(attribute_definitions::version + 1),
            attribute_definitions::updated_at.eq(tx.now),
        ))
        .returning(AttributeDefinition::as_returning())
        .get_result(tx.conn)?;
    Ok(definition)
}
