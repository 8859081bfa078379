//! `/v1/identity-providers`.

use actix_web::{get, patch, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    model::{CreateIdentityProvider, IdentityProvider, ProviderRow, UpdateIdentityProvider},
    store,
};
use crate::{
    access::inclusion,
    app::{Call, Tx},
    authz::{self, Permission},
    http::{ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/identity-providers")
            .service(list_identity_providers)
            .service(create_identity_provider)
            .service(get_identity_provider)
            .service(update_identity_provider),
    );
}

/// List identity providers.
#[utoipa::path(tag = "sso", params(ListQuery), responses((status = 200, body = Page<IdentityProvider>)),
    extensions(("x-permission" = json!("identity_providers.read"))))]
#[get("")]
async fn list_identity_providers(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create an identity provider.
///
/// People sign in with it from then on. Its administrator could sign in as any user, so the caller needs every permission that
/// anybody was granted.
#[utoipa::path(tag = "sso", request_body = CreateIdentityProvider,
    responses((status = 201, body = IdentityProvider)), extensions(("x-permission" = json!("identity_providers.write"))))]
#[post("")]
async fn create_identity_provider(call: Call, body: Valid<CreateIdentityProvider>) -> ApiResult<Reply> {
    call.write(move |tx| {
        require(tx)?;
        let provider = store::insert(tx, body.0.clone())?;
        Reply::created(&provider, format!("/v1/identity-providers/{}", provider.id))
    })
    .await
}

/// Get an identity provider.
#[utoipa::path(tag = "sso", params(("identity_provider_id" = String, Path)),
    responses((status = 200, body = IdentityProvider)), extensions(("x-permission" = json!("identity_providers.read"))))]
#[get("/{identity_provider_id}")]
async fn get_identity_provider(
    call: Call,
    id: Path<Ref<ProviderRow>>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let row = authz::read(tx, &id)?;
        Reply::unless_known(&IdentityProvider::from(&row), &known)
    })
    .await
}

/// Update an identity provider.
///
/// Counts from the next sign-in. Without `enabled` nobody signs in by it and its tokens count no more; sessions that began
/// by it go on.
#[utoipa::path(tag = "sso", params(("identity_provider_id" = String, Path)), request_body = UpdateIdentityProvider,
    responses((status = 200, body = IdentityProvider)), extensions(("x-permission" = json!("identity_providers.write"))))]
#[patch("/{identity_provider_id}")]
async fn update_identity_provider(
    call: Call,
    id: Path<Ref<ProviderRow>>,
    known: IfMatch,
    body: Valid<UpdateIdentityProvider>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authz::authorize(tx, &id, Permission::IdentityProvidersWrite)?;
        require(tx)?;
        known.check(&*before)?;
        Reply::resource(&store::update(tx, &before, body.0.clone())?)
    })
    .await
}

/// A provider can vouch for any user, so the caller must hold every permission that any user holds.
fn require(tx: &mut Tx) -> ApiResult<()> {
    tx.require_everywhere(Permission::IdentityProvidersWrite)?;
    inclusion::require_granted(
        tx,
        inclusion::granted_to_people(tx.now),
        "The administrator of a provider could sign in as any user, and users were granted something that you do not hold in a scope that includes it; ask somebody who does.",
    )
}
