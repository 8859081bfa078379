//! Signing out: here, with the way to the provider's own sign-out; and there, when the provider tells of it.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, post,
    web::{Bytes, Data},
};
use chrono::TimeDelta;
use diesel::{OptionalExtension, PgConnection, QueryDsl, QueryResult, RunQueryDsl};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use super::{
    authorize::authorization_address,
    cache,
    documents::{self, Documents, NamedBy},
    providers::{model::ProviderRow, store},
    tokens::{self, Claims, Use},
};
use crate::{
    access::{
        attempts::Attempt,
        sessions::{
            end,
            model::{Session, SessionEndReason},
            refresh,
        },
        sign_in::{
            form::{self, NO_STORE, refuse},
            model::TokenError,
        },
    },
    app::{Acting, App},
    db::schema::sessions,
    http::{ApiResult, Valid, address, request},
};

/// A session to end.
#[derive(Debug, Clone, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct SignOut {
    /// Its refresh token.
    #[schema(min_length = 1, max_length = 200, format = Password)]
    pub refresh_token: String,
    /// Where the provider sends the browser afterwards: an address registered with the provider.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 2000, example = "https://learn.example.com/")]
    pub post_logout_redirect_uri: Option<String>,
    /// Returned by the provider unchanged.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, format = "verbatim")]
    pub state: Option<String>,
}

/// A session that was ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedOut {
    /// The address that signs the browser out at the provider; null if the provider has none.
    #[schema(example = "https://login.example.com/session/end?client_id=provost")]
    pub provider_sign_out_url: Option<String>,
}

/// Sign out.
///
/// Ends the session of a refresh token, as `POST /oauth/revoke` does, and tells where the browser signs out at the
/// provider by which the person signed in (OpenID Connect RP-Initiated Logout). Holding the token is enough; an invalid
/// token gets the same answer.
#[utoipa::path(tag = "sign-in", request_body = SignOut, responses((status = 200, body = SignedOut)))]
#[post("/account/sign-outs")]
pub(super) async fn sign_out(
    app: Data<App>,
    request: HttpRequest,
    body: Valid<SignOut>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let SignOut {
        refresh_token,
        post_logout_redirect_uri,
        state,
    } = body.0;
    let request_id = request::current_id().unwrap_or_default();
    let attempt = Attempt::with("revocation", address::of(&request));
    let ended = app
        .on_database(move |app, conn| {
            let Some(session) = refresh::session_of(conn, &refresh_token)? else {
                return match attempt.count_wrong_secret(app, conn)? {
                    Some(refusal) => Err(refusal.into()),
                    None => Ok(None),
                };
            };
            let acting = Acting::signing_in(session.user_id, request_id.clone());
            let hint = app.write(conn, &acting, |tx| {
                // A token that counts no more reads out nothing.
                let is_live = refresh::in_force(tx, &refresh_token)?
                    .is_some_and(|(session, _)| session.ended_at.is_none() && session.expires_at > tx.now);
                let hint = if is_live {
                    id_token_hint(tx.conn, session.id)?
                } else {
                    None
                };
                end::one(tx, session.id, SessionEndReason::SignedOut)?;
                Ok(hint)
            })?;
            Ok(Some((session, hint)))
        })
        .await?;
    let there = match &ended {
        Some((session, _)) => provider_of(&app, session).await?,
        None => None,
    };
    let hint = ended.and_then(|(_, hint)| hint);
    let provider_sign_out_url = there
        .map(|(provider, documents, endpoint)| {
            let hint = hint.filter(|hint| is_known(&documents, hint));
            let parameters = [
                ("client_id", Some(provider.client_id.as_str())),
                ("id_token_hint", hint.as_deref()),
                ("post_logout_redirect_uri", post_logout_redirect_uri.as_deref()),
                ("state", state.as_deref()),
            ];
            authorization_address(&endpoint, &parameters)
        })
        .transpose()?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).json(SignedOut {
        provider_sign_out_url,
    }))
}

fn id_token_hint(conn: &mut PgConnection, session: Uuid) -> QueryResult<Option<String>> {
    let hint = sessions::table
        .find(session)
        .select(sessions::id_token_hint)
        .first::<Option<String>>(conn)
        .optional()?;
    Ok(hint.flatten())
}

/// The provider by which a session began, and where people sign out there.
async fn provider_of(
    app: &Arc<App>,
    session: &Session,
) -> ApiResult<Option<(Arc<ProviderRow>, Arc<Documents>, String)>> {
    let Some(id) = session.identity_provider_id else {
        return Ok(None);
    };
    let Some(provider) = cache::by_id(app, id).await? else {
        return Ok(None);
    };
    let documents = documents::of(app, &provider, NamedBy::Nobody).await?;
    Ok(documents.and_then(|documents| {
        let endpoint = documents.metadata.end_session_endpoint.clone()?;
        Some((provider, documents, endpoint))
    }))
}

/// Whether the provider still knows an ID token as its own: some answer those of keys gone by with an error.
fn is_known(documents: &Documents, id_token: &str) -> bool {
    let header = jsonwebtoken::decode_header(id_token).ok();
    let key_id = header.and_then(|header| header.kid);
    key_id.is_none_or(|id| documents.knows(&id))
}

/// A logout token, as `application/x-www-form-urlencoded`.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
pub struct LogoutRequest {
    /// The provider's notice that a person signed out.
    #[schema(format = Password)]
    pub logout_token: Option<String>,
}

impl form::Form for LogoutRequest {
    fn parameters(&mut self) -> Vec<&mut Option<String>> {
        vec![&mut self.logout_token]
    }
}

/// Receive a back-channel sign-out from an identity provider.
///
/// For providers (OpenID Connect Back-Channel Logout 1.0): ends the sessions that began with the named session of the
/// provider, or, if none is named, all sessions of the user that began with the provider.
#[utoipa::path(tag = "sign-in", operation_id = "end_provider_sessions",
    request_body(content = LogoutRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, description = "They have ended."),
        (status = 400, description = "The token does not count.", body = TokenError)))]
#[post("/oauth/backchannel-logout")]
pub(super) async fn end_provider_sessions(
    app: Data<App>,
    request: HttpRequest,
    body: Result<Bytes, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let token = match form::read::<LogoutRequest>(&request, body)?.map(|form| form.logout_token) {
        Ok(Some(token)) => token,
        Ok(None) => return Ok(refuse("invalid_request", "Send the token as logout_token.")),
        Err(description) => return Ok(refuse("invalid_request", description)),
    };
    let does_not_count = || refuse("invalid_request", "The logout_token does not count.");
    // PostgreSQL could not look for U+0000.
    let issuer = tokens::issuer_of(&token).filter(|issuer| !issuer.contains('\0'));
    let Some(issuer) = issuer else {
        return Ok(does_not_count());
    };
    // Sessions outlive the provider's being turned off.
    let provider = app
        .on_database(move |_, conn| Ok(store::by_issuer(conn, &issuer)?))
        .await?;
    let Some(provider) = provider else {
        return Ok(does_not_count());
    };
    let claims = match tokens::read(&app, &provider, &token, Use::Logout).await? {
        Ok(claims) => claims,
        Err(doubt) => {
            log::info!("identity provider {}: a logout token: {doubt:?}", provider.code);
            return Ok(does_not_count());
        }
    };
    let sid = claims.text("sid").map(str::to_owned);
    let Claims {
        subject, issued_at, ..
    } = claims;
    if sid.is_none() && subject.is_none() {
        return Ok(does_not_count());
    }
    let acting = Acting::system(request::current_id().unwrap_or_default());
    app.on_database(move |app, conn| {
        app.write(conn, &acting, |tx| {
            // What began after the second that it tells it says nothing of, also when it comes again.
            let until = (issued_at + TimeDelta::seconds(1)).min(tx.now);
            end::at_provider(tx, provider.id, (subject.as_deref(), sid.as_deref()), until)
        })
    })
    .await?;
    Ok(HttpResponse::Ok().insert_header(NO_STORE).finish())
}
