//! The statements of roles.

use diesel::{
    AsChangeset, BoolExpressionMethods, ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper, dsl,
};
use uuid::Uuid;

use super::model::{CreateRole, Role, UpdateRole};
use crate::{
    access::{Authorized, Permission, Protected},
    app::Tx,
    db::schema::{grants, roles},
    filter::{Attribute, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

const LISTING: Listing = Listing {
    id: "roles.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "roles.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "code",
            column: "roles.code",
            kind: SortKind::Text,
        },
    ],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "roles.id", "Our id."),
    Attribute::scalar("code", Kind::String, "roles.code", "Its unique code."),
    Attribute::scalar("name", Kind::String, "roles.name", "Its name."),
    Attribute::scalar(
        "built_in",
        Kind::Bool,
        "roles.built_in",
        "Whether it comes with Provost.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "roles.created_at",
        "When it was made.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "roles.archived_at",
        "When it was put away.",
    ),
]);

/// A page of roles.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<Role>> {
    let scope = tx.scope(Role::READ)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows = roles::table
        .select((Role::as_select(), page.key()))
        .filter(page.rows([Role::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |role| role.id))
}

/// The names of these permissions, in order and each once.
pub fn names(permissions: &[Permission]) -> Vec<String> {
    let mut permissions = permissions.to_vec();
    permissions.sort_unstable();
    permissions.dedup();
    permissions
        .iter()
        .map(|permission| permission.as_str().to_owned())
        .collect()
}

/// Adds a role.
pub fn insert(tx: &mut Tx, new: &CreateRole) -> ApiResult<Role> {
    let role = diesel::insert_into(roles::table)
        .values((
            roles::id.eq(Uuid::now_v7()),
            roles::code.eq(&new.code),
            roles::name.eq(&new.name),
            roles::description.eq(&new.description),
            roles::permissions.eq(names(&new.permissions)),
            roles::created_at.eq(tx.now),
            roles::updated_at.eq(tx.now),
        ))
        .returning(Role::as_returning())
        .get_result(tx.conn)?;
    Ok(role)
}

#[derive(AsChangeset)]
#[diesel(table_name = roles)]
struct Changes<'a> {
    name: Option<&'a str>,
    description: Option<&'a str>,
    permissions: Option<Vec<String>>,
}

/// Changes a role.
pub fn update(tx: &mut Tx, role: &Authorized<Role>, changes: &UpdateRole) -> ApiResult<Role> {
    let changes = Changes {
        name: changes.name.as_deref(),
        description: changes.description.as_deref(),
        permissions: changes.permissions.as_deref().map(names),
    };
    let role = diesel::update(roles::table.find(role.id))
        .set((
            changes,
            roles::version.eq(roles::version + 1),
            roles::updated_at.eq(tx.now),
        ))
        .returning(Role::as_returning())
        .get_result(tx.conn)?;
    Ok(role)
}

/// Puts a role away.
pub fn archive(tx: &mut Tx, role: &Authorized<Role>) -> ApiResult<Role> {
    let role = diesel::update(roles::table.find(role.id))
        .set((
            roles::archived_at.eq(tx.now),
            roles::version.eq(roles::version + 1),
            roles::updated_at.eq(tx.now),
        ))
        .returning(Role::as_returning())
        .get_result(tx.conn)?;
    Ok(role)
}

/// Whether anybody holds the role, now or later.
pub fn is_granted(tx: &mut Tx, role: Uuid) -> ApiResult<bool> {
    let live = grants::table
        .filter(grants::role_id.eq(role))
        .filter(grants::revoked_at.is_null())
        .filter(grants::ends_at.is_null().or(grants::ends_at.gt(tx.now)));
    Ok(diesel::select(dsl::exists(live)).get_result(tx.conn)?)
}
