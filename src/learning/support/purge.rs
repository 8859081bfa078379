//! Forgets what happened in launches a while ago.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    jobs::{Job, JobError, JobRun},
    sql,
};

/// Deletes entries of the log of launches after a month.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgeLaunchLog {}

const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 10_000;

impl Job for PurgeLaunchLog {
    const KIND: &'static str = "launch_log.purge";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        while run.write(|tx| {
            let deleted = sql!(
                "DELETE FROM launch_log WHERE (user_id, launch_id, id) IN (SELECT user_id, launch_id, id FROM launch_log
                    WHERE recorded_at <= {since} ORDER BY recorded_at LIMIT {BATCH})",
                since = tx.now - KEPT_FOR,
            )
            .execute(tx.conn)?;
            Ok(deleted as i64)
        })? == BATCH
        {}
        Ok(())
    }

    fn unique_key(&self) -> Option<String> {
        Some(String::new())
    }
}
