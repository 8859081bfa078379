//! The events of this domain.

use super::{
    certificates::model::{Certificate, MissingGlyphs},
    templates::model::CertificateTemplate,
};
use crate::event_kinds;

event_kinds! {
    /// The certificate was issued.
    CERTIFICATE_ISSUED = "certificate.issued" of "certificate", after: Certificate;
    /// Another certificate was issued in place of this one.
    CERTIFICATE_SUPERSEDED = "certificate.superseded" of "certificate", changes: Certificate;
    /// The certificate was revoked.
    CERTIFICATE_REVOKED = "certificate.revoked" of "certificate", changes: Certificate;
    /// The last day of the certificate passed, in the time zone of its user.
    CERTIFICATE_EXPIRED = "certificate.expired" of "certificate", after: Certificate;
    /// No font has some characters of the certificate; `reason` says what to do.
    GLYPHS_MISSING = "certificate.glyphs_missing" of "certificate", after: MissingGlyphs;
    /// The certificate template was created.
    TEMPLATE_CREATED = "certificate_template.created" of "certificate_template", after: CertificateTemplate;
    /// The certificate template was updated, or is no longer the default.
    TEMPLATE_UPDATED = "certificate_template.updated" of "certificate_template", changes: CertificateTemplate;
    /// The certificate template was archived.
    TEMPLATE_ARCHIVED = "certificate_template.archived" of "certificate_template", changes: CertificateTemplate;
}
