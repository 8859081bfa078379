//! `/v1/certificates`.

use actix_web::{HttpResponse, get, post, web::Path};
use utoipa_actix_web::service_config::ServiceConfig;

use super::{
    files::{self, Pdf, Unset},
    issue,
    model::{Certificate, CertificateRow, CertificateState, ReissueCertificate, RevokeCertificate},
    store,
};
use crate::{
    app::Call,
    authz::{self, Permission},
    enrollment::EXPANSIONS,
    http::{ApiResult, IfNoneMatch, Page, Query, Ref, Reply, Valid},
    resource::{
        list::{ReadQuery, ResourceQuery},
        routes::{list_with, show},
    },
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/certificates")
            .service(list_certificates)
            .service(get_certificate)
            .service(get_certificate_file)
            .service(revoke_certificate)
            .service(reissue_certificate),
    );
}

/// List certificates.
///
/// Those of people and courses in the caller's scope. Filters know `id`, `user_id`, `course_id`, `completion_id`,
/// `serial`, `state`, `issued_at`, `valid_until`, `revoked_at`, `superseded_by` and `created_at`.
#[utoipa::path(tag = "certificates", params(ResourceQuery), responses((status = 200, body = Page<Certificate>)),
    extensions(("x-permission" = json!("certificates.read"))))]
#[get("")]
async fn list_certificates(call: Call, query: Query<ResourceQuery>) -> ApiResult<Reply> {
    list_with(call, query.0, EXPANSIONS, |tx, query| {
        store::list(tx, &query.list())
    })
    .await
}

/// Get a certificate.
#[utoipa::path(tag = "certificates", params(("certificate_id" = uuid::Uuid, Path), ReadQuery),
    responses((status = 200, body = Certificate)), extensions(("x-permission" = json!("certificates.read"))))]
#[get("/{certificate_id}")]
async fn get_certificate(
    call: Call,
    id: Path<Ref<CertificateRow>>,
    query: Query<ReadQuery>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| {
        let certificate = authz::read(tx, &id)?.on(tx.today())?;
        show(tx, certificate, &known, query.0.expand.as_deref(), EXPANSIONS)
    })
    .await
}

/// Download a certificate.
///
/// A PDF of one page, tagged (PDF/UA-1) and archivable (PDF/A-2a). It says what was true when it was issued; the
/// address on it says whether it still holds.
#[utoipa::path(tag = "certificates", params(("certificate_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The PDF.", body = inline(Pdf), content_type = "application/pdf")),
    extensions(("x-permission" = json!("certificates.read"))))]
#[get("/{certificate_id}/file")]
async fn get_certificate_file(call: Call, id: Path<Ref<CertificateRow>>) -> ApiResult<HttpResponse> {
    let (serial, file) = call
        .read(move |tx| {
            let certificate = authz::read(tx, &id)?;
            match store::file(tx, &certificate)? {
                Some(pdf) => Ok((certificate.serial, Ok(Pdf(pdf)))),
                // Issued a moment ago: the job will set the very same.
                None => {
                    let unset = Unset::of(&certificate, &tx.app.config)?;
                    Ok((certificate.serial, Err(unset)))
                }
            }
        })
        .await?;
    let pdf = match file {
        Ok(pdf) => pdf,
        Err(unset) => files::set_elsewhere(unset).await?,
    };
    Ok(files::response(&serial, pdf))
}

/// Revoke a certificate.
///
/// It still verifies, as revoked.
#[utoipa::path(tag = "certificates", params(("certificate_id" = uuid::Uuid, Path)), request_body = RevokeCertificate,
    responses((status = 200, body = Certificate)), extensions(("x-permission" = json!("certificates.write"))))]
#[post("/{certificate_id}/revocation")]
async fn revoke_certificate(
    call: Call,
    id: Path<Ref<CertificateRow>>,
    body: Valid<RevokeCertificate>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let certificate = authz::authorize(tx, &id, Permission::CertificatesWrite)?;
        if certificate.state != CertificateState::Issued {
            return Err(issue::not_issued("It was revoked or superseded already."));
        }
        Reply::resource(&issue::revoke(tx, certificate.into_inner(), &body.0.reason)?)
    })
    .await
}

/// Reissue a certificate.
///
/// From the same completion with the person's present name and the present default template, under another
/// serial. One that is in force verifies as superseded from then on; a revoked one stays revoked.
#[utoipa::path(tag = "certificates", params(("certificate_id" = uuid::Uuid, Path)), request_body = ReissueCertificate,
    responses((status = 201, body = Certificate)), extensions(("x-permission" = json!("certificates.write"))))]
#[post("/{certificate_id}/reissues")]
async fn reissue_certificate(
    call: Call,
    id: Path<Ref<CertificateRow>>,
    body: Valid<ReissueCertificate>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let old = authz::authorize(tx, &id, Permission::CertificatesWrite)?;
        let certificate = issue::reissue(tx, &old, body.0.reason.clone())?.on(tx.today())?;
        Reply::created(&certificate, format!("/v1/certificates/{}", certificate.id))
    })
    .await
}
