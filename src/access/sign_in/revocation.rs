//! `/oauth/revoke` (RFC 7009): the holder of a session's token may end the session.

use actix_web::{
    HttpRequest, HttpResponse, post,
    web::{Bytes, Data},
};
use diesel::PgConnection;
use uuid::Uuid;

use super::{
    form::{self, NO_STORE, refuse, too_many},
    model::{TokenError, TokenQuery},
};
use crate::{
    access::{
        attempts::Attempt,
        sessions::{end, model::SessionEndReason, refresh},
        token,
    },
    app::{Acting, App},
    http::{ApiResult, Problem, address, request},
    ledger::ActorKind,
};

/// What a token leads to.
enum Holder {
    /// Nobody: it does not count anyway.
    Nobody,
    /// A person, in a session.
    Session { session: Uuid, user: Uuid },
    /// A program, or a person without a session: their access tokens end by time alone.
    WithoutSession,
}

/// Revoke a token.
///
/// Takes a refresh token or access token of a user: its session ends, with all of its tokens. Holding the token is
/// enough; an invalid token gets the same answer. Access tokens of service accounts only expire.
#[utoipa::path(tag = "sign-in",
    request_body(content = TokenQuery, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "The token is revoked or was never valid."),
        (status = 400, description = "The request is wrong, or the token cannot be revoked.", body = TokenError),
        (status = 429, description = "Too many tokens were unknown, or too many requests; wait as long as `Retry-After` says.",
            content((TokenError = "application/json"), (Problem = "application/problem+json")))))]
#[post("/oauth/revoke")]
pub(super) async fn revoke_token(
    app: Data<App>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let token = match form::read::<TokenQuery>(&request, body)?.map(|form| form.token) {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(refuse("invalid_request", "Send the token as token.")),
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let request_id = request::current_id().unwrap_or_default();
    let attempt = Attempt::with("revocation", address::of(&request));
    let is_revoked = app
        .into_inner()
        .on_database(move |app, conn| match holder(app, conn, &token)? {
            // Nobody guesses signatures, and expired access tokens are no guesses.
            Holder::Nobody if !token.starts_with(refresh::PREFIX) => Ok(Ok(true)),
            Holder::Nobody => Ok(match attempt.count_wrong_secret(app, conn)? {
                Some(refusal) => Err(refusal),
                None => Ok(true),
            }),
            Holder::WithoutSession => Ok(Ok(false)),
            Holder::Session { session, user } => {
                let acting = Acting::signing_in(user, &request_id);
                app.write(conn, &acting, |tx| {
                    end::one(tx, session, SessionEndReason::SignedOut)
                })?;
                Ok(Ok(true))
            }
        })
        .await?;
    Ok(match is_revoked {
        Ok(true) => HttpResponse::Ok().insert_header(NO_STORE).finish(),
        Ok(false) => refuse(
            "unsupported_token_type",
            "This access token ends by time alone; suspend the account to stop it.",
        ),
        Err(refusal) => too_many(refusal),
    })
}

fn holder(app: &App, conn: &mut PgConnection, token: &str) -> ApiResult<Holder> {
    if token.starts_with(refresh::PREFIX) {
        let session = refresh::session_of(conn, token)?;
        return Ok(session.map_or(Holder::Nobody, |session| Holder::Session {
            session: session.id,
            user: session.user_id,
        }));
    }
    Ok(match token::verify_now(app, conn, token)? {
        None => Holder::Nobody,
        Some(claims) => match (claims.kind, claims.sid) {
            (ActorKind::User, Some(session)) => Holder::Session {
                session,
                user: claims.sub,
            },
            _ => Holder::WithoutSession,
        },
    })
}
