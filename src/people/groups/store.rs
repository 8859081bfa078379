//! The statements of groups.

use chrono::{DateTime, Utc};
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};

use super::{filter::GROUPS, model::Group};
use crate::{
    access::{Authorized, Permission, Protected},
    app::Tx,
    db::schema::groups,
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

const LISTING: Listing = Listing {
    id: "groups.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "groups.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "name",
            column: "groups.name",
            kind: SortKind::Text,
        },
        Sort {
            name: "code",
            column: "groups.code",
            kind: SortKind::Text,
        },
    ],
};

/// A page of the groups that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Group>> {
    let scope = tx.scope(Group::READ)?;
    let people = tx.seen(Permission::UsersRead).users("m.user_id");
    let schema = GROUPS.clone().limited("member_id", people);
    let (page, filter) = query.page(&LISTING, &schema, &tx.filter_clock())?;
    let rows = groups::table
        .select((Group::as_select(), page.key()))
        .filter(page.rows([Group::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |group| group.id))
}

/// Archives a group, or brings it back.
pub fn set_archived(tx: &mut Tx, group: &Authorized<Group>, at: Option<DateTime<Utc>>) -> ApiResult<Group> {
    let group = diesel::update(groups::table.find(group.id))
        .set((
            groups::archived_at.eq(at),
            groups::version.eq(groups::version + 1),
            groups::updated_at.eq(tx.now),
        ))
        .returning(Group::as_returning())
        .get_result(tx.conn)?;
    Ok(group)
}
