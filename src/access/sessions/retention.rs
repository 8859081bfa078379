//! Sign-ins are no evidence of learning: what the ledger says of old ones is erased.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    access::events::{SESSION_ENDED, SESSION_STARTED},
    http::ApiError,
    jobs::{Job, JobError, JobRun},
    ledger,
};

/// Erases the payloads of events about sessions that are older than `PROVOST_SIGN_INS_KEPT`. The events stay, and say who
/// signed in and when.
#[derive(Debug, Serialize, Deserialize)]
pub struct EraseSignIns {}

/// Events a transaction, each with one event that names their positions.
const BATCH: i64 = 1_000;

impl Job for EraseSignIns {
    const KIND: &'static str = "sign_ins.erase";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let kept = TimeDelta::from_std(run.app().config.sign_ins_kept).map_err(ApiError::internal)?;
        if kept.is_zero() {
            return Ok(());
        }
        for kind in [&SESSION_STARTED, &SESSION_ENDED] {
            let erase = || {
                run.write(|tx| {
                    let reason = "sign-ins are kept for a limited time";
                    ledger::erase_older(tx, kind, tx.now - kept, BATCH, reason)
                })
            };
            while erase()? > 0 {}
        }
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
