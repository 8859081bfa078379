//! `/v1/reports/compliance`.

use actix_web::{Either, HttpResponse, get};

use super::{
    model::{ComplianceQuery, ComplianceReport},
    store,
};
use crate::{
    app::Call,
    http::{
        ApiResult, Query, Reply,
        csv::{self, Accepted},
    },
};

/// Report compliance by org unit.
///
/// Users and their requirements by status, for each unit itself and with all units below it. Only users and courses in
/// the caller's scope count; units above that scope are left out. CSV for `Accept: text/csv` or `format=csv`, one row a
/// unit.
#[utoipa::path(tag = "reports", params(ComplianceQuery), responses((status = 200, description = "The report.",
    content((ComplianceReport = "application/json"), (String = "text/csv")))),
    extensions(("x-permission" = json!("reports.run"))))]
#[get("/compliance")]
pub async fn get_compliance_report(
    call: Call,
    query: Query<ComplianceQuery>,
    accepted: Accepted,
) -> ApiResult<Either<Reply, HttpResponse>> {
    let style = accepted.csv(query.0.format, query.0.bom);
    let report = call.read(move |tx| store::compliance(tx, &query.0)).await?;
    let Some(style) = style else {
        return Ok(Either::Left(Reply::ok(&report)?.header("Vary", "Accept")));
    };
    Ok(Either::Right(csv::whole("compliance", style, &report.data)?))
}
