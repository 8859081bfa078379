//! The statements of users.

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};

use super::{filter, model::User};
use crate::{
    access::Protected,
    app::Tx,
    db::{bind, schema::users},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    sql,
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

/// Adds people: one statement, one parameter, however many they are.
pub fn insert(tx: &mut Tx, people: &[User]) -> ApiResult<()> {
    sql![
        "INSERT INTO users SELECT * FROM jsonb_populate_recordset(NULL::users, ",
        bind(json(people)?),
        ")"
    ]
    .execute(tx.conn)?;
    Ok(())
}

/// Writes people who are there as they are given here, version and instants too.
pub fn update(tx: &mut Tx, people: &[User]) -> ApiResult<()> {
    sql![
        "UPDATE users SET
            (username, email, given_name, family_name, status, locale, time_zone, title, job_code, department, location,
             cost_centre, employment_type, hired_on, left_on, activated_on, manager_id, org_unit_id, attributes, version,
             updated_at)
          = (given.username, given.email, given.given_name, given.family_name, given.status, given.locale,
             given.time_zone, given.title, given.job_code, given.department, given.location, given.cost_centre,
             given.employment_type, given.hired_on, given.left_on, given.activated_on, given.manager_id,
             given.org_unit_id, given.attributes, given.version, given.updated_at)
         FROM jsonb_populate_recordset(NULL::users, ",
        bind(json(people)?),
        ") AS given WHERE users.id = given.id"
    ]
    .execute(tx.conn)?;
    Ok(())
}

fn json(people: &[User]) -> ApiResult<serde_json::Value> {
    serde_json::to_value(people).map_err(ApiError::internal)
}
