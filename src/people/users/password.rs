//! `PUT /v1/users/{user_id}/password`.

use actix_web::{put, web::Path};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::{credentials::letters, model::User};
use crate::{
    access::{
        inclusion, passwords,
        sessions::{self, model::SessionEndReason},
    },
    app::Call,
    authz::{self, Permission},
    http::{ApiResult, IfMatch, Ref, Reply, Valid},
};

/// A password to set.
#[derive(Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// Any characters; common passwords are refused.
    #[schema(min_length = 8, max_length = 128, format = Password)]
    pub password: String,
    /// Whether the user must choose another one before the next sign-in.
    #[serde(default)]
    #[schema(default = false)]
    pub must_change: bool,
}

/// Set the password of a user.
///
/// The user's sessions end, except the caller's own. `If-Match` takes the user's ETag. A caller who sets a password
/// could sign in as the user, so the caller needs every permission that the user was granted, in scopes that include
/// the user's.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)), request_body = SetPassword,
    responses((status = 204, description = "The new password counts from now on.")),
    extensions(("x-permission" = json!("users.write"))))]
#[put("/{user_id}/password")]
pub(super) async fn set_user_password(
    call: Call,
    id: Path<Ref<User>>,
    known: IfMatch,
    body: Valid<SetPassword>,
) -> ApiResult<Reply> {
    let (wanted, app) = (id.clone(), call.app.clone());
    // Before the costly hash: whether it will be wanted.
    let user = call
        .clone()
        .read(move |tx| {
            tx.require(Permission::UsersWrite)?;
            Ok(authz::read::<User>(tx, &wanted)?.id)
        })
        .await?;
    let hash = passwords::accept(&app, user, "/password", body.0.password).await;
    call.write(move |tx| {
        let user = authz::authorize(tx, &id, Permission::UsersWrite)?;
        known.check(&*user)?;
        if tx.caller.person() != Some(user.id) {
            inclusion::require_all_of(tx, user.id)?;
        }
        let hash = hash.as_ref().map_err(Clone::clone)?;
        passwords::set(tx, user.id, hash, body.0.must_change)?;
        letters::notify_of_change(tx, user.id)?;
        sessions::end::others(tx, user.id, SessionEndReason::PasswordSet)?;
        Ok(Reply::no_content())
    })
    .await
}
