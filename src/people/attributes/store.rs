//! The statements of attribute definitions.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};

use super::model::AttributeDefinition;
use crate::{app::Tx, db::schema::attribute_definitions, http::ApiResult};

/// All that are not archived.
pub fn live(tx: &mut Tx) -> ApiResult<Vec<AttributeDefinition>> {
    let live = attribute_definitions::table
        .filter(attribute_definitions::archived_at.is_null())
        .select(AttributeDefinition::as_select())
        .load(tx.conn)?;
    Ok(live)
}
