//! The statements of completions.

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    filter::COMPLETIONS,
    model::{Completion, CompletionRow},
};
use crate::{
    access::Protected,
    app::Tx,
    db::schema::completions,
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "completions.id",
    sorts: &[Sort {
        name: "recorded_at",
        column: "completions.recorded_at",
        kind: SortKind::Instant,
    }],
};

/// A page of the completions that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Completion>> {
    let scope = tx.scope(Completion::READ)?;
    let (page, filter) = query.page(&LISTING, &COMPLETIONS, &tx.filter_clock())?;
    let rows = completions::table
        .select((Completion::as_select(), page.key()))
        .filter(page.rows([Completion::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |completion| completion.id))
}

/// A completion.
pub fn find(tx: &mut Tx, user_id: Uuid, id: Uuid) -> ApiResult<Completion> {
    let completion = completions::table
        .find((user_id, id))
        .select(Completion::as_select())
        .first(tx.conn)?;
    Ok(completion)
}

/// Appends a completion.
pub fn insert(tx: &mut Tx, row: &CompletionRow) -> ApiResult<Completion> {
    let completion = diesel::insert_into(completions::table)
        .values(row)
        .returning(Completion::as_returning())
        .get_result(tx.conn)?;
    Ok(completion)
}
