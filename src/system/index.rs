//! `/`: what this is and where to go on, for people and for machines.

use actix_web::{HttpRequest, HttpResponse, get, http::header, web::Data};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::App, http::accept};

/// The service: its name and where to find the rest.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceDocument {
    /// What it is.
    #[schema(example = "Provost")]
    pub name: &'static str,
    /// Which version of it.
    #[schema(example = "0.1.0")]
    pub version: &'static str,
    /// Whose it is.
    #[schema(example = "Provost Academy")]
    pub academy: String,
    /// Where to go on.
    pub links: ServiceLinks,
}

/// Where to go on.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ServiceLinks {
    /// What the addresses of the API begin with.
    #[schema(example = "https://lms.example.com/v1")]
    pub api: String,
    /// What those of SCIM begin with.
    #[schema(example = "https://lms.example.com/scim/v2")]
    pub scim: String,
    /// The API's document, for generators of clients.
    #[schema(example = "https://lms.example.com/openapi.json")]
    pub openapi: String,
    /// The same for people.
    #[schema(example = "https://lms.example.com/docs/")]
    pub docs: String,
    /// How clients get tokens (RFC 8414).
    #[schema(example = "https://lms.example.com/.well-known/oauth-authorization-server")]
    pub authorization: String,
    /// Whether it can do its work; null where that is told on another address.
    #[schema(example = "https://lms.example.com/readyz")]
    pub health: Option<String>,
}

const HTML: &str = "text/html";
const JSON: &str = "application/json";

/// Get the service document.
///
/// Browsers get a page with the same links.
#[utoipa::path(tag = "system", responses((status = 200, description = "The service: its name and where to find the rest.",
    content((ServiceDocument = "application/json"), (String = "text/html")))))]
#[get("/")]
pub(super) async fn get_index(app: Data<App>, request: HttpRequest) -> HttpResponse {
    let mut answer = HttpResponse::Ok();
    answer.insert_header((header::VARY, "Accept"));
    if accept::preferred(&request, &[JSON, HTML]) == Some(HTML) {
        return answer.content_type("text/html; charset=utf-8").body(PAGE);
    }
    let address = app.config.public_url();
    let at = |path: &str| format!("{address}{path}");
    answer.json(ServiceDocument {
        name: "Provost",
        version: env!("CARGO_PKG_VERSION"),
        academy: app.config.academy_name.clone(),
        links: ServiceLinks {
            api: at("/v1"),
            scim: at("/scim/v2"),
            openapi: at("/openapi.json"),
            docs: at("/docs/"),
            authorization: at("/.well-known/oauth-authorization-server"),
            health: app.config.metrics_listen.is_none().then(|| at("/readyz")),
        },
    })
}

/// Its links are relative: a proxy may put all of Provost below a path.
const PAGE: &str = concat!(
    r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Provost</title>
<style>body { font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }</style>
<h1>Provost</h1>
<p>This is the API of a learning management system, version "#,
    env!("CARGO_PKG_VERSION"),
    r#". It has no pages for learners; those are in the front end that your academy uses.</p>
<ul>
<li><a href="docs/">Documentation of the API</a>
<li><a href="openapi.json">OpenAPI document</a>, for generators of clients
</ul>
</html>
"#
);
