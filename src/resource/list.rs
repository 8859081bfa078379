//! Reading resources: one, a page, through the caller's scope.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{Resource, Row};
use crate::{
    app::Tx,
    filter::Schema,
    http::{ApiResult, FieldError, ListQuery, Listing, Page, query::Parameters},
};

/// The parameters of a resource's list.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResourceQuery {
    /// Rows a page.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub limit: Option<i64>,
    /// Where to go on: `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// The order; a leading `-` turns it round.
    #[param(example = "-created_at")]
    pub sort: Option<String>,
    /// Which rows, in the filter language.
    #[param(max_length = 4096)]
    pub filter: Option<String>,
    /// What to show inside each row.
    #[param(max_length = 200)]
    pub expand: Option<String>,
    /// What is wrong with the parameters so far.
    #[serde(skip)]
    pub faults: Vec<FieldError>,
}

impl Parameters for ResourceQuery {
    fn fault_collector(&mut self) -> Option<&mut Vec<FieldError>> {
        Some(&mut self.faults)
    }
}

impl ResourceQuery {
    /// The parameters that every list takes.
    pub fn list(&self) -> ListQuery {
        ListQuery {
            limit: self.limit,
            cursor: self.cursor.clone(),
            sort: self.sort.clone(),
            filter: self.filter.clone(),
            faults: self.faults.clone(),
        }
    }
}

/// The parameters of reading one.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReadQuery {
    /// What to show inside it.
    #[param(max_length = 200)]
    pub expand: Option<String>,
}

impl Parameters for ReadQuery {}

/// What filters may name of a resource, beside what administrators define.
pub fn schema<T: Resource>() -> Schema {
    Schema::new(&T::declaration().attributes)
}

/// A page of what the caller may see.
pub fn page<T: Resource>(tx: &mut Tx, query: &ResourceQuery) -> ApiResult<Page<T>> {
    let scope = tx.scope(T::READ)?;
    let schema = match query.filter {
        Some(_) => T::filters(tx)?,
        None => schema::<T>(),
    };
    let listing = Listing {
        id: T::ID,
        sorts: &T::declaration().sorts,
    };
    let (page, filter) = query.list().page(&listing, &schema, &tx.filter_clock())?;
    let rows = T::select_page(tx, &page, page.rows([T::visible(&scope), filter]))?;
    Ok(page.page(rows, Row::id))
}
