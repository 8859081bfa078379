//! `/oauth/callback`: the browser comes back from the provider, and goes on to the front end.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse, get,
    web::{self, Data},
};
use chrono::{DateTime, Utc};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::{
    authorize::{COOKIE, ReturnTarget, callback},
    cache,
    documents::{self, Metadata, NamedBy},
    fetch::{self, ClientProof},
    flows::{self, Flow},
    people::{self, ProviderSignIn, Refusal},
    providers::model::ProviderRow,
    tokens::{self, Claims, Use},
};
use crate::{
    access::{keys, sign_in::hash_secret},
    app::App,
    http::{ApiError, ApiResult, Code},
};

/// What the provider sends back (RFC 6749, sections 4.1.2 and 4.1.2.1; RFC 9207).
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuthorizationAnswer {
    /// Which sign-in this is.
    pub state: Option<String>,
    /// What the provider gives tokens for.
    pub code: Option<String>,
    /// Why it does not.
    pub error: Option<String>,
    /// The same, for people.
    pub error_description: Option<String>,
    /// Who the provider is.
    pub iss: Option<String>,
}

/// What front ends begin with, so that those who look for leaked secrets find them.
const PREFIX: &str = "pva_";

/// Finish sign-in with an identity provider.
///
/// Providers send browsers here; no client calls it. The browser goes on to the front end.
#[utoipa::path(tag = "sign-in", operation_id = "return_from_provider", params(AuthorizationAnswer),
    responses((status = 302, description = "To the front end, with a code or an error."),
        (status = "default", description = "A page or a problem, for the person at the browser.")))]
#[get("/oauth/callback")]
pub(super) async fn return_from_provider(
    app: Data<App>,
    request: HttpRequest,
    answer: Result<web::Query<AuthorizationAnswer>, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let answer = answer.map_err(|_| unknown_flow())?.into_inner();
    let returned_at = app.clock.now();
    let flow = flow(&app, &request, &answer).await?;
    let back = ReturnTarget {
        redirect_uri: flow.redirect_uri.clone(),
        state: flow.client_state.clone(),
        issuer: app.config.public_url(),
    };
    let Some(provider) = cache::by_id(&app, flow.provider_id).await? else {
        return Ok(back.refuse("access_denied", "Nobody signs in by this provider any more."));
    };
    if !provider.redirect_uris.contains(&flow.redirect_uri) {
        return Err(ApiError::new(
            Code::InvalidParameter,
            "The address where this sign-in began is none of the provider's any more.",
        ));
    }
    if let Some(error) = &answer.error {
        // Escaped and cut: the person at the browser controls this text.
        let told: String = answer
            .error_description
            .iter()
            .flat_map(|text| text.chars())
            .take(200)
            .collect();
        let code: String = error.chars().take(50).collect();
        log::info!("identity provider {}: {code:?} {told:?}", provider.code);
        return Ok(back.refuse(forwarded(error), "The provider did not let the person in."));
    }
    Ok(
        match arrive(&app, &provider, (&flow, returned_at), &answer).await? {
            Ok(code) => back.with(&[("code", &code)]),
            Err(Refusal::Unreachable) => back.refuse(
                "temporarily_unavailable",
                "The provider cannot be reached; try again later.",
            ),
            Err(Refusal::Denied(why) | Refusal::Forged(why)) => {
                log::info!("identity provider {}: {why}", provider.code);
                back.refuse("access_denied", &why)
            }
        },
    )
}

/// The sign-in that this is the end of, in the browser where it began.
async fn flow(app: &Arc<App>, request: &HttpRequest, answer: &AuthorizationAnswer) -> ApiResult<Flow> {
    let (Some(state), Some(cookie)) = (&answer.state, request.cookie(COOKIE)) else {
        return Err(unknown_flow());
    };
    keys::refresh(app).await?;
    let flow = Flow::open(app, cookie.value(), state).ok_or_else(unknown_flow)?;
    let asked = flow.clone();
    // Asked here too, so that the provider does not see its code twice.
    let is_finished = app
        .on_database(move |_, conn| Ok(flows::is_finished(conn, &asked)?))
        .await?;
    if is_finished {
        Err(unknown_flow())
    } else {
        Ok(flow)
    }
}

fn unknown_flow() -> ApiError {
    ApiError::new(
        Code::InvalidParameter,
        "This sign-in is not known in this browser, was finished, or took more than ten minutes; begin again.",
    )
}

/// Errors that a front end may act on; others are the provider's own.
fn forwarded(error: &str) -> &str {
    match error {
        "access_denied"
        | "login_required"
        | "consent_required"
        | "interaction_required"
        | "account_selection_required"
        | "temporarily_unavailable" => error,
        _ => "server_error",
    }
}

/// Finds out who it is; answers our code for them.
async fn arrive(
    app: &Arc<App>,
    provider: &Arc<ProviderRow>,
    (flow, returned_at): (&Flow, DateTime<Utc>),
    answer: &AuthorizationAnswer,
) -> ApiResult<Result<String, Refusal>> {
    let Some(documents) = documents::of(app, provider, NamedBy::Nobody).await? else {
        return Ok(Err(Refusal::Unreachable));
    };
    let metadata = &documents.metadata;
    // Against mix-up (RFC 9207, section 2.4).
    let is_other = match &answer.iss {
        Some(issuer) => *issuer != provider.issuer,
        None => metadata.authorization_response_iss_parameter_supported,
    };
    let Some(code) = answer.code.as_deref().filter(|_| !is_other) else {
        let why = "The provider's answer has no code, or is of another provider.";
        return Ok(Err(Refusal::Denied(why.into())));
    };
    let tokens = match redeem(app, provider, metadata, flow, code).await {
        Ok(tokens) => tokens,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let Some(id_token) = tokens["id_token"].as_str() else {
        return Ok(Err(Refusal::Denied("The provider sent no ID token.".into())));
    };
    let claims = match tokens::read(app, provider, id_token, Use::SignIn(&flow.nonce())).await? {
        Ok(claims) => claims,
        Err(doubt) => return Ok(Err(doubt.into())),
    };
    let claims = match with_userinfo(provider, metadata, claims, &tokens).await {
        Ok(claims) => claims,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let arrival = ProviderSignIn::new(provider, claims, Some(id_token.to_owned()));
    let session = json!(arrival.session);
    let code = format!("{PREFIX}{}", flows::random()?);
    let (code_hash, flow) = (hash_secret(&code), flow.clone());
    let done = people::sign_in(app, provider.clone(), arrival.person, move |tx, user| {
        let flow = (&flow, returned_at);
        if flows::grant(tx.conn, flow, &code_hash, (user, &session), tx.now)? {
            Ok(())
        } else {
            Err(unknown_flow())
        }
    });
    Ok(done.await?.map(|()| code))
}

/// Has the provider give its tokens for its code.
async fn redeem(
    app: &App,
    provider: &ProviderRow,
    metadata: &Metadata,
    flow: &Flow,
    code: &str,
) -> Result<Value, Refusal> {
    let (callback, code_verifier) = (callback(app), flow.code_verifier());
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &callback),
        ("code_verifier", &code_verifier),
    ];
    let methods = metadata.token_endpoint_auth_methods_supported.as_deref();
    // HTTP Basic is what counts where nothing is said.
    let takes_basic = methods.is_none_or(|methods| methods.iter().any(|name| name == "client_secret_basic"));
    let proof = match provider.client_secret.as_deref() {
        Some(secret) if takes_basic => ClientProof::Basic(&provider.client_id, secret),
        Some(secret) => {
            form.extend([
                ("client_id", provider.client_id.as_str()),
                ("client_secret", secret),
            ]);
            ClientProof::InForm
        }
        None => {
            form.push(("client_id", &provider.client_id));
            ClientProof::InForm
        }
    };
    match fetch::post(&metadata.token_endpoint, proof, &form).await {
        Ok((status, tokens)) if status.is_success() => Ok(tokens),
        Ok((status, answer)) if status.is_client_error() => {
            let error = answer["error"].as_str().unwrap_or("no error code");
            log::warn!(
                "identity provider {}: its token endpoint answered {status}, {error}",
                provider.code
            );
            Err(Refusal::Denied("The provider refused its own code.".into()))
        }
        Ok((status, _)) => {
            log::warn!(
                "identity provider {}: its token endpoint answered {status}",
                provider.code
            );
            Err(Refusal::Unreachable)
        }
        Err(failure) => {
            log::warn!("identity provider {}: {failure}", provider.code);
            Err(Refusal::Unreachable)
        }
    }
}

/// The ID token's claims and, where the provider tells more of people at its userinfo endpoint, that (OpenID Connect Core,
/// section 5.3). What the ID token says stands.
async fn with_userinfo(
    provider: &ProviderRow,
    metadata: &Metadata,
    mut claims: Claims,
    tokens: &Value,
) -> Result<Claims, Refusal> {
    let (Some(endpoint), Some(token)) = (&metadata.userinfo_endpoint, tokens["access_token"].as_str()) else {
        return Ok(claims);
    };
    let more = match fetch::get(endpoint, Some(token)).await {
        Ok(more) => more,
        // The token opens something else, as where an API's scope is asked for: what the ID token says is all there is.
        Err(failure) if failure.is_refusal() => {
            log::warn!("identity provider {}: {failure}", provider.code);
            return Ok(claims);
        }
        Err(failure) => {
            log::warn!("identity provider {}: {failure}", provider.code);
            return Err(Refusal::Unreachable);
        }
    };
    // Against one token put in another's place (section 5.3.4).
    if more["sub"].as_str() != claims.subject.as_deref() {
        return Err(Refusal::Denied(
            "The provider's userinfo is of somebody else.".into(),
        ));
    }
    let mut more = more.as_object().cloned().unwrap_or_default();
    // An address and whether it was verified are told by one and the same.
    let told_by = if claims.all.contains_key("email") {
        &mut more
    } else {
        &mut claims.all
    };
    told_by.remove("email_verified");
    for (name, value) in more {
        claims.all.entry(name).or_insert(value);
    }
    Ok(claims)
}
