//! The events of this domain.

use super::{
    certificates::model::{Certificate, MissingGlyphs},
    templates::model::CertificateTemplate,
};
use crate::ledger::EventKind;

pub const CERTIFICATE_ISSUED: EventKind =
    EventKind::new("certificate.issued", "certificate", "The certificate was issued.").after::<Certificate>();
pub const CERTIFICATE_SUPERSEDED: EventKind = EventKind::new(
    "certificate.superseded",
    "certificate",
    "Another certificate was issued in place of this one.",
)
.after::<Certificate>();
pub const CERTIFICATE_REVOKED: EventKind = EventKind::new(
    "certificate.revoked",
    "certificate",
    "The certificate was revoked.",
)
.changes::<Certificate>();
pub const GLYPHS_MISSING: EventKind = EventKind::new(
    "certificate.glyphs_missing",
    "certificate",
    "No font has some characters of the certificate; `reason` says what to do.",
)
.after::<MissingGlyphs>();
pub const TEMPLATE_CREATED: EventKind = EventKind::new(
    "certificate_template.created",
    "certificate_template",
    "The certificate template was created.",
)
.after::<CertificateTemplate>();
pub const TEMPLATE_UPDATED: EventKind = EventKind::new(
    "certificate_template.updated",
    "certificate_template",
    "The certificate template was updated, or is no longer the default.",
)
.changes::<CertificateTemplate>();
pub const TEMPLATE_ARCHIVED: EventKind = EventKind::new(
    "certificate_template.archived",
    "certificate_template",
    "The certificate template was archived.",
)
.changes::<CertificateTemplate>();

/// All of them.
pub const KINDS: &[EventKind] = &[
    CERTIFICATE_ISSUED,
    CERTIFICATE_SUPERSEDED,
    CERTIFICATE_REVOKED,
    GLYPHS_MISSING,
    TEMPLATE_CREATED,
    TEMPLATE_UPDATED,
    TEMPLATE_ARCHIVED,
];
