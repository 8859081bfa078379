//! `/v1/certificate-templates`.

use actix_web::{HttpResponse, get, patch, post, web::Path};
use serde_json::{Value, json};
use utoipa_actix_web::service_config::ServiceConfig;
use uuid::Uuid;

use super::{
    model::{CertificateTemplate, CreateCertificateTemplate, UpdateCertificateTemplate},
    store,
};
use crate::{
    app::{Call, Tx},
    authz::{self, Permission},
    credential::{
        certificates::{files, model::CertificateShown},
        events::{TEMPLATE_ARCHIVED, TEMPLATE_UPDATED},
        serial,
    },
    http::{
        ApiError, ApiResult, Code, Faults, IfMatch, IfNoneMatch, ListQuery, Page, Query, Ref, Reply, Valid,
        body,
    },
    ledger::Event,
};

/// The routes of this resource.
pub fn configure(config: &mut ServiceConfig) {
    config.service(
        utoipa_actix_web::scope("/certificate-templates")
            .service(list_certificate_templates)
            .service(create_certificate_template)
            .service(get_certificate_template)
            .service(update_certificate_template)
            .service(archive_certificate_template)
            .service(preview_certificate_template),
    );
}

/// List certificate templates.
///
/// Filters know `code`, `name`, `is_default` and `archived_at`.
#[utoipa::path(tag = "certificates", params(ListQuery), responses((status = 200, body = Page<CertificateTemplate>)),
    extensions(("x-permission" = json!("certificates.read"))))]
#[get("")]
async fn list_certificate_templates(call: Call, query: Query<ListQuery>) -> ApiResult<Reply> {
    call.read(move |tx| Reply::page(&store::list(tx, &query.0)?))
        .await
}

/// Create a certificate template.
#[utoipa::path(tag = "certificates", request_body = CreateCertificateTemplate,
    responses((status = 201, body = CertificateTemplate)),
    extensions(("x-permission" = json!("certificates.write"))))]
#[post("")]
async fn create_certificate_template(call: Call, body: Valid<CreateCertificateTemplate>) -> ApiResult<Reply> {
    call.write(move |tx| {
        tx.require_everywhere(Permission::CertificatesWrite)?;
        if body.0.is_default {
            store::yield_default(tx)?;
        }
        let template = store::insert(tx, Uuid::now_v7(), &body.0)?;
        tx.record(store::created(&template));
        Reply::created(&template, format!("/v1/certificate-templates/{}", template.id))
    })
    .await
}

/// Get a certificate template.
#[utoipa::path(tag = "certificates", params(("template_id" = uuid::Uuid, Path)),
    responses((status = 200, body = CertificateTemplate)),
    extensions(("x-permission" = json!("certificates.read"))))]
#[get("/{template_id}")]
async fn get_certificate_template(
    call: Call,
    id: Path<Ref<CertificateTemplate>>,
    known: IfNoneMatch,
) -> ApiResult<Reply> {
    call.read(move |tx| Reply::unless_known(&authz::read(tx, &id)?, &known))
        .await
}

/// Update a certificate template.
///
/// Issued certificates keep the layout that they were issued with.
#[utoipa::path(tag = "certificates", params(("template_id" = uuid::Uuid, Path)), request_body = UpdateCertificateTemplate,
    responses((status = 200, body = CertificateTemplate)),
    extensions(("x-permission" = json!("certificates.write"))))]
#[patch("/{template_id}")]
async fn update_certificate_template(
    call: Call,
    id: Path<Ref<CertificateTemplate>>,
    known: IfMatch,
    body: Valid<UpdateCertificateTemplate>,
) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authz::authorize(tx, &id, Permission::CertificatesWrite)?;
        known.check(&*before)?;
        let new = changed(tx, &before, &body.0)?;
        if new.is_default && !before.is_default {
            in_use(&before)?;
            store::yield_default(tx)?;
        }
        let template = store::update(tx, &before, &new)?;
        tx.record(
            Event::new(&TEMPLATE_UPDATED, template.id)
                .before(&*before)
                .after(&template),
        );
        Reply::resource(&template)
    })
    .await
}

/// The template as it will be: checked like a new one.
fn changed(
    tx: &mut Tx,
    template: &CertificateTemplate,
    changes: &UpdateCertificateTemplate,
) -> ApiResult<CreateCertificateTemplate> {
    let mut faults = Faults::default();
    if template.is_default && changes.is_default == Some(false) {
        let detail = "cannot be taken away; make another template the default instead";
        faults.check(Err(ApiError::field("/is_default", detail)))?;
    }
    faults.check(store::refuse_taken_code(tx, changes.code.as_deref(), template.id))?;
    let mut whole = json!({ "code": template.code, "name": template.name,
        "layout": template.layout, "is_default": template.is_default });
    merge(
        &mut whole,
        serde_json::to_value(changes).map_err(ApiError::internal)?,
    );
    faults.last(body::read_value(&mut whole))
}

/// Applies a JSON Merge Patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(changes) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    if let Value::Object(members) = target {
        for (name, change) in changes {
            if change.is_null() {
                members.remove(&name);
            } else {
                merge(members.entry(name).or_insert(Value::Null), change);
            }
        }
    }
}

fn in_use(template: &CertificateTemplate) -> ApiResult<()> {
    match template.archived_at {
        None => Ok(()),
        Some(_) => Err(ApiError::new(
            Code::Conflict,
            "The template is archived; take another, or make a new one.",
        )),
    }
}

/// Archive a certificate template.
///
/// Certificates that were issued with it stay as they are. The default cannot go; make another the default first.
#[utoipa::path(tag = "certificates", params(("template_id" = uuid::Uuid, Path)),
    responses((status = 200, body = CertificateTemplate)),
    extensions(("x-permission" = json!("certificates.write"))))]
#[post("/{template_id}/archival")]
async fn archive_certificate_template(call: Call, id: Path<Ref<CertificateTemplate>>) -> ApiResult<Reply> {
    call.write(move |tx| {
        let before = authz::authorize(tx, &id, Permission::CertificatesWrite)?;
        in_use(&before)?;
        if before.is_default {
            return Err(ApiError::new(
                Code::Conflict,
                "New certificates look like this; make another template the default first.",
            ));
        }
        let template = store::archive(tx, &before)?;
        tx.record(
            Event::new(&TEMPLATE_ARCHIVED, template.id)
                .before(&*before)
                .after(&template),
        );
        Reply::resource(&template)
    })
    .await
}

/// Preview a certificate template.
///
/// A PDF with made-up data, marked as a sample; its serial verifies nothing.
#[utoipa::path(tag = "certificates", params(("template_id" = uuid::Uuid, Path)),
    responses((status = 200, description = "The PDF.", body = inline(files::Pdf), content_type = "application/pdf")),
    extensions(("x-permission" = json!("certificates.read"))))]
#[post("/{template_id}/previews")]
async fn preview_certificate_template(
    call: Call,
    id: Path<Ref<CertificateTemplate>>,
) -> ApiResult<HttpResponse> {
    let set = call
        .read(move |tx| {
            let template = authz::read(tx, &id)?;
            let today = tx.today();
            let serial = serial::SAMPLE;
            let shown = CertificateShown {
                name: "Ana Maria Silva (sample)".into(),
                course: "Fire Safety for Everybody".into(),
                completed_on: today,
                valid_until: today.checked_add_months(chrono::Months::new(24)),
                issuer: tx.app.config.academy_name.clone(),
                verification_url: files::verification_url(&tx.app.config, serial),
            };
            Ok(files::Unset {
                serial: serial.into(),
                issued_at: tx.now,
                shown,
                layout: template.layout,
                font_dir: tx.app.config.font_dir.clone(),
            })
        })
        .await?;
    let pdf = files::set_elsewhere(set).await?;
    Ok(files::response("sample", pdf))
}
