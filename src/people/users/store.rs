//! The statements of users.

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};

use super::{filter, model::User};
use crate::{
    access::Protected,
    app::Tx,
    db::schema::users,
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

/// The orders of the list; each has its index.
const LISTING: Listing = Listing {
    id: "users.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "users.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "updated_at",
            column: "users.updated_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "username",
            column: "users.username",
            kind: SortKind::Text,
        },
        Sort {
            name: "family_name",
            column: "users.family_name",
            kind: SortKind::Text,
        },
    ],
};

/// A page of the people whom the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<User>> {
    let scope = tx.scope(User::READ)?;
    let (page, filter) = filter::page(tx, query, &LISTING)?;
    let rows = users::table
        .select((User::as_select(), page.key()))
        .filter(page.rows([User::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |user| user.id))
}
