//! `POST /v1/org-units/bulk`.

use std::collections::HashMap;

use actix_web::post;
use uuid::Uuid;
use validator::Validate;

use super::{
    check,
    model::{CreateOrgUnit, OrgUnit, UpdateOrgUnit},
};
use crate::{
    app::Call,
    bulk_row,
    http::{
        ApiError, ApiResult, Code, Reply,
        bulk::{BulkAnswer, BulkBody, BulkRequest, Row},
    },
    people::closure::ORG_UNITS,
    resource::bulk,
};

bulk_row! {
    /// An org unit to create or update: either `create`, or `id` with `update`. Its parent is an existing unit, by
    /// `parent_id`, or the unit of another row of this request, by `parent_row_key`.
    BulkOrgUnitRow: CreateOrgUnit, UpdateOrgUnit,
    /// Instead of `parent_id`: the `row_key` of the row that creates the parent. Rows may come in any order.
    #[schema(min_length = 1, max_length = 200, format = "verbatim", example = "line 3")]
    parent_row_key: String
}

/// Create, update and move org units in bulk.
///
/// Up to 1,000 rows in one transaction; they may create a whole tree, each row naming its parent's row. An invalid row,
/// and a row whose parent's row is invalid, gets its problem and changes nothing; the others are written. With an
/// `Idempotency-Key` you can safely repeat the whole request.
#[utoipa::path(tag = "org-units", request_body = BulkRequest<BulkOrgUnitRow>,
    responses((status = 200, body = BulkAnswer<OrgUnit>)), extensions(("x-permission" = json!("org_units.write"))))]
#[post("/bulk")]
pub(super) async fn bulk_write_org_units(call: Call, body: BulkBody) -> ApiResult<Reply> {
    call.write(move |tx| {
        ORG_UNITS.lock(tx)?;
        let mut rows = body.read::<BulkOrgUnitRow>();
        let is_by_row = find_parents(&mut rows);
        let outcomes = bulk::write_rows::<OrgUnit, _>(tx, rows)?;
        let outcomes = outcomes.into_iter().zip(is_by_row);
        let outcomes = outcomes.map(|((key, outcome), is_by_row)| match outcome {
            Err(error) if is_by_row => (key, Err(parent_row_at_fault(error))),
            outcome => (key, outcome),
        });
        Reply::ok(&BulkAnswer::new(outcomes.collect())?)
    })
    .await
}

/// Turns the parents that rows name by their keys into the ids that those will have, and answers which rows did so.
fn find_parents(rows: &mut [Row<BulkOrgUnitRow>]) -> Vec<bool> {
    // Of a row that could not be read, nobody knows that it adds none.
    let adds = |row: &&Row<BulkOrgUnitRow>| row.body.as_ref().map_or(true, |row| row.create.is_some());
    let new: HashMap<String, Uuid> = rows
        .iter()
        .filter(adds)
        .map(|row| (row.key.clone(), row.new_id))
        .collect();
    let mut is_by_row = Vec::new();
    for row in rows {
        let key = row.body.as_mut().ok().and_then(|body| body.parent_row_key.take());
        is_by_row.push(key.is_some());
        if let (Some(key), Ok(body)) = (key, &mut row.body)
            && let Err(fault) = set_parent(body, new.get(&key).copied())
        {
            row.body = Err(ApiError::field(PARENT_ROW, fault));
        }
    }
    is_by_row
}

/// Gives a row the parent that it names by a row.
fn set_parent(row: &mut BulkOrgUnitRow, parent: Option<Uuid>) -> Result<(), &'static str> {
    let parent_id = match (&row.create, &row.update) {
        (Some(new), _) => new.fields.parent_id.is_some(),
        (_, Some(changes)) => changes.get("parent_id").is_some(),
        _ => false,
    };
    if parent_id {
        return Err("cannot stand beside parent_id; leave one out");
    }
    let parent = parent.ok_or("names no row of this request that has create")?;
    match (&mut row.create, &mut row.update) {
        (Some(new), _) => new.fields.parent_id = Some(parent),
        (_, Some(changes)) => changes.set("parent_id", parent.to_string().into()),
        _ => {}
    }
    Ok(())
}

const PARENT_ROW: &str = "/parent_row_key";

/// What is wrong with the parent is told where the row named it.
fn parent_row_at_fault(mut error: ApiError) -> ApiError {
    let mut is_refused = false;
    for fault in &mut error.fields {
        if fault.pointer.ends_with("/parent_id") {
            fault.pointer = PARENT_ROW.into();
            if fault.detail == check::NO_SUCH_PARENT {
                fault.detail = "names a row that was refused".into();
                is_refused = true;
            }
        }
    }
    if is_refused && error.fields.len() == 1 {
        return ApiError {
            fields: error.fields,
            ..ApiError::new(
                Code::Conflict,
                "The row that adds its parent was refused: fix that one, and send both again.",
            )
        };
    }
    error
}
