//! The types of `/v1/certificates`.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::{Insertable, Queryable, QueryableByName, Selectable};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;
use validator::Validate;

use crate::{
    db::schema::certificates,
    http::{ApiError, ApiResult, Versioned},
    protected,
    resource::Record,
    text_enum,
};

text_enum! {
    /// The status of a certificate.
    CertificateState {
        /// In force.
        Issued = "issued",
        /// Its validity has ended. Follows from the date; not stored.
        Expired = "expired",
        /// Taken back.
        Revoked = "revoked",
        /// Another one was issued in its place.
        Superseded = "superseded",
    }
}

/// What a certificate shows, frozen when it was issued.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CertificateShown {
    /// The learner's name.
    #[schema(example = "Ana Silva")]
    pub name: String,
    /// The course's title, of the version that was completed.
    #[schema(example = "Fire Safety")]
    pub course: String,
    /// The day of completion, in the learner's time zone.
    pub completed_on: NaiveDate,
    /// The last day of validity; none if it does not expire.
    pub valid_until: Option<NaiveDate>,
    /// The academy.
    #[schema(example = "Northwind Academy")]
    pub issuer: String,
    /// The public address that verifies it.
    pub verification_url: String,
}

/// A certificate as it is stored.
#[derive(Debug, Clone, PartialEq, Insertable, Queryable, QueryableByName, Selectable)]
#[diesel(table_name = certificates)]
pub struct CertificateRow {
    pub id: Uuid,
    pub user_id: Uuid,
    pub course_id: Uuid,
    pub completion_id: Uuid,
    pub serial: String,
    pub state: CertificateState,
    pub shown: Value,
    pub layout: Value,
    pub issued_at: DateTime<Utc>,
    pub issued_on: NaiveDate,
    pub valid_until: Option<NaiveDate>,
    pub revoked_at: Option<DateTime<Utc>>,
    pub revoke_reason: Option<String>,
    pub superseded_by: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

protected!(CertificateRow in certificates, name: "certificate", external: None, read: CertificatesRead,
    covered: |scope| scope.facts("certificates.user_id", "certificates.course_id"));

impl CertificateRow {
    /// The state on the day `today`.
    pub fn state_on(&self, today: NaiveDate) -> CertificateState {
        match (self.state, self.valid_until) {
            (CertificateState::Issued, Some(end)) if end < today => CertificateState::Expired,
            (state, _) => state,
        }
    }

    /// The content, frozen at issue.
    pub fn shown(&self) -> ApiResult<CertificateShown> {
        serde_json::from_value(self.shown.clone()).map_err(ApiError::internal)
    }

    /// The certificate on the day `today`.
    pub fn on(self, today: NaiveDate) -> ApiResult<Certificate> {
        Ok(Certificate {
            state: self.state_on(today),
            shown: self.shown()?,
            id: self.id,
            user_id: self.user_id,
            course_id: self.course_id,
            completion_id: self.completion_id,
            serial: self.serial,
            issued_at: self.issued_at,
            issued_on: self.issued_on,
            valid_until: self.valid_until,
            revoked_at: self.revoked_at,
            revoke_reason: self.revoke_reason,
            superseded_by: self.superseded_by,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A certificate: evidence that a user completed a course.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema, Record)]
#[diesel(table_name = certificates)]
pub struct Certificate {
    /// Our id.
    pub id: Uuid,
    /// The user.
    pub user_id: Uuid,
    /// The course.
    pub course_id: Uuid,
    /// The completion that it certifies.
    pub completion_id: Uuid,
    /// The number that verifies it.
    #[schema(example = "4TQ8Z-1V7NC-KM2YD-0XWPA-95HRGB")]
    pub serial: String,
    /// Its status today.
    #[record(elsewhere)]
    pub state: CertificateState,
    /// The content, frozen at issue.
    #[record(opaque)]
    pub shown: CertificateShown,
    /// When it was issued.
    pub issued_at: DateTime<Utc>,
    /// The day of issue, in the learner's time zone.
    pub issued_on: NaiveDate,
    /// The last day of validity; none if it does not expire.
    pub valid_until: Option<NaiveDate>,
    /// When it was revoked.
    pub revoked_at: Option<DateTime<Utc>>,
    /// Why it was revoked.
    pub revoke_reason: Option<String>,
    /// The certificate that was issued in its place.
    pub superseded_by: Option<Uuid>,
    /// Counts up with every change.
    pub version: i64,
    /// When it was added.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// The characters of a certificate that no font has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MissingGlyphs {
    /// The certificate.
    pub id: Uuid,
    /// The characters, each with its name.
    pub characters: Vec<String>,
    /// Fonts that have them.
    pub fonts: Vec<String>,
}

impl Versioned for Certificate {
    fn version(&self) -> i64 {
        self.version
    }

    /// Expiry changes no row, but what a client sees.
    fn etag(&self) -> String {
        format!("\"{}-{}\"", self.version, self.state.as_str())
    }
}

/// The completion that a certificate is issued from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CompletionKey {
    /// The user.
    pub user_id: Uuid,
    /// Which.
    pub completion_id: Uuid,
}

/// Why a certificate is revoked.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct RevokeCertificate {
    /// Why. Kept in the ledger, and not shown to people who verify.
    #[schema(min_length = 1, max_length = 1000, format = "multiline")]
    pub reason: String,
}

/// Why a certificate is reissued.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct ReissueCertificate {
    /// Why.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 1000, format = "multiline")]
    pub reason: Option<String>,
}
