//! The types of `/v1/certificate-templates`.

use chrono::{DateTime, Utc};
use diesel::{Queryable, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::{Validate, ValidationError};

use crate::{
    credential::pdf::Template,
    db::schema::certificate_templates,
    http::{FieldError, Versioned, rules::complaints},
    protected,
};

/// A certificate template: the layout of certificates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Queryable, Selectable, ToSchema)]
#[diesel(table_name = certificate_templates)]
pub struct CertificateTemplate {
    /// Our id.
    pub id: Uuid,
    /// A short, unique name for programs.
    #[schema(example = "default")]
    pub code: String,
    /// Its name.
    #[schema(example = "Certificate of completion")]
    pub name: String,
    /// The layout.
    #[schema(value_type = Template)]
    pub layout: Value,
    /// Whether new certificates use this template; exactly one template is the default.
    pub is_default: bool,
    /// Counts up with every change; the ETag.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
    /// When it was archived.
    pub archived_at: Option<DateTime<Utc>>,
}

impl Versioned for CertificateTemplate {
    fn version(&self) -> i64 {
        self.version
    }
}

protected!(CertificateTemplate in certificate_templates, name: "certificate template", external: None,
    read: CertificatesRead, covered: |scope| scope.global());

/// A certificate template to create.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct CreateCertificateTemplate {
    /// A short, unique name for programs.
    #[schema(min_length = 1, max_length = 100, pattern = r"^\S+$", example = "default")]
    pub code: String,
    /// Its name.
    #[schema(min_length = 1, max_length = 200, example = "Certificate of completion")]
    pub name: String,
    /// The layout; parts that are left out are as in the built-in template.
    #[serde(default)]
    #[schema(required = false)]
    #[validate(custom(function = is_printable))]
    pub layout: Template,
    /// Whether new certificates use this template, in place of the present default.
    #[serde(default)]
    #[schema(default = false)]
    pub is_default: bool,
}

/// Changes to a template: a field that is absent stays. Issued certificates keep the layout that they were
/// issued with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct UpdateCertificateTemplate {
    /// A short, unique name for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 100, pattern = r"^\S+$", nullable = false)]
    pub code: Option<String>,
    /// Its name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 200, nullable = false)]
    pub name: Option<String>,
    /// The parts of the layout that change (RFC 7396); null puts a part back to the built-in template's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Object, required = false, nullable = false)]
    pub layout: Option<Value>,
    /// `true` makes it the default. To take that from a template, make another the default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_default: Option<bool>,
}

/// A rule for bodies: the layout can be printed.
fn is_printable(layout: &Template) -> Result<(), ValidationError> {
    let faults = layout.check().err().unwrap_or_default().into_iter();
    complaints(faults.map(|fault| FieldError::new(pointer(&fault.field), fault.problem.to_string())))
}

/// `lines[2].text` as a JSON Pointer into the body.
fn pointer(field: &str) -> String {
    format!("/layout/{}", field.replace(['.', '['], "/").replace(']', ""))
}
