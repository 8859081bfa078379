//! Forgets dry runs that are old: they hold what people's records say.

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{
    jobs::{Job, JobError, JobRun},
    sql,
};

/// Deletes dry runs after a month.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgeDryRuns {}

const KEPT_FOR: TimeDelta = TimeDelta::days(30);

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 10_000;

impl Job for PurgeDryRuns {
    const KIND: &'static str = "scim_dry_runs.purge";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        while run.write(|tx| {
            let deleted = sql!(
                "DELETE FROM scim_dry_runs
                 WHERE id IN (SELECT id FROM scim_dry_runs WHERE created_at <= {since}
                    ORDER BY created_at LIMIT {BATCH})",
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
