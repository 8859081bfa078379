//! `/v1/grants`.

use actix_web::{delete, get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{CreateGrant, Grant},
    store,
};
use crate::{
    access::{self, Permission, inclusion},
    app::Call,
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/grants")
            .service(list_grants)
            .service(create_grant)
            .service(get_grant)
            .service(revoke_grant),
    );
}

/// List grants.
///
/// Those whose scope lies within the caller's, revoked ones included: `filter=not (revoked_at pr)` leaves
/// them out.
#[utoipa::path(tag = "grants", params(ListQuery), responses((status = 200, body = Page<Grant>)),
    extensions(("x-permission" = json!("roles.read"))))]
#[get("")]
async fn list_grants(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create a grant.
///
/// Counts from the holder's next request. Nobody grants what they do not hold: the caller needs every permission
/// of the role in a scope that includes this one. A group that gets a role must be static; the group of a scope may be
/// dynamic.
#[utoipa::path(tag = "grants", request_body = CreateGrant, responses((status = 201, body = Grant)),
    extensions(("x-permission" = json!("roles.write"))))]
#[post("")]
async fn create_grant(call: Call, body: Valid<CreateGrant>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require(Permission::RolesWrite)?;
        let new = &body.0;
        store::lock_role(tx, new.role_id)?;
        let powers = inclusion::role_in_scope(new.role_id, new.scope_kind.as_str(), new.scope_id);
        inclusion::require(tx, powers)?;
        store::check(tx, new)?;
        store::check_twins(tx, new)?;
        let grant = store::insert(tx, new, "api")?;
        Reply::created(&grant, format!("/v1/grants/{}", grant.id))
    })
    .await
}

/// Get a grant.
#[utoipa::path(tag = "grants", params(("grant_id" = String, Path)), responses((status = 200, body = Grant)),
    extensions(("x-permission" = json!("roles.read"))))]
#[get("/{grant_id}")]
async fn get_grant(call: Call, id: Path<Ref<Grant>>, known: IfNoneMatch) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&access::read(tx, &id)?, &known))
        .await
}

/// Revoke a grant.
///
/// Counts from the holder's next request; the grant stays on record. Revoking it again changes nothing.
#[utoipa::path(tag = "grants", params(("grant_id" = String, Path)),
    responses((status = 204, description = "It is revoked.")), extensions(("x-permission" = json!("roles.write"))))]
#[delete("/{grant_id}")]
async fn revoke_grant(call: Call, id: Path<Ref<Grant>>, known: IfMatch) -> ApiResult<Reply> {
    call.write(move |tx| {
        let grant = access::authorize(tx, &id, Permission::RolesWrite)?;
        known.check(&*grant)?;
        if grant.revoked_at.is_none() {
            store::revoke(tx, &grant)?;
        }
        Ok(Reply::no_content())
    })
    .await
}
