//! The headers of what is answered on the content origin.

use actix_web::{HttpRequest, HttpResponseBuilder, http::header};

use crate::{
    app::App,
    http::{ApiError, ApiResult, Code},
    learning::live::LiveLaunch,
};

/// Who wrote what is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// We did: scripts of ours run, and nothing else.
    Ours,
    /// We did, around a package: it runs in the same sandbox.
    Player,
    /// Somebody who uploaded it.
    Uploaded,
    /// A document that browsers show by a viewer of their own, which needs to be outside of sandboxes.
    Viewed,
}

const SANDBOX: &str =
    "sandbox allow-scripts allow-same-origin allow-forms allow-modals allow-popups allow-downloads";

/// Our own pages load nothing from elsewhere but what pages of the library name: images and media.
const OURS: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; \
    img-src 'self' https: data:; media-src 'self' https:; base-uri 'none'; form-action 'none'";

/// An answer with the headers that all answers have.
pub fn headed(app: &App, mut answer: HttpResponseBuilder, kind: Kind) -> HttpResponseBuilder {
    let ancestors = ancestors(app);
    let policy = match kind {
        Kind::Ours => format!("{OURS}; {ancestors}"),
        Kind::Player | Kind::Uploaded => format!("{SANDBOX}; {ancestors}"),
        Kind::Viewed => ancestors,
    };
    answer
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("Cross-Origin-Resource-Policy", "same-origin"));
    answer
}

/// Who may put it into a frame: the front ends whose origins are settings.
fn ancestors(app: &App) -> String {
    let origins = app.config.cors_origins.iter().filter(|origin| !origin.is_empty());
    origins.fold("frame-ancestors 'self'".to_owned(), |list, origin| {
        format!("{list} {origin}")
    })
}

/// Nothing that was uploaded may become a service worker, which would outlive its launch.
pub fn refuse_workers(request: &HttpRequest) -> ApiResult<()> {
    match request.headers().contains_key("service-worker") {
        true => Err(ApiError::new(
            Code::Forbidden,
            "Service workers are not served from here.",
        )),
        false => Ok(()),
    }
}

/// Where each version of a content has an origin of its own, nothing of it comes from another: a package must not reach what another
/// one keeps in the browser. Proxies must leave `Host` as it is; what else they may write, anybody may.
pub fn refuse_other_origins(app: &App, launch: &LiveLaunch, request: &HttpRequest) -> ApiResult<()> {
    if !app.config.has_origin_per_content() {
        return Ok(());
    }
    let url = app.config.content_url_of(launch.content.id);
    let own = url.split("://").nth(1).and_then(|rest| rest.split('/').next());
    let asked = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let asked = asked.or(request.uri().authority().map(|authority| authority.as_str()));
    match own
        .zip(asked)
        .is_some_and(|(own, asked)| own.eq_ignore_ascii_case(asked))
    {
        true => Ok(()),
        false => Err(ApiError::not_found("file")),
    }
}
