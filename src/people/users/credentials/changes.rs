//! Passwords that people choose without being signed in: by the one that they have, or by a token that they were given.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, post, web::Data};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::letters;
use crate::{
    access::{
        attempts::Attempt,
        passwords::{self, tokens},
        sessions::{end, model::SessionEndReason},
        sign_in::{
            password::{Person, authenticate},
            store::lock_password,
        },
    },
    app::{Acting, App, Tx},
    authz::{self, Permission},
    http::{ApiError, ApiResult, Code, Problem, Ref, Valid, address, request},
    people::users::model::{User, UserStatus},
    resource::{Change, write},
};

/// A new password for the caller.
#[derive(Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The new password.
    #[schema(min_length = 1, max_length = 200, example = "ana.silva")]
    pub username: String,
    /// The current password.
    #[schema(min_length = 1, max_length = 1000, format = Password)]
    pub current_password: String,
    /// The new password: any characters; common passwords are refused.
    #[schema(min_length = 8, max_length = 128, format = Password)]
    pub password: String,
}

/// A password, set with a token.
#[derive(Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ChoosePassword {
    /// The token of an invitation or a reset.
    #[schema(min_length = 1, max_length = 200, format = Password)]
    pub token: String,
    /// The new password: any characters; common passwords are refused.
    #[schema(min_length = 8, max_length = 128, format = Password)]
    pub password: String,
}

/// Change your own password.
///
/// Takes the current password, also when it must be changed before the next sign-in. All sessions of the user end. An
/// unknown user, a wrong password and an inactive user get the same answer.
#[utoipa::path(tag = "sign-in", request_body = ChangePassword,
    responses((status = 204, description = "The new password counts from now on."),
        (status = 403, description = "Username or password is wrong, or the account may not sign in.", body = Problem,
            content_type = "application/problem+json")))]
#[post("/account/password-changes")]
pub(super) async fn change_password(
    app: Data<App>,
    request: HttpRequest,
    body: Valid<ChangePassword>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let ChangePassword {
        username,
        current_password,
        password,
    } = body.0;
    if password == current_password {
        return Err(ApiError::field(
            "/password",
            "must be another one than the present",
        ));
    }
    let (user, old) = match authenticate(&app, &request, username, current_password).await? {
        Person::Known(user, hash, _) => (user, hash),
        Person::Unknown => return Err(wrong_password()),
        Person::Refused(refusal) => return Err(refusal.into()),
    };
    let new = passwords::accept(&app, user, "/password", password).await?;
    let acting = Acting::signing_in(user, request::current_id().unwrap_or_default());
    app.on_database(move |app, conn| {
        app.write(conn, &acting, |tx| {
            if !lock_password(tx.conn, user, &old)? {
                return Err(wrong_password());
            }
            set(tx, user, &new)
        })
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Set a password with a token.
///
/// Takes the token of an invitation, which activates the user, or of a reset. A token works once. All sessions of the
/// user end.
#[utoipa::path(tag = "sign-in", request_body = ChoosePassword,
    responses((status = 204, description = "The new password counts from now on."),
        (status = 403, description = "The token does not count.", body = Problem,
            content_type = "application/problem+json")))]
#[post("/account/passwords")]
pub(super) async fn choose_password(
    app: Data<App>,
    request: HttpRequest,
    body: Valid<ChoosePassword>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let ChoosePassword { token, password } = body.0;
    let user = holder(&app, &request, token.clone()).await?;
    let hash = passwords::accept(&app, user, "/password", password).await?;
    let acting = Acting::system_on_behalf_of(Some(user), request::current_id().unwrap_or_default());
    app.on_database(move |app, conn| {
        app.write(conn, &acting, |tx| {
            if !tokens::take(tx, &token)? {
                return Err(wrong_token());
            }
            activate(tx, user)?;
            set(tx, user, &hash)
        })
    })
    .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Whose token it is; guesses are counted.
async fn holder(app: &Arc<App>, request: &HttpRequest, token: String) -> ApiResult<Uuid> {
    let attempt = Attempt::with_token(address::of(request));
    app.on_database(move |app, conn| {
        if let Some(refusal) = attempt.refusal(app, conn)? {
            return Err(refusal.into());
        }
        match tokens::holder(conn, &token, app.clock.now())? {
            Some(user) => Ok(user),
            None => Err(match attempt.failed(app, conn)? {
                Some(refusal) => refusal.into(),
                None => wrong_token(),
            }),
        }
    })
    .await
}

/// Who was invited is active from now on.
fn activate(tx: &mut Tx, user: Uuid) -> ApiResult<()> {
    let before = authz::authorize::<User>(tx, &Ref::from(user), Permission::UsersWrite)?;
    if before.status == UserStatus::Invited {
        write::one(tx, Change::edit(before, |user| user.status = UserStatus::Active))?;
    }
    Ok(())
}

fn set(tx: &mut Tx, user: Uuid, hash: &str) -> ApiResult<()> {
    passwords::set(tx, user, hash, false)?;
    end::all(tx, user, SessionEndReason::PasswordSet)?;
    letters::notify_of_change(tx, user)
}

fn wrong_password() -> ApiError {
    ApiError::new(
        Code::CredentialsRefused,
        "Username or current_password is wrong, or the account may not sign in.",
    )
}

fn wrong_token() -> ApiError {
    ApiError::new(
        Code::CredentialsRefused,
        "The token is wrong, was used, has expired or was replaced by a later one; ask for a new one.",
    )
}
