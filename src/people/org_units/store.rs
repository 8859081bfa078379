//! The statements of org units.

use chrono::{DateTime, Utc};
use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, NullableExpressionMethods, QueryDsl, RunQueryDsl,
    SelectableHelper, dsl::exists, select,
};
use uuid::Uuid;

use super::{filter::ORG_UNITS, model::OrgUnit};
use crate::{
    access::{Authorized, Protected},
    app::Tx,
    db::schema::{org_unit_closure, org_units, users},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

const LISTING: Listing = Listing {
    id: "org_units.id",
    sorts: &[
        Sort {
            name: "created_at",
            column: "org_units.created_at",
            kind: SortKind::Instant,
        },
        Sort {
            name: "name",
            column: "org_units.name",
            kind: SortKind::Text,
        },
        Sort {
            name: "code",
            column: "org_units.code",
            kind: SortKind::Text,
        },
    ],
};

/// A page of the units that the caller may see.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<OrgUnit>> {
    let scope = tx.scope(OrgUnit::READ)?;
    let (page, filter) = query.page(&LISTING, &ORG_UNITS, &tx.filter_clock())?;
    let rows = org_units::table
        .select((OrgUnit::as_select(), page.key()))
        .filter(page.rows([OrgUnit::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |unit| unit.id))
}

/// Archives a unit, or brings it back.
pub fn set_archived(
    tx: &mut Tx,
    unit: &Authorized<OrgUnit>,
    at: Option<DateTime<Utc>>,
) -> ApiResult<OrgUnit> {
    let unit = diesel::update(org_units::table.find(unit.id))
        .set((
            org_units::archived_at.eq(at),
            org_units::version.eq(org_units::version + 1),
            org_units::updated_at.eq(tx.now),
        ))
        .returning(OrgUnit::as_returning())
        .get_result(tx.conn)?;
    Ok(unit)
}

/// Whether anything that lives belongs to the unit: a unit below it, or a person who is not archived.
pub fn is_in_use(tx: &mut Tx, unit: &OrgUnit) -> ApiResult<bool> {
    let units = org_units::table
        .filter(org_units::parent_id.eq(unit.id))
        .filter(org_units::archived_at.is_null());
    let people = users::table
        .filter(users::org_unit_id.eq(unit.id))
        .filter(users::status.ne("archived"));
    Ok(select(exists(units).or(exists(people))).get_result(tx.conn)?)
}

/// Whether the unit right above it is archived.
pub fn is_below_archived(tx: &mut Tx, unit: &OrgUnit) -> ApiResult<bool> {
    let above = org_units::table
        .filter(org_units::id.nullable().eq(unit.parent_id))
        .filter(org_units::archived_at.is_not_null());
    Ok(select(exists(above)).get_result(tx.conn)?)
}

/// The people of these units and of all below them.
pub fn people_within(tx: &mut Tx, units: &[Uuid]) -> ApiResult<Vec<Uuid>> {
    let people = users::table
        .inner_join(
            org_unit_closure::table.on(users::org_unit_id.eq(org_unit_closure::descendant_id.nullable())),
        )
        .filter(org_unit_closure::ancestor_id.eq_any(units))
        .distinct()
        .select(users::id)
        .load(tx.conn)?;
    Ok(people)
}
