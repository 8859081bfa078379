//! `/v1/grants`.

use actix_web::{delete, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkGrantRow, CreateGrant, Grant};
use crate::{
    app::Call,
    authz::{self, Permission},
    http::{ApiResult, IfMatch, Ref, Reply},
    resource::{Change, Resource, list::ResourceQuery, write},
    resource_endpoints,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/grants")
            .configure(endpoints::configure)
            .service(revoke_grant),
    );
}

resource_endpoints! {
    (Grant, tag: "grants", id: "grant_id", path: "/{grant_id}",
        read: "roles.read", write: "roles.write")
    /// List grants.
    ///
    /// Those whose scope lies within the caller's, revoked ones included: `filter=not (revoked_at pr)` leaves
    /// them out.
    list list_grants(ResourceQuery);
    /// Create a grant.
    ///
    /// Counts from the holder's next request. Nobody grants what they do not hold: the caller needs every permission
    /// of the role in a scope that includes this one. A group that gets a role must be static; the group of a scope may be
    /// dynamic.
    create create_grant(CreateGrant);
    /// Create and revoke grants in bulk.
    ///
    /// Up to 1,000 rows in one transaction. An invalid row gets its problem and changes nothing; the others are
    /// written. Each row is checked against what the caller holds as the request begins, and against the grants that
    /// are there: what a row revokes, another grants again in a later request only. With an `Idempotency-Key` you can
    /// safely repeat the whole request.
    bulk bulk_write_grants(BulkGrantRow);
    /// Get a grant.
    get get_grant;
}

/// Revoke a grant.
///
/// Counts from the holder's next request; the grant stays on record. Revoking it again changes nothing.
#[utoipa::path(tag = "grants", params(("grant_id" = String, Path)),
    responses((status = 204, description = "It is revoked.")), extensions(("x-permission" = json!("roles.write"))))]
#[delete("/{grant_id}")]
async fn revoke_grant(call: Call, id: Path<Ref<Grant>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        Grant::lock(tx)?;
        let grant = authz::authorize(tx, &id, Permission::RolesWrite)?;
        known.check(&*grant)?;
        write::one(tx, Change::Archive(grant))?;
        Ok(Reply::no_content())
    })
    .await
}
