//! The statements of users.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    filter,
    model::{CreateUser, UpdateUser, User},
};
use crate::{
    access::{Authorized, Protected},
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
    let page = query.plan(&LISTING)?;
    let filter = filter::condition(tx, query.filter.as_deref())?;
    let rows = users::table
        .select((User::as_select(), page.key()))
        .filter(page.rows([User::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |user| user.id))
}

/// Adds a person.
pub fn insert(tx: &mut Tx, id: Uuid, new: &CreateUser) -> ApiResult<User> {
    let user = diesel::insert_into(users::table)
        .values((
            users::id.eq(id),
            new,
            users::created_at.eq(tx.now),
            users::updated_at.eq(tx.now),
        ))
        .returning(User::as_returning())
        .get_result(tx.conn)?;
    Ok(user)
}

/// Changes a person.
pub fn update(tx: &mut Tx, user: &Authorized<User>, changes: &UpdateUser) -> ApiResult<User> {
    let user = diesel::update(users::table.find(user.id))
        .set((
            changes,
            users::version.eq(users::version + 1),
            users::updated_at.eq(tx.now),
        ))
        .returning(User::as_returning())
        .get_result(tx.conn)?;
    Ok(user)
}
