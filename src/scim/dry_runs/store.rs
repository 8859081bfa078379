//! The statements of dry runs.

use diesel::{QueryDsl, RunQueryDsl, SelectableHelper};

use super::model::ScimDryRun;
use crate::{
    app::Tx,
    authz::Protected,
    db::schema::scim_dry_runs,
    filter::{Attribute, Kind, Schema},
    http::{ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
};

const LISTING: Listing = Listing {
    id: "scim_dry_runs.id",
    sorts: &[Sort {
        name: "created_at",
        column: "scim_dry_runs.created_at",
        kind: SortKind::Instant,
    }],
};

static FILTER: Schema = Schema::new(&[
    Attribute::scalar("id", Kind::Id, "scim_dry_runs.id", "Our id."),
    Attribute::scalar(
        "service_account_id",
        Kind::Id,
        "scim_dry_runs.service_account_id",
        "The service account of the request.",
    ),
    Attribute::scalar(
        "secret_id",
        Kind::Id,
        "scim_dry_runs.secret_id",
        "The secret of the request's token.",
    ),
    Attribute::scalar("method", Kind::Exact, "scim_dry_runs.method", "Its method."),
    Attribute::scalar("path", Kind::Exact, "scim_dry_runs.path", "Its path."),
    Attribute::scalar(
        "status",
        Kind::Integer,
        "scim_dry_runs.status",
        "The status of the answer.",
    ),
    Attribute::scalar(
        "created_at",
        Kind::Instant,
        "scim_dry_runs.created_at",
        "When the request came.",
    ),
]);

/// A page of dry runs.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<ScimDryRun>> {
    let scope = tx.scope(ScimDryRun::READ)?;
    let (page, filter) = query.page(&LISTING, &FILTER, &tx.filter_clock())?;
    let rows = scim_dry_runs::table
        .select((ScimDryRun::as_select(), page.key()))
        .filter(page.rows([ScimDryRun::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |run| run.id))
}

/// Records one.
pub fn insert(tx: &mut Tx, run: &ScimDryRun) -> ApiResult<()> {
    diesel::insert_into(scim_dry_runs::table)
        .values(run)
        .execute(tx.conn)?;
    Ok(())
}
