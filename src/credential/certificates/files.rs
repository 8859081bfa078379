//! From what a certificate shows to its PDF. Setting one takes a core for some milliseconds: never in a
//! transaction, never on a thread that answers requests.

use std::path::PathBuf;

use actix_web::{HttpResponse, web};
use chrono::{DateTime, Utc};
use serde_json::Value;
use utoipa::ToSchema;

use super::model::{CertificateRow, CertificateShown};
use crate::{
    config::Config,
    credential::pdf::{self, CertificateDocument, Rendered, Template},
    http::{ApiError, ApiResult},
};

/// A PDF file.
#[derive(Debug, Clone, ToSchema)]
#[schema(value_type = String, format = Binary)]
pub struct Pdf(pub Vec<u8>);

/// A certificate that is not set yet.
#[derive(Debug, Clone)]
pub struct Unset {
    /// Its serial.
    pub serial: String,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// The content, frozen at issue.
    pub shown: CertificateShown,
    /// How it looks.
    pub layout: Value,
    /// Where further fonts are.
    pub font_dir: Option<PathBuf>,
}

impl Unset {
    /// What `row` froze when it was issued.
    pub fn of(row: &CertificateRow, config: &Config) -> ApiResult<Self> {
        Ok(Unset {
            serial: row.serial.clone(),
            issued_at: row.issued_at,
            shown: row.shown()?,
            layout: row.layout.clone(),
            font_dir: config.font_dir.clone(),
        })
    }

    /// The PDF: the same for the same certificate and fonts.
    pub fn set(&self) -> ApiResult<Rendered> {
        let template: Template = serde_json::from_value(self.layout.clone()).map_err(ApiError::internal)?;
        let document = CertificateDocument {
            name: &self.shown.name,
            course: &self.shown.course,
            completed_on: self.shown.completed_on,
            valid_until: self.shown.valid_until,
            serial: &self.serial,
            verification_url: &self.shown.verification_url,
            issuer: &self.shown.issuer,
            issued_at: self.issued_at,
            template: &template,
            font_dir: self.font_dir.as_deref(),
        };
        pdf::render(&document).map_err(ApiError::internal)
    }
}

/// Sets a certificate on a thread that may be busy.
pub async fn set_elsewhere(certificate: Unset) -> ApiResult<Pdf> {
    web::block(move || certificate.set().map(|rendered| Pdf(rendered.pdf)))
        .await
        .map_err(ApiError::internal)?
}

/// The public address that verifies a serial.
pub fn verification_url(config: &Config, serial: &str) -> String {
    format!("{}/verify/{serial}", config.public_url())
}

/// A PDF to be saved as `certificate-{name}.pdf`.
pub fn response(name: &str, pdf: Pdf) -> HttpResponse {
    let disposition = format!("attachment; filename=\"certificate-{name}.pdf\"");
    HttpResponse::Ok()
        .content_type("application/pdf")
        .insert_header(("Content-Disposition", disposition))
        .insert_header(("Cache-Control", "private, no-cache"))
        .body(pdf.0)
}
