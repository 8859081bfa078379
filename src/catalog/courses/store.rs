//! The list of courses, which is also their search.

use std::sync::LazyLock;

use super::{
    model::{Course, ListCourses},
    search::{self, Search},
};
use crate::{
    app::Tx,
    authz::Protected,
    db::Sql,
    http::{ApiResult, Listing, Page, Sort},
    resource::{self, Row, search::BY_RELEVANCE},
};

/// The orders of a search: those of the list, after the best first.
static ORDERS_OF_SEARCH: LazyLock<Vec<Sort>> = LazyLock::new(|| {
    let others = &Course::declaration().sorts;
    [BY_RELEVANCE].iter().chain(others).copied().collect()
});

/// A page of the courses that the caller may see.
pub fn list(tx: &mut Tx, query: &ListCourses) -> ApiResult<Page<Course>> {
    let scope = tx.scope(Course::READ)?;
    let listing = Listing {
        id: Course::ID,
        sorts: match search::typed(query) {
            Some(_) => &ORDERS_OF_SEARCH,
            None => &Course::declaration().sorts,
        },
    };
    let schema = resource::list::schema::<Course>();
    let (page, filter) = query.list().page(&listing, &schema, &tx.filter_clock())?;
    let search = Search::read(tx, query)?;
    let page = page.ordering(BY_RELEVANCE.name, || search.relevance());
    let within = Sql::all([Course::visible(&scope), filter]);
    let found = match page.is_by(BY_RELEVANCE.name) {
        true => search.best(&within),
        false => Sql::all([within, search.condition()]),
    };
    let rows = Course::select_page(tx, &page, page.rows([found]))?;
    let mut page = page.page(rows, Row::id);
    Course::reduce(tx, &scope, &mut page.data)?;
    Ok(page)
}
