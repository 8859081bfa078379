//! `/verify/{serial}`.

use actix_web::{
    HttpRequest, HttpResponse, get,
    http::StatusCode,
    web::{Data, Path},
};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{model::Verification, page};
use crate::{
    app::{Acting, App},
    credential::{certificates::store, serial},
    http::{ApiError, ApiResult, Problem, accept},
};

/// The routes that need no token.
pub fn configure_public(config: &mut ServiceConfig) {
    config.service(verify_certificate);
}

/// Verify a certificate.
///
/// Shows the certificate with this serial and its status today. Browsers (`Accept` prefers `text/html`) get a page,
/// other clients JSON. Case and dashes of the serial do not matter.
#[utoipa::path(tag = "verification", params(("serial" = String, Path, example = "4TQ8Z-1V7NC-KM2YD-0XWPA-95HRGB")),
    responses(
        (status = 200, description = "The certificate.",
            content((Verification = "application/json"), (String = "text/html"))),
        (status = 404, description = "No certificate has this serial.",
            content((Problem = "application/problem+json"), (String = "text/html")))))]
#[get("/verify/{serial}")]
async fn verify_certificate(
    app: Data<App>,
    request: HttpRequest,
    serial: Path<String>,
) -> ApiResult<HttpResponse> {
    let found = match serial::canonical(&serial) {
        Some(serial) => find(app, serial).await?,
        None => None,
    };
    // People's browsers ask for HTML by name; generated clients take whatever comes.
    let wants_json = accept::preferred(&request, &["application/json", "text/html"]) != Some("text/html");
    match found {
        Some(verification) if wants_json => Ok(headers(StatusCode::OK).json(verification)),
        Some(verification) => Ok(html(StatusCode::OK, page::certificate(&verification))),
        None if wants_json => Err(ApiError::not_found("certificate")),
        None => Ok(html(StatusCode::NOT_FOUND, page::unknown())),
    }
}

async fn find(app: Data<App>, serial: String) -> ApiResult<Option<Verification>> {
    app.into_inner()
        .on_database(move |app, conn| {
            app.read(conn, &Acting::system("verification"), |tx| {
                store::of_serial(tx, &serial)?
                    .map(|certificate| Verification::of(tx, &certificate))
                    .transpose()
            })
        })
        .await
}

fn headers(status: StatusCode) -> actix_web::HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header(("Vary", "Accept"))
        .insert_header(("Cache-Control", "no-cache"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .insert_header(("Referrer-Policy", "no-referrer"));
    response
}

fn html(status: StatusCode, page: String) -> HttpResponse {
    headers(status)
        .insert_header(("Content-Security-Policy", page::content_security_policy()))
        .content_type("text/html; charset=utf-8")
        .body(page)
}
