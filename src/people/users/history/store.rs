//! The statements of people's history.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::UserPeriod;
use crate::{
    app::Tx,
    db::schema::user_history,
    filter::{Attribute, Column, Kind, Schema},
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
    Attribute {
        name: "valid_from",
        kind: Kind::Instant,
        column: Column::Scalar("user_history.valid_from"),
        doc: "When it began.",
    },
    Attribute {
        name: "valid_to",
        kind: Kind::Instant,
        column: Column::Scalar("user_history.valid_to"),
        doc: "When it ended.",
    },
    Attribute {
        name: "status",
        kind: Kind::Enum(UserStatus::WORDS),
        column: Column::Scalar("user_history.status"),
        doc: "Whether they might sign in.",
    },
    Attribute {
        name: "department",
        kind: Kind::String,
        column: Column::Scalar("user_history.department"),
        doc: "Department.",
    },
    Attribute {
        name: "manager_id",
        kind: Kind::Id,
        column: Column::Scalar("user_history.manager_id"),
        doc: "The person whom they reported to.",
    },
    Attribute {
        name: "org_unit_id",
        kind: Kind::Id,
        column: Column::Scalar("user_history.org_unit_id"),
        doc: "The unit that they belonged to.",
    },
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
