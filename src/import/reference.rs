//! What a target's references share: what happens to rows whose reference is found, missing or empty.

use super::{
    assess::issue,
    mapping::{OnMissing, ReferenceMapping},
    target::Plan,
};
use crate::{
    app::Tx,
    db::{Fixed, Sql},
    http::ApiResult,
    sql,
};

/// What `on_missing` does to a row: its issue, and the action that the row gets.
pub fn on_missing(
    plan: &Plan,
    reference: &ReferenceMapping,
    field: &'static str,
    code: &'static str,
    detail: Sql,
) -> (Sql, &'static str) {
    match reference.on_missing {
        OnMissing::Error => (issue(plan, field, code, detail, "error"), "'refuse'"),
        OnMissing::Ignore => (sql!("'[]'::jsonb"), "r.action"),
        OnMissing::Warn | OnMissing::Create => (issue(plan, field, code, detail, "warning"), "r.action"),
    }
}

/// Puts the codes that the query `found (line, code, is_missing)` answers into `refs.{name}`, and does `missing` to the
/// rows whose code it says is missing. A row that says it refers to nothing gets null.
pub fn resolve_codes(
    tx: &mut Tx,
    plan: &Plan,
    name: &'static str,
    found: Sql,
    missing: (Sql, &'static str),
) -> ApiResult<()> {
    let (fault, action) = missing;
    sql!(
        "WITH found AS ({found}) UPDATE import_rows r SET
            refs = CASE WHEN is_missing THEN r.refs
                ELSE r.refs || jsonb_build_object({name}, found.code) END,
            issues = CASE WHEN is_missing THEN r.issues || {fault} ELSE r.issues END,
            action = CASE WHEN is_missing THEN {action} ELSE r.action END
         FROM found WHERE r.line = found.line AND r.import_id = {plan.import}",
        action = Fixed(action),
    )
    .execute(tx.conn)?;
    sql!(
        "UPDATE import_rows SET refs = refs || jsonb_build_object({name}, NULL::text)
         WHERE fields -> {name} = 'null' AND action IN ('create', 'unchanged')
            AND import_id = {plan.import}"
    )
    .execute(tx.conn)?;
    Ok(())
}
