//! Forgets refresh tokens that are past their time.

use serde::{Deserialize, Serialize};

use super::refresh;
use crate::{
    db::bind,
    jobs::{Job, JobError, JobRun},
    sql,
};

/// Deletes refresh tokens that expired, and so all of a session that ended long ago. Sessions stay on record.
#[derive(Debug, Serialize, Deserialize)]
pub struct PurgeRefreshTokens {}

/// Rows a transaction, so that none holds locks for long.
const BATCH: i64 = 10_000;

impl Job for PurgeRefreshTokens {
    const KIND: &'static str = "refresh_tokens.purge";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        while run.write(|tx| {
            let expired = refresh::issued_after(tx.app, tx.now)?;
            let deleted = sql![
                "DELETE FROM refresh_tokens WHERE token_hash IN (SELECT token_hash FROM refresh_tokens
                    WHERE issued_at <= ",
                bind(expired),
                " LIMIT ",
                bind(BATCH),
                ")"
            ]
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
