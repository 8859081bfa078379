//! A provider's access token as bearer: for APIs and front ends that have one anyway.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    cache,
    people::{self, ProviderSignIn, Refusal},
    tokens::{self, LEEWAY, Use},
};
use crate::{
    access::token::{self, VerifiedTokens},
    app::App,
    http::{ApiError, ApiResult, Code},
    ledger::ActorKind,
};

/// What a provider's token says in our terms, if it is of one by which people may sign in and counts. It is looked at once:
/// from then on it is among the verified tokens, until a provider or an identity changes.
pub async fn read(app: &Arc<App>, token: &str) -> ApiResult<Option<token::Claims>> {
    let Some(issuer) = tokens::issuer_of(token) else {
        return Ok(None);
    };
    let Some(provider) = cache::by_issuer(app, &issuer).await? else {
        return Ok(None);
    };
    if provider.audiences.is_empty() {
        return Ok(None);
    }
    let mark = app.part::<VerifiedTokens>().mark();
    let claims = match tokens::read(app, &provider, token, Use::Bearer).await? {
        Ok(claims) => claims,
        Err(doubt) => return refused(doubt.into()),
    };
    let (issued_at, expires_at) = (claims.issued_at, claims.expires_at + LEEWAY);
    let arrival = ProviderSignIn::new(&provider, claims, None);
    let user = people::sign_in(app, provider, arrival.person, |_, user| Ok(user)).await?;
    let user = match user {
        Ok(user) => user,
        Err(refusal) => return refused(refusal),
    };
    let claims = token::Claims {
        iss: issuer,
        aud: app.config.public_url(),
        sub: user,
        kind: ActorKind::User,
        iat: issued_at.timestamp(),
        exp: expires_at.timestamp(),
        jti: Uuid::now_v7(),
        scope: None,
        act: None,
        sid: None,
    };
    app.part::<VerifiedTokens>().remember(token, &claims, mark);
    Ok(Some(claims))
}

/// One that does not count is refused like any other; why, the log tells.
fn refused(refusal: Refusal) -> ApiResult<Option<token::Claims>> {
    match refusal {
        Refusal::Denied(why) | Refusal::Forged(why) => {
            log::info!("a provider's token: {why}");
            Ok(None)
        }
        Refusal::Unreachable => Err(ApiError::new(
            Code::Unavailable,
            "The provider of this token cannot be reached; try again later.",
        )),
    }
}
