//! The types of `/verify`.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::Tx,
    credential::certificates::{
        model::{CertificateRow, CertificateState},
        store,
    },
    http::ApiResult,
    people::days,
    text_enum,
};

text_enum! {
    /// How a certificate stands today.
    VerificationStatus {
        /// It is genuine and in force.
        Valid = "valid",
        /// It is genuine, but its validity has ended.
        Expired = "expired",
        /// It was taken back.
        Revoked = "revoked",
        /// Another one was issued in its place.
        Superseded = "superseded",
    }
}

/// What a certificate says, and how it stands today.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Verification {
    /// How it stands today.
    pub status: VerificationStatus,
    /// Its serial.
    #[schema(example = "4TQ8Z-1V7NC-KM2YD-0XWPA-95HRGB")]
    pub serial: String,
    /// The learner's name.
    #[schema(example = "Ana Silva")]
    pub name: String,
    /// The course's title.
    #[schema(example = "Fire Safety")]
    pub course: String,
    /// The day of completion, in the learner's time zone.
    pub completed_on: NaiveDate,
    /// The last day of validity, as the certificate says; none if it does not expire.
    pub valid_until: Option<NaiveDate>,
    /// The last day on which the completion counts today: rules may have changed since the certificate was issued. None if it
    /// does not expire.
    pub counts_until: Option<NaiveDate>,
    /// The day of issue, in the learner's time zone.
    pub issued_on: NaiveDate,
    /// The day on which it was taken back, in the learner's time zone.
    pub revoked_on: Option<NaiveDate>,
    /// The academy that issued it.
    #[schema(example = "Northwind Academy")]
    pub issuer: String,
}

impl Verification {
    /// How `certificate` stands today.
    pub fn of(tx: &mut Tx, certificate: &CertificateRow) -> ApiResult<Self> {
        let revoked_on = match certificate.revoked_at {
            Some(at) => Some(days::day(tx, certificate.user_id, at)?),
            None => None,
        };
        let shown = certificate.shown()?;
        let counts_until = store::counts_until(tx, certificate)?;
        Ok(Verification {
            status: match certificate.state_on(tx.today()) {
                CertificateState::Issued => VerificationStatus::Valid,
                CertificateState::Expired => VerificationStatus::Expired,
                CertificateState::Revoked => VerificationStatus::Revoked,
                CertificateState::Superseded => VerificationStatus::Superseded,
            },
            serial: certificate.serial.clone(),
            name: shown.name,
            course: shown.course,
            completed_on: shown.completed_on,
            valid_until: shown.valid_until,
            counts_until,
            issued_on: certificate.issued_on,
            revoked_on,
            issuer: shown.issuer,
        })
    }
}
