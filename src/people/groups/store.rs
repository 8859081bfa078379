//! The statements of groups.

use chrono::{DateTime, Utc};
use diesel::{AsChangeset, ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::{
    filter::GROUPS,
    model::{CreateGroup, Group, UpdateGroup},
};
use crate::{
    access::{Authorized, Protected},
    app::Tx,
    db::{Sql, schema::groups},
    http::{ApiResult, ListQuery, Listing, Page, Sort, filter::parse, list::SortKind},
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
    let page = query.plan(&LISTING)?;
    let filter = match &query.filter {
        Some(text) => parse(text, &GROUPS)?.to_sql(&tx.filter_clock()),
        None => Sql::always(),
    };
    let rows = groups::table
        .select((Group::as_select(), page.key()))
        .filter(page.rows([Group::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |group| group.id))
}

/// Adds a group.
pub fn insert(tx: &mut Tx, new: &CreateGroup) -> ApiResult<Group> {
    let group = diesel::insert_into(groups::table)
        .values((
            groups::id.eq(Uuid::now_v7()),
            groups::code.eq(&new.code),
            groups::name.eq(&new.name),
            groups::kind.eq(new.kind),
            groups::filter.eq(&new.filter),
            groups::created_at.eq(tx.now),
            groups::updated_at.eq(tx.now),
        ))
        .returning(Group::as_returning())
        .get_result(tx.conn)?;
    Ok(group)
}

/// Changes a group.
pub fn update(tx: &mut Tx, group: &Authorized<Group>, changes: &UpdateGroup) -> ApiResult<Group> {
    set(
        tx,
        group.id,
        (
            changes.code.as_ref().map(|code| groups::code.eq(code)),
            changes.name.as_ref().map(|name| groups::name.eq(name)),
            changes.filter.as_ref().map(|filter| groups::filter.eq(filter)),
        ),
    )
}

/// Archives a group, or brings it back.
pub fn set_archived(tx: &mut Tx, group: &Authorized<Group>, at: Option<DateTime<Utc>>) -> ApiResult<Group> {
    set(tx, group.id, groups::archived_at.eq(at))
}

fn set<C>(tx: &mut Tx, id: Uuid, changes: C) -> ApiResult<Group>
where
    C: AsChangeset<Target = groups::table>,
    C::Changeset: diesel::query_builder::QueryFragment<diesel::pg::Pg>,
{
    let group = diesel::update(groups::table.find(id))
        .set((
            changes,
            groups::version.eq(groups::version + 1),
            groups::updated_at.eq(tx.now),
        ))
        .returning(Group::as_returning())
        .get_result(tx.conn)?;
    Ok(group)
}
