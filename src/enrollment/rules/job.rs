//! Settling what rules want of everybody, outside of a request and a few thousand people at a time.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::reconcile::{Outcome, reconcile};
use crate::{
    app::Tx,
    db::schema::users,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    operations,
};

/// People a transaction: short enough that nobody waits long for a person who is being settled.
const CHUNK: i64 = 2_000;

/// Settles what one rule wants of everybody, after it changed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileRule {
    /// Which rule.
    pub rule_id: Uuid,
    /// The operation that tells how far it is, if somebody waits for it.
    #[serde(default)]
    pub operation_id: Option<Uuid>,
}

impl Job for ReconcileRule {
    const KIND: &'static str = "reconcile_rule";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        everybody(run, Some(self.rule_id), self.operation_id)
    }

    fn unique_key(&self) -> Option<String> {
        let unwatched = self.operation_id.is_none();
        unwatched.then(|| self.rule_id.to_string())
    }

    fn operation_id(&self) -> Option<Uuid> {
        self.operation_id
    }
}

/// Settles what all rules want of everybody: once a day, for what dates alone bring about.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReconcileAll {}

impl Job for ReconcileAll {
    const KIND: &'static str = "reconcile_all";

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        everybody(run, None, None)
    }

    fn unique_key(&self) -> Option<String> {
        Some("all".into())
    }
}

/// Walks over all people. Level-triggered, so an attempt that was cut short is simply begun again.
fn everybody(run: &JobRun, rule: Option<Uuid>, operation: Option<Uuid>) -> Result<(), JobError> {
    let mut total = Outcome::default();
    let (mut after, mut done) = (Uuid::nil(), 0);
    loop {
        if run.is_cancelled()? {
            return finish(
                run,
                |tx, operation| operations::cancel(tx, operation, &total),
                operation,
            );
        }
        let people = run.read(|tx| following(tx, after))?;
        let Some(last) = people.last() else { break };
        done += people.len() as i64;
        total += run.write(|tx| {
            if let Some(operation) = operation {
                operations::progress(tx, operation, done)?;
            }
            reconcile(tx, Some(&people), rule)
        })?;
        after = *last;
    }
    finish(
        run,
        |tx, operation| operations::succeed(tx, operation, &total),
        operation,
    )
}

fn finish(
    run: &JobRun,
    end: impl Fn(&mut Tx, Uuid) -> ApiResult<()>,
    operation: Option<Uuid>,
) -> Result<(), JobError> {
    run.finish(|tx| operation.map_or(Ok(()), |operation| end(tx, operation)))
}

fn following(tx: &mut Tx, after: Uuid) -> ApiResult<Vec<Uuid>> {
    let people = users::table
        .filter(users::id.gt(after))
        .order(users::id)
        .limit(CHUNK)
        .select(users::id)
        .load(tx.conn)?;
    Ok(people)
}
