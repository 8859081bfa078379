//! Decides about all open issues of a rule and a kind.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::model::{ResolveIssues, ResolvedIssues, RuleIssue};
use crate::{
    app::Tx,
    authz::{Protected, Scope, authorize_all},
    db::{Condition, schema::rule_issues},
    enrollment::rules::model::Rule,
    http::ApiResult,
    jobs::{Job, JobError, JobRun},
    operations::{self, Operation},
    resource::{Change, Row, write},
    sql,
};

/// Begins to decide about the issues of `rule` that the caller may write.
pub fn begin(tx: &mut Tx, rule: &Rule, decision: ResolveIssues) -> ApiResult<Operation> {
    let scope = tx.scope(RuleIssue::WRITE)?;
    let operation = operations::begin(tx, "rule.resolve_issues", None)?;
    tx.enqueue(&ResolveIssuesJob {
        rule_id: rule.id,
        decision,
        scope,
        operation_id: operation.id,
    })?;
    Ok(operation)
}

/// Decides about the open issues of a rule and a kind, some at a time.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ResolveIssuesJob {
    /// The rule.
    pub rule_id: Uuid,
    /// What is decided.
    pub decision: ResolveIssues,
    /// Where the caller may decide: the job itself acts as Provost.
    pub scope: Scope,
    /// The operation that tells of it.
    pub operation_id: Uuid,
}

impl Job for ResolveIssuesJob {
    const KIND: &'static str = "rule.resolve_issues";
    const IS_LONG: bool = true;

    fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let mut total: ResolvedIssues = run.read(|tx| operations::counted(tx, self.operation_id))?;
        let open = |tx: &mut Tx, after, most| self.open(tx, after, most);
        let is_whole = run.walk(open, |part| {
            total = run.write(|tx| {
                let resolved = total.resolved + self.decide(tx, &part.ids)?;
                let total = ResolvedIssues { resolved };
                operations::progress(tx, self.operation_id, resolved)?;
                operations::count(tx, self.operation_id, &total)?;
                Ok(total)
            })?;
            Ok(())
        })?;
        run.finish(|tx| match is_whole {
            true => operations::succeed(tx, self.operation_id, &total),
            false => operations::cancel(tx, self.operation_id, &total),
        })
    }

    fn operation_id(&self) -> Option<Uuid> {
        Some(self.operation_id)
    }
}

impl ResolveIssuesJob {
    /// Picks open issues that the caller may write.
    fn picked(&self) -> Condition {
        Condition::new(sql!(
            "rule_issues.rule_id = {self.rule_id} AND rule_issues.kind = {kind} AND rule_issues.choice IS NULL
                AND rule_issues.closed_at IS NULL AND {covered}",
            kind = self.decision.kind.as_str(),
            covered = RuleIssue::covered(&self.scope),
        ))
    }

    /// The next open issues that the caller may write.
    fn open(&self, tx: &mut Tx, after: Uuid, most: i64) -> ApiResult<Vec<Uuid>> {
        let ids = rule_issues::table
            .filter(rule_issues::id.gt(after))
            .filter(self.picked())
            .order(rule_issues::id)
            .limit(most)
            .select(rule_issues::id)
            .load(tx.conn)?;
        Ok(ids)
    }

    /// Decides about these, if they are open still and in the caller's scope. Answers how many were.
    fn decide(&self, tx: &mut Tx, ids: &[Uuid]) -> ApiResult<i64> {
        let ids: Vec<Uuid> = rule_issues::table
            .filter(rule_issues::id.eq_any(ids))
            .filter(self.picked())
            .select(rule_issues::id)
            .load(tx.conn)?;
        let found = authorize_all::<RuleIssue>(tx, &ids, RuleIssue::WRITE)?;
        let mut changes = Vec::new();
        for issue in found.into_values().flatten() {
            if issue.choice.is_none() && issue.closed_at.is_none() {
                changes.push(Change::edit(issue, |fields| {
                    fields.choice = Some(self.decision.choice);
                    fields.due_on = self.decision.due_on;
                    fields.note.clone_from(&self.decision.note);
                }));
            }
        }
        let written = write::write(tx, changes)?;
        Ok(written.iter().filter(|outcome| outcome.is_ok()).count() as i64)
    }
}
