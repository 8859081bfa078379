//! `PUT /v1/users/{user_id}/password`.

use std::sync::Arc;

use actix_web::{put, web::Path};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::model::User;
use crate::{
    access::{
        self, Permission, inclusion,
        sessions::{self, model::SessionEndReason},
        sign_in,
    },
    app::Call,
    http::{ApiResult, IfMatch, Ref, Reply, Valid},
    ledger::Event,
};

/// A password to be set.
#[derive(Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// Any characters, of any kind.
    #[schema(min_length = 8, max_length = 128, format = Password)]
    pub password: String,
}

/// Set a person's password.
///
/// Their sessions end, but for the caller's own. `If-Match` takes the person's ETag. Whoever sets it can sign in as them,
/// so the caller needs every permission that they were granted, in scopes that include theirs.
#[utoipa::path(tag = "users", params(("user_id" = String, Path)), request_body = SetPassword,
    responses((status = 204, description = "They sign in with it from now on.")),
    extensions(("x-permission" = json!("users.write"))))]
#[put("/{user_id}/password")]
pub(super) async fn set_user_password(
    call: Call,
    id: Path<Ref<User>>,
    known: IfMatch,
    body: Valid<SetPassword>,
) -> ApiResult<Reply> {
    let (looking, wanted) = (call.clone(), id.clone());
    // Before the costly hash: whether it will be wanted.
    looking
        .read(move |tx| {
            tx.require(Permission::UsersWrite)?;
            access::read::<User>(tx, &wanted).map(drop)
        })
        .await?;
    let hash: Arc<str> = call.app.hashing.hash(body.0.password).await?.into();
    call.write(move |tx| {
        let user = access::authorize(tx, &id, Permission::UsersWrite)?;
        known.check(&*user)?;
        if tx.caller.person() != Some(user.id) {
            inclusion::require(tx, inclusion::reaching(user.id))?;
        }
        sign_in::store::set_password(tx.conn, user.id, &hash, tx.now)?;
        tx.record(Event::new("user.password_set", "user", user.id).about(user.id));
        sessions::end::others(tx, user.id, SessionEndReason::PasswordSet)?;
        Ok(Reply::no_content())
    })
    .await
}
