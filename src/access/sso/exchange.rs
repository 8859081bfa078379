//! A provider's token in exchange for ours (RFC 8693): for programs that sign people in at the provider by themselves.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};

use super::{
    cache,
    people::{self, ProviderSignIn, Refusal},
    tokens::{self, Use},
};
use crate::{
    access::{
        attempts::Attempt,
        sessions::{model::Origin, refresh, store::has_ended_since},
        sign_in::{
            exchange::ACCESS_TOKEN,
            form::{answer, refuse, refuse_with, too_many},
            model::{TokenRequest, TokenResponse},
            password::origin,
            routes::response,
        },
    },
    app::App,
    http::{ApiResult, address},
};

/// The type of an ID token.
pub const ID_TOKEN: &str = "urn:ietf:params:oauth:token-type:id_token";
/// The type of any JWT.
pub const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

/// Whether a subject token of that type is one of a provider.
pub fn takes(subject_token_type: Option<&str>) -> bool {
    matches!(subject_token_type, Some(ID_TOKEN | JWT | ACCESS_TOKEN))
}

/// Begins a session for the person of a provider's token. Those that are forged count as guesses; those of people who may not
/// sign in do not.
pub async fn exchange(app: &Arc<App>, request: &HttpRequest, form: TokenRequest) -> ApiResult<HttpResponse> {
    if form.requested_token_type.is_some_and(|kind| kind != ACCESS_TOKEN) {
        return Ok(refuse(
            "invalid_request",
            "Only an access token can be requested.",
        ));
    }
    let Some(token) = form.subject_token else {
        return Ok(refuse(
            "invalid_request",
            "Send the provider's token as subject_token.",
        ));
    };
    let attempt = Attempt::with("provider_token", address::of(request));
    let (refusal, attempt) = app
        .on_database(move |app, conn| Ok((attempt.refusal(app, conn)?, attempt)))
        .await?;
    if let Some(refusal) = refusal {
        return Ok(too_many(refusal));
    }
    let shown_for = match form.subject_token_type.as_deref() {
        Some(ID_TOKEN) => Use::IdToken,
        _ => Use::AnyToken,
    };
    // The word that RFC 8693, section 2.2.2 has for tokens that do not count.
    let invalid = |why: &str| refuse("invalid_request", why);
    match sign_in(app, origin(request), token, shown_for).await? {
        Ok(tokens) => Ok(answer(tokens)),
        Err(Refusal::Unreachable) => Ok(refuse_with(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "The provider cannot be reached; try again later.",
        )),
        Err(Refusal::Denied(why)) => Ok(invalid(&why)),
        Err(Refusal::Forged(why)) => {
            let refusal = app
                .on_database(move |app, conn| Ok(attempt.failed(app, conn)?))
                .await?;
            Ok(refusal.map_or_else(|| invalid(&why), too_many))
        }
    }
}

async fn sign_in(
    app: &Arc<App>,
    origin: Origin,
    token: String,
    shown_for: Use<'_>,
) -> ApiResult<Result<TokenResponse, Refusal>> {
    let unknown = || Refusal::Forged("The token is of no provider by which people may sign in.".into());
    let Some(issuer) = tokens::issuer_of(&token) else {
        return Ok(Err(unknown()));
    };
    let Some(provider) = cache::by_issuer(app, &issuer).await? else {
        return Ok(Err(unknown()));
    };
    let claims = match tokens::read(app, &provider, &token, shown_for).await? {
        Ok(claims) => claims,
        Err(doubt) => return Ok(Err(doubt.into())),
    };
    let issued_at = claims.issued_at;
    let arrival = ProviderSignIn::new(&provider, claims, None);
    let session = arrival.session.clone();
    // A token from before a sign-out would undo it, and what it says is out of date: nothing of it is taken.
    let has_ended = app
        .on_database(move |_, conn| Ok(has_ended_since(conn, &session, issued_at)?))
        .await?;
    if has_ended {
        let why = "The person signed out after the token was issued; sign in again.";
        return Ok(Err(Refusal::Denied(why.into())));
    }
    let origin = Origin {
        provider: Some(arrival.session),
        ..origin
    };
    people::sign_in(app, provider, arrival.person, move |tx, user| {
        let opened = refresh::begin(tx, user, &origin)?;
        let tokens = response(tx, opened)?;
        Ok(TokenResponse {
            issued_token_type: Some(ACCESS_TOKEN.into()),
            ..tokens
        })
    })
    .await
}
