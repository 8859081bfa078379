//! `/v1/grants`.

use actix_web::{delete, get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::model::{BulkGrantRow, CreateGrant, Grant};
use crate::{
    access::{self, Permission},
    app::Call,
    http::{
        ApiResult, IfMatch, IfNoneMatch, Page, Query, Ref, Reply, Valid,
        bulk::{BulkAnswer, BulkBody, BulkRequest},
    },
    resource::{
        Change, Resource, bulk,
        list::{ReadQuery, ResourceQuery},
        routes, write,
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/grants")
            .service(list_grants)
            .service(create_grant)
            .service(bulk_write_grants)
            .service(get_grant)
            .service(revoke_grant),
    );
}

/// List grants.
///
/// Those whose scope lies within the caller's, revoked ones included: `filter=not (revoked_at pr)` leaves
/// them out.
#[utoipa::path(tag = "grants", params(ResourceQuery), responses((status = 200, body = Page<Grant>)),
    extensions(("x-permission" = json!("roles.read"))))]
#[get("")]
async fn list_grants(call: Call, query: Query<ResourceQuery>) -> ApiResult<Reply> {
    routes::list::<Grant>(call, query.0).await
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
    routes::create(call, body.0).await
}

/// Create and revoke grants in bulk.
///
/// Up to 1,000 rows in one transaction. A row that is wrong is answered with its problem and changes nothing; the
/// others are written. Each row is checked against what the caller holds as the request begins, and against the grants that are
/// there: what a row revokes, another grants again in a later request only. With an `Idempotency-Key` the whole request is
/// safe to repeat.
#[utoipa::path(tag = "grants", request_body = BulkRequest<BulkGrantRow>,
    responses((status = 200, body = BulkAnswer<Grant>)), extensions(("x-permission" = json!("roles.write"))))]
#[post("/bulk")]
async fn bulk_write_grants(call: Call, body: BulkBody) -> ApiResult<Reply> {
    bulk::respond::<Grant, BulkGrantRow>(call, body).await
}

/// Get a grant.
#[utoipa::path(tag = "grants", params(("grant_id" = String, Path), ReadQuery),
    responses((status = 200, body = Grant)), extensions(("x-permission" = json!("roles.read"))))]
#[get("/{grant_id}")]
async fn get_grant(
    call: Call,
    id: Path<Ref<Grant>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    routes::read(call, id.into_inner(), query.0, known).await
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
        let grant = access::authorize(tx, &id, Permission::RolesWrite)?;
        known.check(&*grant)?;
        write::one(tx, Change::Archive(grant))?;
        Ok(Reply::no_content())
    })
    .await
}
