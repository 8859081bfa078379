//! The statements of people's history.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::UserPeriod;
use crate::{
    app::Tx,
    db::schema::user_history,
    filter::{Attribute, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    people::users::model::UserStatus,
};

const LISTING: Listing = Listing {
    id: "user_history.id",
    sorts: &[Sort {
        name: "valid_from",
        column: "user_history.valid_from",
        kind: SortKind::Instant,
    }],
};

static PERIODS: Schema = Schema::new(&[
    Attribute::scalar(
        "valid_from",
        Kind::Instant,
        "user_history.valid_from",
        "When it began.",
    ),
    Attribute::scalar(
        "valid_to",
        Kind::Instant,
        "user_history.valid_to",
        "When it ended.",
    ),
    Attribute::scalar(
        "status",
        Kind::Enum(UserStatus::WORDS),
        "user_history.status",
        "The status.",
    ),
    Attribute::scalar(
        "department",
        Kind::String,
        "user_history.department",
        "Department.",
    ),
    Attribute::scalar("manager_id", Kind::Id, "user_history.manager_id", "The manager."),
    Attribute::scalar(
        "org_unit_id",
        Kind::Id,
        "user_history.org_unit_id",
        "The org unit.",
    ),
    Attribute::scalar(
        "location_id",
        Kind::Id,
        "user_history.location_id",
        "The location.",
    ),
]);

/// A page of a person's periods.
pub fn list(tx: &mut Tx, user: Uuid, query: &ListQuery) -> ApiResult<Page<UserPeriod>> {
    let (page, filter) = query.page(&LISTING, &PERIODS, &tx.filter_clock())?;
    let rows = user_history::table
        .select((UserPeriod::as_select(), page.key()))
        .filter(user_history::user_id.eq(user))
        .filter(page.rows([filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |period| period.id))
}
