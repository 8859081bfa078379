//! The authorization code grant (RFC 6749, section 4.1.3; RFC 7636, section 4.6).

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse};

use super::flows::{self, Grant};
use crate::{
    access::{
        attempts::Attempt,
        sessions::{
            end,
            model::{Origin, SessionEndReason},
            refresh::{self, Opened},
        },
        sign_in::{
            form::{answer, refuse, too_many},
            hash_secret,
            model::TokenRequest,
            password::origin,
            routes::response,
            store::is_active,
        },
    },
    app::{Acting, App, Tx},
    http::{ApiError, ApiResult, address, request},
};

/// What came of a code.
enum Redeemed<T> {
    /// This.
    Tokens(T),
    /// Nothing: it does not count, or not with what was sent beside.
    Refused,
    /// There never was such a code.
    Unknown,
}

/// Gives tokens for a code. One answer for unknown, used and expired ones, and for another verifier or address.
pub async fn redeem(app: &Arc<App>, request: &HttpRequest, form: TokenRequest) -> ApiResult<HttpResponse> {
    let (Some(code), Some(verifier), Some(redirect_uri)) = (form.code, form.code_verifier, form.redirect_uri)
    else {
        return Ok(refuse(
            "invalid_request",
            "Send code, code_verifier and redirect_uri.",
        ));
    };
    let attempt = Attempt::with("code", address::of(request));
    let acting = Acting::system(request::current_id().unwrap_or_default());
    let origin = origin(request);
    let redeemed = app
        .on_database(move |app, conn| {
            if let Some(refusal) = attempt.refusal(app, conn)? {
                return Ok(Err(Some(refusal)));
            }
            let redeemed = app.write(conn, &acting, |tx| {
                Ok(match take(tx, &code, &verifier, &redirect_uri, &origin)? {
                    Redeemed::Tokens(opened) => Redeemed::Tokens(response(tx, opened)?),
                    Redeemed::Refused => Redeemed::Refused,
                    Redeemed::Unknown => Redeemed::Unknown,
                })
            })?;
            Ok(match redeemed {
                Redeemed::Tokens(tokens) => Ok(tokens),
                Redeemed::Refused => Err(None),
                Redeemed::Unknown => Err(attempt.failed(app, conn)?),
            })
        })
        .await?;
    Ok(match redeemed {
        Ok(tokens) => answer(tokens),
        Err(Some(refusal)) => too_many(refusal),
        Err(None) => refuse(
            "invalid_grant",
            "The code was used, has expired, or is not for this code_verifier and redirect_uri; sign in again.",
        ),
    })
}

fn take(
    tx: &mut Tx,
    code: &str,
    verifier: &str,
    redirect_uri: &str,
    origin: &Origin,
) -> ApiResult<Redeemed<Opened>> {
    let Some(grant) = flows::lock_grant(tx.conn, &hash_secret(code))? else {
        return Ok(Redeemed::Unknown);
    };
    if grant.redeemed_at.is_some() {
        // Two have it: what the first got ends (RFC 6749, section 4.1.2).
        if let Some(session) = grant.session_id {
            end::one(tx, session, SessionEndReason::Replayed)?;
        }
        return Ok(Redeemed::Refused);
    }
    let opened = open(tx, &grant, (verifier, redirect_uri), origin)?;
    let session = opened.as_ref().map(|(session, _)| session.id);
    flows::mark_redeemed(tx.conn, &grant, session, tx.now)?;
    Ok(opened.map_or(Redeemed::Refused, Redeemed::Tokens))
}

/// Begins the session, if all is as it should be.
fn open(
    tx: &mut Tx,
    grant: &Grant,
    (verifier, redirect_uri): (&str, &str),
    origin: &Origin,
) -> ApiResult<Option<Opened>> {
    let fits = grant.expires_at > tx.now
        && grant.redirect_uri == redirect_uri
        && grant.code_challenge == flows::challenge(verifier);
    let user = grant.user_id;
    if !fits || !is_active(tx.conn, user)? || !flows::is_provider_enabled(tx.conn, grant)? {
        return Ok(None);
    }
    let session = serde_json::from_value(grant.provider_session.clone());
    let origin = Origin {
        provider: Some(session.map_err(ApiError::internal)?),
        ..origin.clone()
    };
    refresh::begin(tx, user, &origin).map(Some)
}
