//! Reading resources: one, a page, through the caller's scope.

use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::{
    Resource, Row,
    search::{BY_RELEVANCE, Search, names},
};
use crate::{
    app::Tx,
    db::Sql,
    filter::Schema,
    http::{ApiResult, Listing, Page, export::ExportFormat, list::PagePlan, query::Parameters},
    list_query,
};

list_query! {
    /// The parameters of a resource's list.
    ResourceQuery {
        /// What to show inside each row.
        #[param(max_length = 200)]
        expand: Option<String>,
        /// What to search for.
        #[serde(skip)]
        #[param(ignore)]
        q: Option<String>,
    }
}

list_query! {
    /// The parameters of the list of a resource that is searched.
    SearchQuery {
        /// What somebody typed: beginnings of words of names, codes, usernames and e-mail addresses, in any order, with or
        /// without accents; or a whole external key. Where that finds less than a page, and `sort` is absent, what has
        /// words one letter away follows, the best first.
        #[param(max_length = 200, example = "ana sil")]
        q: Option<String>,
        /// What to show inside each row.
        #[param(max_length = 200)]
        expand: Option<String>,
    }
}

list_query! {
    /// The parameters of the list of a resource that is searched by what its rows name, and exported.
    ExportQuery {
        /// What somebody typed: beginnings of words of names, usernames, e-mail addresses, titles and codes of what the rows
        /// name, in any order, with or without accents; or an external key.
        #[param(max_length = 200, example = "ana fire")]
        q: Option<String>,
        /// What to show inside each row; not for CSV, which has columns of its own.
        #[param(max_length = 200)]
        expand: Option<String>,
        /// `json`, `csv` or `ndjson`; overrides `Accept`. CSV and NDJSON always hold all rows.
        #[param(inline)]
        format: Option<ExportFormat>,
        /// Begin CSV with a byte order mark, so that Excel shows all letters as they are. The others never have one.
        #[param(default = false)]
        bom: Option<bool>,
    }
}

impl From<ExportQuery> for ResourceQuery {
    fn from(query: ExportQuery) -> Self {
        ResourceQuery {
            limit: query.limit,
            cursor: query.cursor,
            sort: query.sort,
            filter: query.filter,
            expand: query.expand,
            q: query.q,
            faults: query.faults,
        }
    }
}

impl From<SearchQuery> for ResourceQuery {
    fn from(query: SearchQuery) -> Self {
        ResourceQuery {
            limit: query.limit,
            cursor: query.cursor,
            sort: query.sort,
            filter: query.filter,
            expand: query.expand,
            q: query.q,
            faults: query.faults,
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
///
/// What `q` finds exactly comes in the order of the list. Where that is less than a page and the client names no order, the
/// same page is read with what is similar, by relevance; so are the pages after it, whose cursor says so.
pub fn page<T: Resource>(tx: &mut Tx, query: &ResourceQuery) -> ApiResult<Page<T>> {
    page_of(tx, query, std::convert::identity)
}

/// As [`page`], with as many rows as `size` makes of what the client asked for.
pub fn page_of<T: Resource>(
    tx: &mut Tx,
    query: &ResourceQuery,
    size: fn(PagePlan) -> PagePlan,
) -> ApiResult<Page<T>> {
    let scope = tx.scope(T::READ)?;
    let schema = match query.filter {
        Some(_) => T::filters(tx)?,
        None => schema::<T>(),
    };
    let list = query.list();
    let typed = query.q.as_deref().unwrap_or_default();
    let named = names::condition::<T>(tx, typed)?;
    let read = |tx: &mut Tx, search: Option<&Search>, by_relevance: bool| {
        let sorts = match by_relevance {
            true => &[BY_RELEVANCE],
            false => T::declaration().sorts.as_slice(),
        };
        let (mut page, filter) = list.page(&Listing { id: T::ID, sorts }, &schema, &tx.filter_clock())?;
        let mut found = Sql::all([T::visible(&scope), filter].into_iter().chain(named.clone()));
        page = size(page);
        if let Some(search) = search {
            page = page.ordering(BY_RELEVANCE.name, || search.relevance());
            found = match by_relevance {
                true => search.with_similar::<T>(&found),
                false => Sql::all([found, search.exact()]),
            };
        }
        page = page.of_rows(&found);
        let rows = T::select_page(tx, &page, page.rows([found]))?;
        let mut page = page.page(rows, Row::id);
        T::reduce(tx, &scope, &mut page.data)?;
        Ok(page)
    };
    let Some(search) = Search::read::<T>(tx, typed)? else {
        return read(tx, None, false);
    };
    if list.sort.is_none() && list.order_of_cursor().as_deref() == Some(BY_RELEVANCE.name) {
        return read(tx, Some(&search), true);
    }
    let page = read(tx, Some(&search), false)?;
    let is_first = list.sort.is_none() && list.cursor.is_none();
    let is_short = (page.data.len() as i64) < list.size();
    match is_first && is_short && search.has_spelled_words() {
        true => read(tx, Some(&search), true),
        false => Ok(page),
    }
}
