//! A provider's token in exchange for ours (RFC 8693): for programs that sign people in at the provider by themselves.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, http::StatusCode};

use super::{
    cache,
    people::{self, Arrival, Refusal},
    tokens::{self, Use},
};
use crate::{
    access::{
        attempts::Attempt,
        sessions::{model::Origin, refresh},
        sign_in::{
            exchange::ACCESS_TOKEN,
            form::{answer, refuse, refuse_with, too_many},
            model::TokenResponse,
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

/// Begins a session for the person of a provider's token.
pub async fn exchange(
    app: &Arc<App>,
    request: &HttpRequest,
    token: Option<String>,
    token_type: Option<&str>,
) -> ApiResult<HttpResponse> {
    let Some(token) = token else {
        return Ok(refuse(
            "invalid_request",
            "Send the provider's token as subject_token.",
        ));
    };
    let attempt = Attempt::with_token(address::of(request));
    let (refusal, attempt) = app
        .on_database(move |app, conn| Ok((attempt.refusal(app, conn)?, attempt)))
        .await?;
    if let Some(refusal) = refusal {
        return Ok(too_many(refusal));
    }
    let is_id_token = token_type == Some(ID_TOKEN);
    match sign_in(app, origin(request), token, is_id_token).await? {
        Ok(tokens) => Ok(answer(tokens)),
        Err(Refusal::Unreachable) => Ok(refuse_with(
            StatusCode::SERVICE_UNAVAILABLE,
            "temporarily_unavailable",
            "The provider cannot be reached; try again later.",
        )),
        Err(Refusal::Denied(why)) => {
            let refusal = app
                .on_database(move |app, conn| Ok(attempt.failed(app, conn)?))
                .await?;
            // The word that RFC 8693, section 2.2.2 has for it.
            Ok(refusal.map_or_else(|| refuse("invalid_request", &why), too_many))
        }
    }
}

async fn sign_in(
    app: &Arc<App>,
    origin: Origin,
    token: String,
    is_id_token: bool,
) -> ApiResult<Result<TokenResponse, Refusal>> {
    let unknown = || Refusal::Denied("The token is of no provider by which people may sign in.".into());
    let Some(issuer) = tokens::issuer_of(&token) else {
        return Ok(Err(unknown()));
    };
    let Some(provider) = cache::by_issuer(app, &issuer).await? else {
        return Ok(Err(unknown()));
    };
    let shown_for = if is_id_token { Use::IdToken } else { Use::AnyToken };
    let claims = match tokens::read(app, &provider, &token, shown_for).await? {
        Ok(claims) => claims,
        Err(doubt) => return Ok(Err(doubt.into())),
    };
    let arrival = Arrival::new(&provider, claims, is_id_token.then_some(token));
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
