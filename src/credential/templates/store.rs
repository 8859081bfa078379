//! The statements of certificate templates.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, SelectableHelper};
use uuid::Uuid;

use super::model::{CertificateTemplate, CreateCertificateTemplate};
use crate::{
    app::{Tx, refuse_taken},
    authz::{Authorized, Protected},
    credential::{
        events::{TEMPLATE_CREATED, TEMPLATE_UPDATED},
        pdf::Template,
    },
    db::schema::certificate_templates as templates,
    filter::{Attribute, Kind, Schema},
    http::{ApiError, ApiResult, ListQuery, Listing, Page, Sort, list::SortKind},
    ledger::Event,
    text::fold,
};

const LISTING: Listing = Listing {
    id: "certificate_templates.id",
    sorts: &[Sort {
        name: "created_at",
        column: "certificate_templates.created_at",
        kind: SortKind::Instant,
    }],
};

static TEMPLATES: Schema = Schema::new(&[
    Attribute::scalar("code", Kind::Folded, "certificate_templates.code", "Its code."),
    Attribute::scalar("name", Kind::String, "certificate_templates.name", "Its name."),
    Attribute::scalar(
        "is_default",
        Kind::Bool,
        "certificate_templates.is_default",
        "Whether new certificates look like this.",
    ),
    Attribute::scalar(
        "archived_at",
        Kind::Instant,
        "certificate_templates.archived_at",
        "When it was archived.",
    ),
]);

/// A page of the templates.
pub fn list(tx: &mut Tx, query: &ListQuery) -> ApiResult<Page<CertificateTemplate>> {
    let scope = tx.scope(CertificateTemplate::READ)?;
    let (page, filter) = query.page(&LISTING, &TEMPLATES, &tx.filter_clock())?;
    let rows = templates::table
        .select((CertificateTemplate::as_select(), page.key()))
        .filter(page.rows([CertificateTemplate::covered(&scope), filter]))
        .order(page.order())
        .limit(page.limit())
        .load(tx.conn)?;
    Ok(page.page(rows, |template| template.id))
}

/// The template of new certificates.
pub fn default(tx: &mut Tx) -> ApiResult<CertificateTemplate> {
    Ok(templates::table
        .filter(templates::is_default)
        .filter(templates::archived_at.is_null())
        .select(CertificateTemplate::as_select())
        .first(tx.conn)?)
}

/// Adds the built-in template to an academy that has no default yet.
pub fn ensure(tx: &mut Tx) -> ApiResult<()> {
    let built_in = CreateCertificateTemplate {
        code: "default".into(),
        name: "Certificate of completion".into(),
        layout: Template::default(),
        is_default: true,
    };
    let added = diesel::insert_into(templates::table)
        .values(row(tx, Uuid::now_v7(), &built_in)?)
        .on_conflict_do_nothing()
        .returning(CertificateTemplate::as_returning())
        .get_results(tx.conn)?;
    for template in added {
        tx.record(created(&template));
    }
    Ok(())
}

/// The event of a new template.
pub fn created(template: &CertificateTemplate) -> Event {
    Event::new(&TEMPLATE_CREATED, template.id).after(template)
}

/// Adds a template.
pub fn insert(tx: &mut Tx, id: Uuid, new: &CreateCertificateTemplate) -> ApiResult<CertificateTemplate> {
    Ok(diesel::insert_into(templates::table)
        .values(row(tx, id, new)?)
        .returning(CertificateTemplate::as_returning())
        .get_result(tx.conn)?)
}

/// Refuses a code that another template has.
pub fn refuse_taken_code(tx: &mut Tx, code: Option<&str>, own: Uuid) -> ApiResult<()> {
    refuse_taken(tx, "certificate_templates", "code_folded", code, Some(own))
}

/// Changes a template to `new`.
pub fn update(
    tx: &mut Tx,
    template: &Authorized<CertificateTemplate>,
    new: &CreateCertificateTemplate,
) -> ApiResult<CertificateTemplate> {
    Ok(diesel::update(templates::table.find(template.id))
        .set((
            templates::code.eq(&new.code),
            templates::code_folded.eq(fold(&new.code)),
            templates::name.eq(&new.name),
            templates::layout.eq(layout(new)?),
            templates::is_default.eq(new.is_default),
            templates::version.eq(templates::version + 1),
            templates::updated_at.eq(tx.now),
        ))
        .returning(CertificateTemplate::as_returning())
        .get_result(tx.conn)?)
}

/// Takes a template out of use.
pub fn archive(tx: &mut Tx, template: &Authorized<CertificateTemplate>) -> ApiResult<CertificateTemplate> {
    Ok(diesel::update(templates::table.find(template.id))
        .set((
            templates::archived_at.eq(tx.now),
            templates::version.eq(templates::version + 1),
            templates::updated_at.eq(tx.now),
        ))
        .returning(CertificateTemplate::as_returning())
        .get_result(tx.conn)?)
}

/// Makes room for another default: the present one stays in use, but is no longer the default.
pub fn yield_default(tx: &mut Tx) -> ApiResult<()> {
    let yielded = diesel::update(templates::table.filter(templates::is_default))
        .set((
            templates::is_default.eq(false),
            templates::version.eq(templates::version + 1),
            templates::updated_at.eq(tx.now),
        ))
        .returning(CertificateTemplate::as_returning())
        .get_results(tx.conn)?;
    for after in yielded {
        let before = CertificateTemplate {
            is_default: true,
            version: after.version - 1,
            ..after.clone()
        };
        tx.record(
            Event::new(&TEMPLATE_UPDATED, after.id)
                .before(&before)
                .after(&after),
        );
    }
    Ok(())
}

fn layout(new: &CreateCertificateTemplate) -> ApiResult<serde_json::Value> {
    serde_json::to_value(&new.layout).map_err(ApiError::internal)
}

type NewRow = (
    diesel::dsl::Eq<templates::id, Uuid>,
    diesel::dsl::Eq<templates::code, String>,
    diesel::dsl::Eq<templates::code_folded, String>,
    diesel::dsl::Eq<templates::name, String>,
    diesel::dsl::Eq<templates::layout, serde_json::Value>,
    diesel::dsl::Eq<templates::is_default, bool>,
    diesel::dsl::Eq<templates::created_at, chrono::DateTime<chrono::Utc>>,
    diesel::dsl::Eq<templates::updated_at, chrono::DateTime<chrono::Utc>>,
);

fn row(tx: &Tx, id: Uuid, new: &CreateCertificateTemplate) -> ApiResult<NewRow> {
    Ok((
        templates::id.eq(id),
        templates::code.eq(new.code.clone()),
        templates::code_folded.eq(fold(&new.code)),
        templates::name.eq(new.name.clone()),
        templates::layout.eq(layout(new)?),
        templates::is_default.eq(new.is_default),
        templates::created_at.eq(tx.now),
        templates::updated_at.eq(tx.now),
    ))
}
