//! `/oauth/authorize` (RFC 6749, section 4.1.1, with PKCE as RFC 9700 demands): sends a browser to the provider.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    cookie::{Cookie, SameSite, time},
    get,
    http::header::LOCATION,
    web::{self, Data},
};
use serde::Deserialize;
use url::Url;
use utoipa::IntoParams;

use super::{
    cache,
    documents::{self, NamedBy},
    flows::{self, FLOW_LIFETIME, Flow},
    providers::{
        model::{OfferedProviders, ProviderRow},
        store,
    },
};
use crate::{
    access::{keys, sign_in::form::description_of},
    app::App,
    http::{ApiError, ApiResult},
};

/// The cookie by which a browser that comes back from the provider is known to be the one that went.
pub const COOKIE: &str = "provost_sign_in";
/// Where providers send browsers back to.
pub const CALLBACK: &str = "/oauth/callback";

/// What a front end asks for. Parameters beside these are ignored (RFC 6749, section 3.1).
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuthorizationRequest {
    /// Always `code`.
    #[param(example = "code")]
    pub response_type: Option<String>,
    /// The provider's code; needed where there are several.
    #[param(example = "corp")]
    pub provider: Option<String>,
    /// Where the browser shall come back to: one of the provider's `redirect_uris`, letter by letter.
    pub redirect_uri: Option<String>,
    /// The SHA-256 of the `code_verifier`, in base64url (RFC 7636).
    #[param(example = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM")]
    pub code_challenge: Option<String>,
    /// Always `S256`.
    #[param(example = "S256")]
    pub code_challenge_method: Option<String>,
    /// Comes back as it is; at most 1,000 bytes.
    pub state: Option<String>,
    /// Who it may be: handed on to the provider.
    pub login_hint: Option<String>,
    /// `none`, `login`, `consent` or `select_account`: handed on to the provider.
    pub prompt: Option<String>,
    /// The languages of its pages: handed on to the provider.
    pub ui_locales: Option<String>,
}

/// Start sign-in with an identity provider.
///
/// Open this address in a browser. It goes to the provider and comes back to `redirect_uri` with a `code`, good for one
/// minute and one use at `POST /oauth/token`, or with an `error` (RFC 6749, section 4.1.2.1); and with `state` and
/// `iss` (RFC 9207). Errors in `redirect_uri` or `provider` are answered here, as a page for the person at the browser.
#[utoipa::path(tag = "sign-in", operation_id = "begin_sign_in", params(AuthorizationRequest),
    responses((status = 302, description = "To the provider, or back with an error."),
        (status = "default", description = "A page or a problem, for the person at the browser."),
        (status = 503, description = "The provider cannot be reached.", body = crate::http::Problem, content_type = "application/problem+json")))]
#[get("/oauth/authorize")]
pub(super) async fn begin_sign_in(
    app: Data<App>,
    request: HttpRequest,
    asked: Result<web::Query<AuthorizationRequest>, actix_web::Error>,
) -> ApiResult<HttpResponse> {
    let app = app.into_inner();
    let asked = asked
        .map_err(|_| ApiError::parameter("redirect_uri", "cannot be read: send each parameter once"))?
        .into_inner();
    let provider = provider(&app, asked.provider.as_deref()).await?;
    let back = ReturnTarget::checked(&app, &provider, &asked)?;
    if let Err(wrong) = checked(&asked) {
        return Ok(back.refuse("invalid_request", wrong));
    }
    let Some(documents) = documents::of(&app, &provider, NamedBy::Nobody).await? else {
        return Ok(back.refuse(
            "temporarily_unavailable",
            "The provider cannot be reached; try again later.",
        ));
    };
    let browser = match request.cookie(COOKIE).map(|cookie| cookie.value().to_owned()) {
        // One cookie for all tabs.
        Some(known) if known.len() == flows::random()?.len() => known,
        _ => flows::random()?,
    };
    keys::refresh(&app).await?;
    let flow = Flow::begin(
        provider.id,
        back.redirect_uri.clone(),
        back.state.clone(),
        asked.code_challenge.clone().unwrap_or_default(),
        app.clock.now(),
    )?;
    let state = flow.seal(&app, &browser)?;
    let address = authorization_address(
        &documents.metadata.authorization_endpoint,
        &[
            ("response_type", Some("code")),
            ("client_id", Some(&provider.client_id)),
            ("redirect_uri", Some(&callback(&app))),
            ("scope", Some(&provider.scopes.join(" "))),
            ("state", Some(&state)),
            ("nonce", Some(&flow.nonce())),
            ("code_challenge", Some(&flows::challenge(&flow.code_verifier()))),
            ("code_challenge_method", Some("S256")),
            ("login_hint", asked.login_hint.as_deref()),
            ("prompt", asked.prompt.as_deref()),
            ("ui_locales", asked.ui_locales.as_deref()),
        ],
    )?;
    Ok(HttpResponse::Found()
        .insert_header(("Cache-Control", "no-store"))
        .insert_header((LOCATION, address))
        .cookie(cookie(&app, &browser))
        .finish())
}

/// List the identity providers for sign-in.
///
/// For front ends that show a button for each.
#[utoipa::path(tag = "sign-in", responses((status = 200, body = OfferedProviders)))]
#[get("/oauth/providers")]
pub(super) async fn list_offered_providers(app: Data<App>) -> ApiResult<HttpResponse> {
    let data = app
        .into_inner()
        .on_database(|_, conn| Ok(store::offered(conn)?))
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "max-age=60"))
        .json(OfferedProviders { data }))
}

/// The provider that is named, or the only one there is.
async fn provider(app: &Arc<App>, code: Option<&str>) -> ApiResult<Arc<ProviderRow>> {
    let enabled = cache::enabled(app).await?;
    let found = match (code, &enabled[..]) {
        (Some(code), _) => enabled.iter().find(|provider| provider.code == code),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.cloned().ok_or_else(|| {
        let detail = match code {
            Some(_) => "names no provider by which people may sign in; GET /oauth/providers lists them",
            None => "is needed: GET /oauth/providers lists the providers",
        };
        ApiError::parameter("provider", detail)
    })
}

/// What is wrong that the front end is told.
fn checked(asked: &AuthorizationRequest) -> Result<(), &'static str> {
    if asked.response_type.as_deref() != Some("code") {
        return Err("Send response_type=code.");
    }
    if asked.code_challenge_method.as_deref() != Some("S256") {
        return Err("Send code_challenge_method=S256.");
    }
    let is_challenge = |text: &str| {
        text.len() == 43
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if !asked.code_challenge.as_deref().is_some_and(is_challenge) {
        return Err("Send the SHA-256 of the code_verifier, in base64url, as code_challenge.");
    }
    Ok(())
}

/// Where a browser goes back to.
#[derive(Debug, Clone)]
pub(super) struct ReturnTarget {
    pub redirect_uri: String,
    pub state: Option<String>,
    pub issuer: String,
}

impl ReturnTarget {
    /// Only to where the provider's keeper allows: nobody else learns of codes, or is sent browsers.
    fn checked(app: &App, provider: &ProviderRow, asked: &AuthorizationRequest) -> ApiResult<Self> {
        // It travels on within our own, and addresses have limits.
        const LONGEST_STATE: usize = 1_000;
        let redirect_uri = asked
            .redirect_uri
            .clone()
            .filter(|uri| provider.redirect_uris.contains(uri))
            .ok_or_else(|| {
                ApiError::parameter(
                    "redirect_uri",
                    "must be one of the redirect_uris that the identity provider is set up with, letter by letter",
                )
            })?;
        let state = asked.state.clone();
        if state
            .as_ref()
            .is_some_and(|state| state.len() > LONGEST_STATE || state.contains(char::is_control))
        {
            return Err(ApiError::parameter(
                "state",
                format!("must have at most {LONGEST_STATE} bytes and no control characters"),
            ));
        }
        Ok(ReturnTarget {
            redirect_uri,
            state,
            issuer: app.config.public_url(),
        })
    }

    /// Back with these parameters.
    pub fn with(&self, parameters: &[(&str, &str)]) -> HttpResponse {
        let mut all: Vec<(&str, Option<&str>)> = parameters
            .iter()
            .map(|(name, value)| (*name, Some(*value)))
            .collect();
        all.push(("state", self.state.as_deref()));
        all.push(("iss", Some(&self.issuer)));
        let address = match authorization_address(&self.redirect_uri, &all) {
            Ok(address) => address,
            Err(error) => return actix_web::ResponseError::error_response(&error),
        };
        HttpResponse::Found()
            .insert_header(("Cache-Control", "no-store"))
            .insert_header(("Referrer-Policy", "no-referrer"))
            .insert_header((LOCATION, address))
            .finish()
    }

    /// Back with an error (RFC 6749, section 4.1.2.1).
    pub fn refuse(&self, error: &str, description: &str) -> HttpResponse {
        let description = description_of(description);
        self.with(&[("error", error), ("error_description", &description)])
    }
}

/// An address with these parameters after those that it has.
pub(super) fn authorization_address(address: &str, parameters: &[(&str, Option<&str>)]) -> ApiResult<String> {
    let mut url = Url::parse(address).map_err(ApiError::internal)?;
    let given = parameters
        .iter()
        .filter_map(|(name, value)| value.map(|value| (*name, value)));
    url.query_pairs_mut().extend_pairs(given);
    Ok(url.into())
}

/// Where the provider sends the browser back to.
pub(super) fn callback(app: &App) -> String {
    format!("{}{CALLBACK}", app.config.public_url())
}

fn cookie(app: &App, browser: &str) -> Cookie<'static> {
    let public_url = app.config.public_url();
    let path = Url::parse(&public_url).map_or_else(
        |_| CALLBACK.to_owned(),
        |url| format!("{}/oauth", url.path().trim_end_matches('/')),
    );
    Cookie::build(COOKIE, browser.to_owned())
        .path(path)
        .http_only(true)
        .secure(public_url.starts_with("https://"))
        // The provider's answer is a navigation of the top window.
        .same_site(SameSite::Lax)
        .max_age(time::Duration::seconds(FLOW_LIFETIME.num_seconds()))
        .finish()
}
