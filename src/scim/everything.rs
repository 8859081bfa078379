//! `/scim/v2/.search`: users and groups in one list (RFC 7644, section 3.4.3), users first.

use actix_web::post;
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    call::{ScimBody, ScimCall},
    groups,
    model::{ScimList, ScimSearch},
    respond::{self, Representation},
    search::Search,
    users,
};
use crate::{
    authz::Permission,
    http::{ApiError, ApiResult, Code, Reply},
};

/// The routes.
pub fn configure(config: &mut ServiceConfig) {
    config.service(search_scim);
}

/// Search users and groups (SCIM).
///
/// Groups are included if the caller also holds `groups.read`. A filter on an attribute that only one kind has finds
/// that kind.
#[utoipa::path(tag = "scim", request_body(content = ScimSearch, content_type = "application/scim+json"),
    responses((status = 200, body = ScimList, content_type = "application/scim+json")),
    extensions(("x-permission" = json!("users.read"))))]
#[post("/.search")]
async fn search_scim(call: ScimCall, body: ScimBody) -> ApiResult<Reply> {
    let search = Search::from_body(body.0)?;
    if search.cursor.is_some() {
        let detail = "pages one kind of resource only; search /Users or /Groups, or use startIndex";
        return Err(ApiError::parameter("cursor", detail));
    }
    call.read(move |tx, client| {
        tx.require(Permission::UsersRead)?;
        let users = users::routes::found(tx, client, &search);
        let (total, mut found, fault) = settled(users)?;
        // Groups go on where users end.
        let rest = Search {
            start_index: (search.start_index - total).max(1),
            count: search.count - found.len() as i64,
            ..search.clone()
        };
        let holds_groups = tx.caller.scope_if_any(Permission::GroupsRead, tx.now).is_some();
        let (others, more, other_fault) = match holds_groups {
            true => settled(groups::routes::found(tx, client, &rest))?,
            false => (0, Vec::new(), None),
        };
        if let (Some(fault), true) = (fault, other_fault.is_some() || !holds_groups) {
            return Err(fault);
        }
        found.extend(more);
        respond::list(&search, total + others, found, None)
    })
    .await
}

type Found = (i64, Vec<Representation>);

/// What was found of one kind, or nothing and the fault of the filter, which may be about the other kind.
fn settled(found: ApiResult<Found>) -> ApiResult<(i64, Vec<Representation>, Option<ApiError>)> {
    match found {
        Ok((total, found)) => Ok((total, found, None)),
        Err(error) if matches!(error.code, Code::InvalidFilter | Code::InvalidParameter) => {
            Ok((0, Vec::new(), Some(error)))
        }
        Err(error) => Err(error),
    }
}
