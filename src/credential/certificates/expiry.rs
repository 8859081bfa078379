//! What a new day brings to certificates: those in force expire.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use super::model::{Certificate, CertificateState};
use crate::{
    app::Tx,
    credential::events::CERTIFICATE_EXPIRED,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    people::new_days::{NewDays, once},
    resource::record::as_json,
    sql,
};

/// Records which certificates expired with the days that began.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordExpiredCertificates {}

impl Job for RecordExpiredCertificates {
    const KIND: &'static str = "certificates.days";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        run.finish(record)
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}

fn record(tx: &mut Tx) -> ApiResult<()> {
    let Some(days) = NewDays::take(tx, "certificates")? else {
        return Ok(());
    };
    days.forget_past(tx, &CERTIFICATE_EXPIRED)?;
    let expired = sql!(
        "SELECT c.user_id, c.id, c.valid_until FROM certificates c
         JOIN users ON users.id = c.user_id {joined_days} AND new_day.day = c.valid_until + 1
         WHERE c.state = 'issued' AND c.valid_until BETWEEN {first} AND {last}
            AND c.issued_at < new_day.begins_at",
        joined_days = days.joined_to_users(),
        first = days.first - TimeDelta::days(1),
        last = days.last - TimeDelta::days(1),
    );
    let changes = sql!(
        "{fresh}, changes AS (SELECT {CERTIFICATE_EXPIRED.action} AS action, c.id, c.user_id,
                NULL::jsonb AS before, {certificate} || jsonb_build_object('state', {state}::text) AS after
            FROM fresh JOIN certificates c ON c.user_id = fresh.user_id AND c.id = fresh.object_id)",
        fresh = once(&CERTIFICATE_EXPIRED, expired),
        certificate = as_json::<Certificate>("c."),
        state = CertificateState::Expired.as_str(),
    );
    tx.record_changes(&[&CERTIFICATE_EXPIRED], changes.is_planned_each_time())?;
    Ok(())
}
