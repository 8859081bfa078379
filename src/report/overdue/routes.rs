//! `/v1/reports/overdue`.

use std::convert::identity;

use actix_web::{Either, HttpResponse, get};

use super::{
    model::{OverdueQuery, OverdueRequirement},
    store,
};
use crate::{
    app::Call,
    http::{
        ApiResult, Page, Query, Reply,
        csv::{self, Accepted},
        list::PagePlan,
    },
};

/// Report overdue requirements.
///
/// With each user's unit and manager; a manager that the caller may not see appears by id only. Only users and courses
/// in the caller's scope. CSV for `Accept: text/csv` or `format=csv`: the whole list from `cursor` on.
#[utoipa::path(tag = "reports", params(OverdueQuery), responses((status = 200, description = "The report.",
    content((Page<OverdueRequirement> = "application/json"), (String = "text/csv")))),
    extensions(("x-permission" = json!("reports.run"))))]
#[get("/overdue")]
pub async fn list_overdue_requirements(
    call: Call,
    query: Query<OverdueQuery>,
    accepted: Accepted,
) -> ApiResult<Either<Reply, HttpResponse>> {
    let query = query.0;
    let Some(style) = accepted.csv(query.format, query.bom) else {
        let page = call.read(move |tx| store::list(tx, &query, identity)).await?;
        return Ok(Either::Left(Reply::page(&page)?.header("Vary", "Accept")));
    };
    let fetch = move |cursor: Option<String>| {
        let mut query = query.clone();
        query.cursor = cursor.or(query.cursor);
        call.clone()
            .read(move |tx| store::list(tx, &query, PagePlan::batch))
    };
    Ok(Either::Right(csv::stream("overdue", style, fetch).await?))
}
