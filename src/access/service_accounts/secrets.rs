//! `/v1/service-accounts/{id}/secrets`: made here, shown once, kept as a hash.

use actix_web::{delete, get, post, web::Path};
use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{CreateSecret, IssuedSecret, Secret, SecretKind, ServiceAccount},
    scim_tokens, store,
};
use crate::{
    access::{
        events::{SECRET_CREATED, SECRET_REVOKED},
        inclusion,
        sign_in::hash_secret,
    },
    app::Call,
    authz::{self, Permission},
    http::{ApiError, ApiResult, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid},
    ledger::Event,
};

/// The routes of this resource, below a service account.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(list_service_account_secrets)
        .service(create_service_account_secret)
        .service(get_service_account_secret)
        .service(revoke_service_account_secret);
}

/// List the secrets of a service account.
///
/// When each secret was created and last used, and when it expires; never the secret itself.
#[utoipa::path(tag = "service-accounts", params(("service_account_id" = String, Path), ListQuery),
    responses((status = 200, body = Page<Secret>)), extensions(("x-permission" = json!("roles.read"))))]
#[get("/{service_account_id}/secrets")]
async fn list_service_account_secrets(
    call: Call,
    id: Path<Ref<ServiceAccount>>,
    query: Query<ListQuery>,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let account = authz::read(tx, &id)?;
        Reply::page(&store::list_secrets(tx, &account, &query.0)?)
    })
    .await
}

/// Create a secret of a service account.
///
/// Only this answer shows the secret. A secret of the kind `scim` is a bearer token for `/scim/v2`, for identity
/// providers. Two of a kind may count at a time, so that you can rotate them without a gap. The secret gives what the
/// account may do, or the part named in `permissions`, so the caller must hold that.
#[utoipa::path(tag = "service-accounts", params(("service_account_id" = String, Path)), request_body = CreateSecret,
    responses((status = 201, body = IssuedSecret)), extensions(("x-permission" = json!("roles.write"))))]
#[post("/{service_account_id}/secrets")]
async fn create_service_account_secret(
    call: Call,
    id: Path<Ref<ServiceAccount>>,
    body: Valid<CreateSecret>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let account = authz::authorize(tx, &id, Permission::RolesWrite)?;
        let granted = inclusion::granted_to("service_account", vec![account.id], tx.now);
        inclusion::require(tx, inclusion::confined(granted, body.0.permissions.as_deref()))?;
        if body.0.expires_at.is_some_and(|end| end <= tx.now) {
            return Err(ApiError::field("/expires_at", "must be in the future"));
        }
        store::require_free_slot(tx, &account, &body.0)?;
        let secret = random_secret(body.0.kind)?;
        let record = store::insert_secret(tx, &account, &hash_secret(&secret), &body.0)?;
        tx.record(Event::new(&SECRET_CREATED, account.id).after(&record));
        let location = format!("/v1/service-accounts/{}/secrets/{}", account.id, record.id);
        let kept = IssuedSecret { record, secret: None };
        let shown = IssuedSecret {
            secret: Some(secret),
            ..kept.clone()
        };
        Reply::created(&shown, location)?.kept_as(&kept)
    })
    .await
}

/// Get a secret of a service account.
#[utoipa::path(tag = "service-accounts",
    params(("service_account_id" = String, Path), ("secret_id" = Uuid, Path)),
    responses((status = 200, body = Secret)), extensions(("x-permission" = json!("roles.read"))))]
#[get("/{service_account_id}/secrets/{secret_id}")]
async fn get_service_account_secret(
    call: Call,
    path: Path<(Ref<ServiceAccount>, Uuid)>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let account = authz::read(tx, &path.0)?;
        Reply::unless_known(&store::find_secret(tx, &account, path.1)?, &known)
    })
    .await
}

/// Revoke a secret of a service account.
///
/// The secret no longer gives tokens; issued tokens last until they expire. Suspend the account to stop those. A SCIM
/// token ends at once.
#[utoipa::path(tag = "service-accounts",
    params(("service_account_id" = String, Path), ("secret_id" = Uuid, Path)),
    responses((status = 204, description = "It is revoked.")), extensions(("x-permission" = json!("roles.write"))))]
#[delete("/{service_account_id}/secrets/{secret_id}")]
async fn revoke_service_account_secret(
    call: Call,
    path: Path<(Ref<ServiceAccount>, Uuid)>,
    known: IfMatch,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let account = authz::authorize(tx, &path.0, Permission::RolesWrite)?;
        let before = store::find_secret(tx, &account, path.1)?;
        known.check(&before)?;
        if before.revoked_at.is_none() {
            let after = store::revoke_secret(tx, &account, &before)?;
            let event = Event::new(&SECRET_REVOKED, account.id);
            tx.record(event.before(&before).after(&after));
        }
        Ok(Reply::no_content())
    })
    .await
}

/// A secret with 256 random bits.
fn random_secret(kind: SecretKind) -> ApiResult<String> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(ApiError::internal)?;
    let prefix = match kind {
        SecretKind::Client => "",
        SecretKind::Scim => scim_tokens::PREFIX,
    };
    Ok(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}
